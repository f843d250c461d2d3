# SPDX-License-Identifier: Apache-2.0
"""What holds for every build, whatever the spec and the version."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections import Counter
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fluxsm.api import names
from fluxsm.api.instance import parse_instance
from fluxsm.api.objects import ObjectRef
from fluxsm.build import yaml
from fluxsm.build.compare import compare
from fluxsm.build.distribution import Distribution
from fluxsm.build.pipeline import BuildResult, build
from fluxsm.errors import BuildError
from fluxsm.objects.order import sort_for_delivery
from tests.property.build.strategies import INSTANCES, PLACES

Place = tuple[Distribution, str]
check = settings(deadline=None)
places = st.sampled_from(PLACES)


def attempt(manifest: dict[str, Any], place: Place, *, as_applied: bool = True) -> BuildResult:
    """A build, unless the version does not have what the spec wants."""
    distribution, version = place
    try:
        return build(parse_instance(manifest), distribution, version, as_applied=as_applied)
    except BuildError as error:
        assert "Flux 2." in str(error) or "images could not be read" in str(error)  # noqa: PT017
        assume(False)
        raise


@check
@given(INSTANCES, places, st.booleans())
def test_a_build_is_repeated_exactly(
    manifest: dict[str, Any], place: Place, as_applied: bool
) -> None:
    """And changes nothing that it was given."""
    before = copy.deepcopy(manifest)
    first = attempt(manifest, place, as_applied=as_applied)
    shown = json.dumps(first.objects)
    assert attempt(manifest, place, as_applied=as_applied) == first
    assert json.dumps(first.objects) == shown
    assert manifest == before
    assert compare(first.objects, first.objects) == []


@check
@given(INSTANCES, places)
def test_every_object_is_owned_and_placed(manifest: dict[str, Any], place: Place) -> None:
    """By the instance, in its namespace, in delivery order, each once."""
    namespace = manifest["metadata"]["namespace"]
    objects = list(attempt(manifest, place).objects)
    wide = {"Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"}
    for item in objects:
        metadata = item["metadata"]
        assert metadata["labels"][names.OWNER_NAME_LABEL] == "flux"
        assert metadata["labels"][names.OWNER_NAMESPACE_LABEL] == namespace
        assert metadata.get("namespace") == (None if item["kind"] in wide else namespace)
        for text in (*metadata["labels"].values(), *metadata["annotations"].values()):
            assert isinstance(text, str)
    assert objects == sort_for_delivery(objects)
    assert max(Counter(ObjectRef.of(item).identity for item in objects).values()) == 1


@check
@given(INSTANCES, places)
def test_pods_select_their_own_controllers_and_find_what_they_mount(
    manifest: dict[str, Any], place: Place
) -> None:
    """Selectors fit the labels of one Deployment only; mounts, claims and accounts exist."""
    objects = attempt(manifest, place).objects
    known = {(item["kind"], item["metadata"]["name"]) for item in objects}
    selectors = []
    for item in objects:
        if item["kind"] != "Deployment":
            continue
        spec = item["spec"]
        selector, pod = spec["selector"]["matchLabels"], spec["template"]["spec"]
        selectors.append(json.dumps(selector, sort_keys=True))
        assert selector.items() <= spec["template"]["metadata"]["labels"].items()
        assert ("ServiceAccount", pod["serviceAccountName"]) in known
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        assert len(volumes) == len(pod["volumes"])
        for volume in volumes.values():
            claim = volume.get("persistentVolumeClaim")
            assert claim is None or ("PersistentVolumeClaim", claim["claimName"]) in known
        for container in pod["containers"]:
            assert {mount["name"] for mount in container["volumeMounts"]} <= set(volumes)
    assert len(set(selectors)) == len(selectors)


@check
@given(INSTANCES, places, st.booleans())
def test_the_printed_stream_is_read_again(
    manifest: dict[str, Any], place: Place, as_applied: bool
) -> None:
    """Whatever texts the user has chosen."""
    objects = list(attempt(manifest, place, as_applied=as_applied).objects)
    small = [item for item in objects if item["kind"] != "CustomResourceDefinition"]
    assert yaml.load_mappings(yaml.dump_all(small), "the stream") == small


@check
@given(INSTANCES, places)
def test_metadata_does_not_change_the_revision(manifest: dict[str, Any], place: Place) -> None:
    """And the status lists every controller that is there."""
    result = attempt(manifest, place)
    plain = copy.deepcopy(manifest)
    plain["spec"].pop("commonMetadata", None)
    assert attempt(plain, place).revision == result.revision
    wanted = manifest["spec"].get("components") or list(names.DEFAULT_COMPONENTS)
    assert [image.name for image in result.components] == wanted


def test_the_output_does_not_depend_on_the_process() -> None:
    """Hashes of texts, and so the order of sets, differ between processes."""
    spec = {
        "distribution": {"version": "2.8.x", "registry": "ghcr.io/fluxcd"},
        "components": list(names.COMPONENTS),
        "cluster": {"size": "large", "multitenant": True, "objectLevelWorkloadIdentity": True},
        "sharding": {"shards": ["b", "a"]},
        "commonMetadata": {"labels": {"b": "1", "a": "2"}},
        "kustomize": {"patches": [{"target": {"kind": "Deployment"}, "patch": "[]"}]},
    }
    outputs = set()
    for seed in ("0", "1", "2"):
        done = subprocess.run(
            [sys.executable, "-m", "fluxsm", "build", "-f", "-", "--pin-digests"],
            input=json.dumps(
                {
                    "apiVersion": names.API_VERSION,
                    "kind": names.INSTANCE_KIND,
                    "metadata": {"name": names.SINGLETON},
                    "spec": spec,
                }
            ),
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.add(done.stdout)
    assert len(outputs) == 1
