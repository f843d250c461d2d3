# SPDX-License-Identifier: Apache-2.0
"""A persistent volume for the artifacts of source-controller."""

from __future__ import annotations

from typing import Any

from fluxsm.api.objects import Manifest
from fluxsm.build.options import SOURCE, Options
from fluxsm.build.pod import append_volume, mount_data_from
from fluxsm.build.resource import Resource, deployments_of

_VOLUME = "persistent-data"


def load_claim(options: Options) -> list[Resource]:
    """The claim of the main source-controller, if storage is wanted."""
    return [Resource.of(claim(options, SOURCE))] if options.spec.storage else []


def claim(options: Options, name: str) -> Manifest:
    """A claim with the wanted class and size."""
    storage = options.spec.storage
    spec: dict[str, Any] = {"accessModes": ["ReadWriteOnce"]}
    if storage is not None:
        spec["storageClassName"] = storage.class_
        spec["resources"] = {"requests": {"storage": storage.size}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": spec,
    }


def claimed_volume(name: str, claim_name: str) -> dict[str, Any]:
    """A volume that is backed by a claim."""
    return {"name": name, "persistentVolumeClaim": {"claimName": claim_name}}


def mount_claim(options: Options, resources: list[Resource]) -> None:
    """Mount the claim in the main source-controller; shards have their own or none."""
    if not options.spec.storage or SOURCE not in options.components:
        return
    for item in deployments_of(resources, SOURCE):
        if not item.is_shard:
            append_volume(item.manifest, claimed_volume(_VOLUME, SOURCE))
            mount_data_from(item.manifest, _VOLUME)
