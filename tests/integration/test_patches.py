# SPDX-License-Identifier: Apache-2.0
"""Patches do what kustomize does with the same input, object for object."""

from __future__ import annotations

import copy
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fluxsm.api.instance import Patch
from fluxsm.api.objects import Manifest
from fluxsm.build import yaml
from fluxsm.build.patches import apply_user_patches
from fluxsm.build.resource import Resource
from fluxsm.build.shape import check_shape
from fluxsm.errors import BuildError
from tests.controlplane.binary import find

pytestmark = pytest.mark.integration

DEPLOYMENT: Manifest = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "labels": {"app": "web"}, "annotations": {"note": "8080"}},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "containers": [
                    {
                        "name": "manager",
                        "image": "example/web:v1",
                        "args": ["--one", "--two"],
                        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                        "ports": [
                            {"containerPort": 80, "protocol": "TCP"},
                            {"containerPort": 53, "protocol": "UDP"},
                        ],
                        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                    },
                    {"name": "side", "image": "example/side:v1"},
                ],
                "volumes": [{"name": "data", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}],
                "tolerations": [{"key": "a", "operator": "Exists"}],
            },
        },
    },
}
SERVICE: Manifest = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web"},
    "spec": {
        "selector": {"app": "web"},
        "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": "http"}],
    },
}
CUSTOM: Manifest = {
    "apiVersion": "example.com/v1",
    "kind": "Thing",
    "metadata": {"name": "web"},
    "spec": {"list": [{"name": "a", "value": 1}, {"name": "b"}], "map": {"x": {"y": "z"}}},
}
OBJECTS = (DEPLOYMENT, SERVICE, CUSTOM)


