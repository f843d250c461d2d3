# SPDX-License-Identifier: Apache-2.0
"""Copies of the controllers, one set per shard, and the selectors that keep them apart."""

from __future__ import annotations

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from fluxsm.build import storage
from fluxsm.build.distribution import Distribution
from fluxsm.build.options import SOURCE, WATCHER, Options
from fluxsm.build.pod import (
    append_args,
    child,
    mount_data_from,
    pod_metadata,
    replace_data_volume,
    set_flag,
)
from fluxsm.build.resource import NamespacedName, Resource, deployments_of

# Everything else of a component exists once and serves all shards.
_SHARED = frozenset(
    {
        "Namespace",
        "CustomResourceDefinition",
        "ClusterRole",
        "ClusterRoleBinding",
        "ServiceAccount",
        "NetworkPolicy",
        "ResourceQuota",
    }
)


def load_shards(options: Options, distribution: Distribution) -> list[Resource]:
    """The objects of all shards, in the order of the list."""
    return [item for shard in options.shards for item in _load_shard(shard, options, distribution)]


def _load_shard(shard: str, options: Options, distribution: Distribution) -> list[Resource]:
    found = [
        _shard_copy(item, component, shard, options)
        for component in options.components
        if component in options.sharded
        for item in distribution.component(options.version_name, component, without=_SHARED)
    ]
    if options.has_persistent_shards:
        claim = storage.claim(options, SOURCE)
        found.append(_finish(claim, shard, options))
    return found


def _shard_copy(manifest: Manifest, component: str, shard: str, options: Options) -> Resource:
    app = f"{component}-{shard}"
    if manifest["kind"] == "Service":
        child(child(manifest, "spec"), "selector")["app"] = app
    elif manifest["kind"] == "Deployment":
        _adapt_deployment(manifest, component, shard, options)
    return _finish(manifest, shard, options)


def _adapt_deployment(manifest: Manifest, component: str, shard: str, options: Options) -> None:
    app = f"{component}-{shard}"
    child(child(child(manifest, "spec"), "selector"), "matchLabels")["app"] = app
    metadata = pod_metadata(manifest)
    child(metadata, "labels")["app"] = app
    child(metadata, "annotations")[names.SHARD_ROLE] = "shard"
    if component in {SOURCE, WATCHER}:
        # The address of the main controller keeps its place; of two the later one counts.
        set_flag(manifest, "--storage-adv-addr", options.storage_address(component))
        append_args(manifest, f"--storage-adv-addr={options.storage_address(app)}")
    if component == SOURCE and options.has_persistent_shards:
        volume = f"persistent-data-{shard}"
        replace_data_volume(manifest, storage.claimed_volume(volume, app))
        mount_data_from(manifest, volume)
    append_args(manifest, f"--watch-label-selector={options.shard_key}={shard}")


def _finish(manifest: Manifest, shard: str, options: Options) -> Resource:
    metadata = manifest["metadata"]
    original = NamespacedName(name=metadata["name"])
    metadata["name"] = f"{metadata['name']}-{shard}"
    metadata["namespace"] = options.namespace
    child(metadata, "annotations")[names.SHARD_ROLE] = "shard"
    placed = NamespacedName(name=original.name, namespace=options.namespace)
    return Resource(manifest=manifest, original=original, former=[placed])


def exclude_shards(options: Options, resources: list[Resource]) -> None:
    """Keep the main controllers away from objects that belong to a shard."""
    if not options.shards:
        return
    for item in deployments_of(resources, *options.sharded):
        if not item.is_shard:
            append_args(item.manifest, f"--watch-label-selector=!{options.shard_key}")