def with_kustomize(folder: Path, patches: list[dict[str, Any]]) -> list[Manifest] | None:
    """What kustomize makes of the objects, None when it refuses."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "objects.yaml").write_text("\n---\n".join(json.dumps(item) for item in OBJECTS))
    kustomization = {"resources": ["objects.yaml"], "patches": patches}
    (folder / "kustomization.yaml").write_text(json.dumps(kustomization))
    command = [*find().command("kubectl"), "kustomize", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    return by_name(yaml.load_mappings(done.stdout, "kustomize"))


def with_fluxsm(patches: list[dict[str, Any]]) -> list[Manifest] | None:
    """What the build makes of the objects, None when it refuses."""
    resources = [Resource.of(copy.deepcopy(item)) for item in OBJECTS]
    try:
        result = apply_user_patches(resources, [Patch.model_validate(item) for item in patches])
    except BuildError:
        return None
    return by_name([item.manifest for item in result.resources])


def by_name(objects: list[Manifest]) -> list[Manifest]:
    """In an order that does not depend on the tool."""
    return sorted(objects, key=lambda item: (item["kind"], item["metadata"]["name"]))


def target(kind: str = "Deployment") -> dict[str, str]:
    """A target that selects one of the objects."""
    return {"kind": kind, "name": "web"}


def operations(*found: dict[str, Any]) -> str:
    """A JSON 6902 patch."""
    return json.dumps(list(found))


def operated(*found: dict[str, Any], on: str = "Deployment") -> list[dict[str, Any]]:
    """One JSON 6902 patch on the object of a kind."""
    return [{"target": target(on), "patch": operations(*found)}]


def merged(spec: str, on: str = "Deployment") -> list[dict[str, Any]]:
    """One strategic merge patch on the object of a kind."""
    return [{"target": target(on), "patch": f"kind: {on}\nmetadata: {{name: any}}\nspec: {spec}"}]


def pod(spec: str) -> list[dict[str, Any]]:
    """One strategic merge patch on the pods of the Deployment."""
    return merged(f"{{template: {{spec: {spec}}}}}")


CONTAINER = "/spec/template/spec/containers/0"
CASES: dict[str, list[dict[str, Any]]] = {
    "an argument is appended": operated(
        {"op": "add", "path": f"{CONTAINER}/args/-", "value": "--three"}
    ),
    "an argument is inserted": operated(
        {"op": "add", "path": f"{CONTAINER}/args/0", "value": "--zero"}
    ),
    "a missing key is replaced": operated({"op": "replace", "path": "/spec/paused", "value": True}),
    "a missing key is removed": operated({"op": "remove", "path": "/spec/missing"}),
    "an index is too large": operated({"op": "add", "path": f"{CONTAINER}/args/9", "value": "x"}),
    "a parent is missing": operated({"op": "add", "path": "/spec/a/b", "value": 1}),
    "the last argument is removed": operated({"op": "remove", "path": f"{CONTAINER}/args/-1"}),
    "a test fails": operated({"op": "test", "path": "/spec/replicas", "value": 2}),
    "a test holds": operated(
        {"op": "test", "path": "/spec/replicas", "value": 1},
        {"op": "remove", "path": "/spec/replicas"},
    ),
    "a value is moved": operated(
        {"op": "move", "from": "/spec/replicas", "path": "/spec/revisionHistoryLimit"}
    ),
    "a value is copied": operated(
        {"op": "copy", "from": f"{CONTAINER}/args", "path": f"{CONTAINER}/command"}
    ),
    "an annotation is added where there was none": operated(
        {"op": "add", "path": "/metadata/annotations/a", "value": "b"}, on="Service"
    ),
    "a label is added where there was none": operated(
        {"op": "add", "path": "/metadata/labels/a", "value": "b"}, on="Service"
    ),
    "a pattern selects several kinds": [
        {
            "target": {"kind": "Deploy.*|Service"},
            "patch": operations(
                {"op": "add", "path": "/metadata/annotations", "value": {"a": "b"}}
            ),
        }
    ],
    "a label selector": [
        {
            "target": {"labelSelector": "app in (web, db)"},
            "patch": operations({"op": "add", "path": "/spec/replicas", "value": 3}),
        }
    ],
    "objects without a label": [
        {
            "target": {"labelSelector": "!app"},
            "patch": operations({"op": "add", "path": "/spec/x", "value": 3}),
        }
    ],
    "an annotation selector": [
        {
            "target": {"annotationSelector": "note=8080"},
            "patch": operations({"op": "remove", "path": "/spec/replicas"}),
        }
    ],
    "scalars are merged": merged("{replicas: 5, paused: true}"),
    "null removes": merged("{replicas: null}"),
    "a new container comes first": pod("{containers: [{name: new, image: x}]}"),
    "a patched container comes first": pod("{containers: [{name: side, image: x}]}"),
    "a container is deleted": pod("{containers: [{name: side, $patch: delete}]}"),
    "all containers are replaced": pod("{containers: [{$patch: replace}, {name: only, image: x}]}"),
    "a list without keys is replaced": pod("{tolerations: [{key: b}]}"),
    "a list without keys is emptied": pod("{containers: [{name: manager, args: []}]}"),
    "an empty patch leaves a keyed list": pod("{volumes: []}"),
    "a volume changes its type": pod(
        "{volumes: [{name: data, emptyDir: null, configMap: {name: x}}]}"
    ),
    "ports have two keys": pod(
        "{containers: [{name: manager, ports: [{containerPort: 53, protocol: UDP, name: dns},"
        " {containerPort: 9, protocol: TCP}]}]}"
    ),
    "service ports have two keys": merged(
        "{ports: [{port: 80, protocol: TCP, nodePort: 30000},"
        " {port: 443, protocol: TCP, name: tls}]}",
        on="Service",
    ),
    "lists of custom resources are replaced": merged(
        "{list: [{name: b, value: 2}], map: {x: null, w: 1}}", on="Thing"
    ),
    "an object is deleted": [
        {"target": target(), "patch": "$patch: delete\nkind: Deployment\nmetadata: {name: any}"}
    ],
    "a patch names its object": [
        {
            "patch": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
            "spec: {replicas: 7}"
        }
    ],
    "a patch names nothing": [
        {
            "patch": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: other}\n"
            "spec: {replicas: 7}"
        }
    ],
    "a patch names another group": [
        {"patch": "apiVersion: v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 7}"}
    ],
    "a map takes the place of a list": pod("{containers: {}}"),
    "a number takes the place of a text": [
        {
            "target": target(),
            "patch": "kind: Deployment\nmetadata: {name: any, annotations: {note: 9090}}",
        }
    ],
    "pod labels": merged("{template: {metadata: {labels: {app: null, b: c}}}}"),
    "a bad pattern": [
        {"target": {"name": "("}, "patch": operations({"op": "remove", "path": "/spec"})}
    ],
    "neither form": [{"target": target(), "patch": "just text"}],
    "one volume goes and one comes": pod(
        "{volumes: [{name: data, $patch: delete}, {name: more, emptyDir: {}}]}"
    ),
    "a map is replaced": merged("{selector: {$patch: replace, matchLabels: {x: y}}}"),
    "a map is deleted": merged("{selector: {$patch: delete}}"),
    "an unknown directive": merged("{selector: {$patch: odd}}"),
}


@pytest.mark.parametrize("patches", CASES.values(), ids=CASES)
def test_a_patch_does_what_kustomize_does(tmp_path: Path, patches: list[dict[str, Any]]) -> None:
    """The same objects come out, or both refuse."""
    assert with_fluxsm(patches) == with_kustomize(tmp_path, patches)


SCALARS = st.one_of(
    st.integers(-5, 5), st.booleans(), st.sampled_from(["", "a", "b", "1", "true", "x: y", "--z"])
)
POINTERS = st.sampled_from(
    [
        "/spec/replicas",
        "/spec/new",
        "/spec/template/spec/containers/0/args",
        "/spec/template/spec/containers/0/args/-",
        "/spec/template/spec/containers/0/args/0",
        "/spec/template/spec/containers/0/args/1",
        "/spec/template/spec/containers/0/args/5",
        "/spec/template/spec/containers/1",
        "/spec/template/spec/volumes/0/emptyDir",
        "/spec/missing/deep",
        "/metadata/annotations/x",
        "/metadata/annotations/note",
    ]
)
OPERATIONS = st.one_of(
    st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "replace"]), "path": POINTERS, "value": SCALARS}
    ),
    st.fixed_dictionaries({"op": st.just("remove"), "path": POINTERS}),
    st.fixed_dictionaries({"op": st.just("move"), "from": POINTERS, "path": POINTERS}),
)


def is_sound(objects: list[Manifest] | None) -> bool:
    """Whether the build takes such objects: kustomize does not look at what it makes of them."""
    try:
        for item in objects or []:
            check_shape(item, "kustomize")
            values = (item["metadata"].get("annotations") or {}).values()
            assert all(isinstance(value, str) for value in values)
    except (BuildError, AssertionError):
        return False
    return True


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(found=st.lists(OPERATIONS, min_size=1, max_size=3))
def test_generated_operations_do_what_kustomize_does(
    tmp_path_factory: pytest.TempPathFactory, found: list[dict[str, Any]]
) -> None:
    """Sequences of operations on real paths give the same objects, or both refuse."""
    patches = [{"target": target(), "patch": json.dumps(found)}]
    theirs = with_kustomize(tmp_path_factory.mktemp("case"), patches)
    ours = with_fluxsm(patches)
    if is_sound(theirs) and is_sound(ours):
        assert ours == theirs


NAMES = st.sampled_from(["manager", "side", "new"])
ELEMENTS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"name": NAMES},
    optional={
        "image": st.sampled_from(["x", "y"]),
        "args": st.lists(st.sampled_from(["a", "b"]), max_size=2),
        "env": st.lists(
            st.fixed_dictionaries({"name": st.sampled_from("ABC"), "value": st.just("9")}),
            max_size=2,
            unique_by=lambda item: str(item["name"]),
        ),
        "$patch": st.just("delete"),
    },
)
SPECS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "replicas": st.one_of(st.none(), st.integers(0, 3)),
        "template": st.fixed_dictionaries(
            {
                "spec": st.fixed_dictionaries(
                    {},
                    optional={
                        "containers": st.lists(
                            ELEMENTS,
                            min_size=1,
                            max_size=3,
                            unique_by=lambda item: str(item["name"]),
                        ),
                        "tolerations": st.lists(
                            st.fixed_dictionaries({"key": st.just("k")}), max_size=2
                        ),
                        "hostNetwork": st.booleans(),
                    },
                )
            }
        ),
    },
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(spec=SPECS)
def test_generated_merges_do_what_kustomize_does(
    tmp_path_factory: pytest.TempPathFactory, spec: dict[str, Any]
) -> None:
    """Strategic merges of containers, arguments and scalars give the same objects."""
    document = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": spec,
    }
    patches = [{"target": target(), "patch": json.dumps(document)}]
    assert with_fluxsm(patches) == with_kustomize(tmp_path_factory.mktemp("case"), patches)


_SIGN = st.sampled_from(["", "-", "+"])
_DIGITS = st.text("0123456789", min_size=1, max_size=24)
PLAIN_SCALARS: st.SearchStrategy[str] = st.one_of(
    st.sampled_from(
        ["true", "True", "TRUE", "false", "False", "FALSE", "yes", "Yes", "YES", "no", "No", "NO",
         "on", "On", "ON", "off", "Off", "OFF", "y", "Y", "n", "N", ".inf", ".Inf", ".INF", "-.inf",
         "+.inf", ".nan", ".NaN", ".NAN", "1_000", "0b101", "0o17", "017", "0x1F", "0xdead_beef",
         "190:20:30", "12:30", "-12:30", "190:20:30.15", "6.02e23", "1e5", "1E-5", "1.e+3", ".5",
         "5.", "1.10", "2.0", "00", "08", "0", "-0", "+12", "0.0", "685.230_15e+03", "2024-05-06",
         "2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43.10 -5", "2002-12-14", "=", "text",
         "'5'", '"true"', "'~'", "''", "1.2.3", "v1", "1e", "0x", "1__0", "9" * 30]
    ),
    st.builds("{}{}".format, _SIGN, _DIGITS),
    st.builds("{}{}.{}".format, _SIGN, _DIGITS, _DIGITS),
    st.builds("{}{}e{}{}".format, _SIGN, st.integers(0, 99), _SIGN, st.integers(0, 40)),
    st.builds("0x{:x}".format, st.integers(0, 2**70)),
    st.builds("0{:o}".format, st.integers(0, 2**70)),
    st.builds("{:04}-{:02}-{:02}".format, st.integers(1, 9999), st.integers(1, 12),
              st.integers(1, 28)),
    st.builds("{}:{:02}".format, st.integers(0, 200), st.integers(0, 59)),
)  # fmt: skip
TEXT_MAPS = st.dictionaries(
    st.sampled_from(["a", "b", "note", "x.io/y"]), PLAIN_SCALARS, min_size=1, max_size=4
)


def metadata_merge(field: str, values: dict[str, str], *, aimed: bool) -> list[dict[str, Any]]:
    """A strategic merge of labels or annotations, written as a person would."""
    lines = "".join(f"\n    {key}: {text}" for key, text in values.items())
    name = "any" if aimed else "web"
    patch = f"apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\n  {field}:{lines}\n"
    return [{"patch": patch} | ({"target": target()} if aimed else {})]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    place=st.sampled_from([("labels", True), ("annotations", True), ("annotations", False)]),
    values=TEXT_MAPS,
)
def test_scalars_in_metadata_are_what_kustomize_makes_of_them(
    tmp_path_factory: pytest.TempPathFactory, place: tuple[str, bool], values: dict[str, str]
) -> None:
    """Text as it is written, whatever YAML 1.1 takes the scalar for.

    Labels of a merge without a target are left out: kustomize loses them all when one is no text.
    """
    field, aimed = place
    patches = metadata_merge(field, values, aimed=aimed)
    theirs = with_kustomize(tmp_path_factory.mktemp("case"), patches)
    assert with_fluxsm(patches) == theirs


@settings(max_examples=100, deadline=None)
@given(values=TEXT_MAPS)
def test_scalars_in_labels_of_a_merge_without_a_target(values: dict[str, str]) -> None:
    """They are what they are with one."""
    aimed = with_fluxsm(metadata_merge("labels", values, aimed=True))
    assert with_fluxsm(metadata_merge("labels", values, aimed=False)) == aimed


@settings(max_examples=100, deadline=None)
@given(field=st.sampled_from(["labels", "annotations"]), values=TEXT_MAPS)
def test_scalars_in_the_metadata_of_pods_are_text_as_written(
    field: str, values: dict[str, str]
) -> None:
    """Where kustomize makes numbers of them, which the API server refuses."""
    lines = ", ".join(f"{key}: {text}" for key, text in values.items())
    found = with_fluxsm(merged(f"{{template: {{metadata: {{{field}: {{{lines}}}}}}}}}"))
    assert found is not None
    made = found[0]["spec"]["template"]["metadata"][field]
    for key, text in values.items():
        bare = text.strip("'\"") if text[0] in "'\"" else text
        assert made[key] == (bare.lower() if bare.lower() in {"true", "false"} else bare)
