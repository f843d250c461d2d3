# SPDX-License-Identifier: Apache-2.0
"""Strategic merge patches do what kustomize does with them."""

from __future__ import annotations

from typing import Any

import pytest

from fluxsm.api.instance import Patch
from fluxsm.build.patches import apply_user_patches
from fluxsm.build.resource import Resource
from tests.unit.build.patching import merge, patch, pod, thing


@pytest.mark.parametrize(
    ("before", "text", "after"),
    [
        ({"a": 1, "b": 2}, "{b: 3, c: 4}", {"a": 1, "b": 3, "c": 4}),
        ({"a": {"b": 1}}, "{a: {b: null}}", {"a": {}}),
        ({"a": 1}, "{b: null}", {"a": 1}),
        ({}, "{a: {b: null, c: 1}}", {"a": {"c": 1}}),
        ({"a": None}, "{a: [1]}", {"a": [1]}),
        ({"l": [1, 2]}, "{l: [3]}", {"l": [3]}),
        ({"l": [1, 2]}, "{l: []}", {"l": []}),
        ({"l": [1]}, "{l: [{x: null}]}", {"l": [{"x": None}]}),
        ({"a": "8080"}, "{a: 9090}", {"a": "9090"}),
        ({"a": "true"}, "{a: false}", {"a": "false"}),
        ({"a": "text"}, "{a: 9090}", {"a": 9090}),
        ({"a": {"b": 1, "c": 2}}, "{a: {$patch: replace, d: 3}}", {"a": {"d": 3}}),
        ({"a": {"b": 1}, "c": 2}, "{a: {$patch: delete, x: 1}}", {"c": 2}),
        ({"a": {"b": 1}}, "{a: {$patch: merge, c: 2}}", {"a": {"b": 1, "c": 2}}),
        ({}, "{a: {$patch: delete}, b: {$patch: replace, c: 1}}", {"b": {"c": 1}}),
    ],
)  # fmt: skip
def test_merges(before: Any, text: str, after: Any) -> None:
    """Maps key by key, null removes, lists without keys are replaced."""
    assert merge(before, text) == after


CONTAINERS = [{"name": "m", "image": "i", "args": ["a"]}, {"name": "s", "image": "j"}]


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("[{name: n}]", [{"name": "n"}, *CONTAINERS]),
        ("[{name: s, image: k}]", [{"name": "s", "image": "k"}, CONTAINERS[0]]),
        ("[{name: s, $patch: delete}]", [CONTAINERS[0]]),
        ("[{name: x, $patch: delete}]", CONTAINERS),
        ("[{name: m, $patch: replace, image: k}]", [{"name": "m", "image": "k"}, CONTAINERS[1]]),
        ("[{$patch: replace}, {name: n}]", [{"name": "n"}]),
        ("[{$patch: delete}, {name: n}]", None),
        ("[{$patch: merge}, {name: n}]", [{"name": "n"}, *CONTAINERS]),
        ("[]", CONTAINERS),
        ("null", None),
        ("[{name: s, image: k}, {name: s, image: l}]",
         [{"name": "s", "image": "k"}, CONTAINERS[0]]),
    ],
)  # fmt: skip
def test_lists_with_a_key(text: str, after: Any) -> None:
    """Elements of the patch come first, in its order."""
    assert pod({"containers": CONTAINERS}, f"{{containers: {text}}}").get("containers") == after


@pytest.mark.parametrize(
    ("before", "text", "after"),
    [
        pytest.param([{"containerPort": 80, "protocol": "TCP"}],
                     "[{containerPort: 80, protocol: UDP}, {containerPort: 80, name: x}]",
                     [{"containerPort": 80, "protocol": "UDP"},
                      {"containerPort": 80, "protocol": "TCP", "name": "x"}],
                     id="no protocol is TCP"),
        pytest.param([{"containerPort": 80}, {"containerPort": 81}],
                     '[{containerPort: "81", n: x}]',
                     [{"containerPort": "81", "n": "x"}, {"containerPort": 80}],
                     id="without any protocol the first key counts alone, as text"),
        pytest.param([{"containerPort": 1, "protocol": "TCP"},
                      {"containerPort": 2, "protocol": "TCP"}],
                     "[{containerPort: 2, protocol: TCP, n: x}, {containerPort: 3, protocol: TCP}]",
                     [{"containerPort": 3, "protocol": "TCP"},
                      {"containerPort": 1, "protocol": "TCP"},
                      {"containerPort": 2, "protocol": "TCP", "n": "x"}],
                     id="new ones first, the others keep their places"),
    ],
)  # fmt: skip
def test_lists_with_two_keys(before: list[Any], text: str, after: list[Any]) -> None:
    """Ports are identified by number and protocol."""
    found = pod({"containers": [{"name": "m", "ports": before}]},
                f"{{containers: [{{name: m, ports: {text}}}]}}")  # fmt: skip
    assert found["containers"][0]["ports"] == after


@pytest.mark.parametrize(
    ("field", "before", "text", "after"),
    [
        ("volumes", [{"name": "a", "emptyDir": {}}],
         "[{name: a, emptyDir: null, configMap: {name: c}}]",
         [{"name": "a", "configMap": {"name": "c"}}]),
        ("imagePullSecrets", [{"name": "a"}], "[{name: b}]", [{"name": "b"}, {"name": "a"}]),
        ("hostAliases", [{"ip": "1", "hostnames": ["x"]}], "[{ip: 1, hostnames: [y]}]",
         [{"ip": "1", "hostnames": ["y"]}]),
        ("topologySpreadConstraints",
         [{"topologyKey": "z", "whenUnsatisfiable": "A", "maxSkew": 1}],
         "[{topologyKey: z, whenUnsatisfiable: A, maxSkew: 2}]",
         [{"topologyKey": "z", "whenUnsatisfiable": "A", "maxSkew": 2}]),
        ("tolerations", [{"key": "a"}], "[{key: b}]", [{"key": "b"}]),
    ],
)  # fmt: skip
def test_lists_of_pods(field: str, before: Any, text: str, after: Any) -> None:
    """Each with its own key, or none."""
    assert pod({field: before}, f"{{{field}: {text}}}")[field] == after


@pytest.mark.parametrize(
    ("field", "before", "text", "after"),
    [
        ("env", [{"name": "A", "value": "1"}], "[{name: B, value: 2}]",
         [{"name": "B", "value": 2}, {"name": "A", "value": "1"}]),
        ("volumeMounts", [{"mountPath": "/a", "name": "x"}], "[{mountPath: /a, name: y}]",
         [{"mountPath": "/a", "name": "y"}]),
        ("volumeDevices", [{"devicePath": "/a", "name": "x"}], "[{devicePath: /b, name: y}]",
         [{"devicePath": "/b", "name": "y"}, {"devicePath": "/a", "name": "x"}]),
        ("envFrom", [{"prefix": "a"}], "[{prefix: b}]", [{"prefix": "b"}]),
        ("args", ["a"], "[b]", ["b"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["containers", "initContainers", "ephemeralContainers"])
def test_lists_of_containers(place: str, field: str, before: Any, text: str, after: Any) -> None:
    """The same in all three lists."""
    found = pod({place: [{"name": "m", field: before}]},
                f"{{{place}: [{{name: m, {field}: {text}}}]}}")  # fmt: skip
    assert found[place][0][field] == after


def test_service_ports() -> None:
    """By port and protocol."""
    before = {"ports": [{"port": 80, "protocol": "TCP", "targetPort": "http"}]}
    assert merge(before, "{ports: [{port: 80, nodePort: 3}]}", "Service") == {
        "ports": [{"port": 80, "protocol": "TCP", "targetPort": "http", "nodePort": 3}]
    }


def test_lists_of_metadata() -> None:
    """Owners by uid, finalizers as a set; custom resources have no keys."""
    text = "kind: X\nmetadata: {name: x, finalizers: [b, a], ownerReferences: [{uid: u, name: n}]}"
    item = thing("ServiceAccount", "v1")
    item["metadata"] |= {"finalizers": ["a"], "ownerReferences": [{"uid": "u", "kind": "K"}]}
    metadata = patch(item, text)["metadata"]
    assert metadata["finalizers"] == ["a", "b"]
    assert metadata["ownerReferences"] == [{"uid": "u", "kind": "K", "name": "n"}]
    other = thing()
    other["metadata"] |= {"finalizers": ["a"]}
    assert patch(other, text)["metadata"]["finalizers"] == ["b", "a"]


def test_a_targeted_merge_never_changes_who_the_object_is() -> None:
    """Its own apiVersion, kind, name and namespace are of no concern."""
    text = "apiVersion: y/v2\nkind: Other\nmetadata: {name: z, namespace: n, labels: {a: 1}}"
    assert patch(thing(), text) == {
        "apiVersion": "x.io/v1", "kind": "Thing", "metadata": {"name": "a", "labels": {"a": "1"}},
    }  # fmt: skip


@pytest.mark.parametrize("target", [(), None])
def test_labels_become_text_and_null_removes(target: Any) -> None:
    """With and without a target."""
    item = thing()
    item["metadata"]["labels"] = {"old": "x", "n": "y"}
    text = (
        "apiVersion: x.io/v1\nkind: Thing\nmetadata: {name: a, labels: {old: null, n: 5, b: true}}"
    )
    assert patch(item, text, target=target)["metadata"]["labels"] == {"n": "5", "b": "true"}


def test_an_object_is_deleted() -> None:
    """By a directive at the top, with or without a target."""
    resources = [Resource.of(thing(name=name)) for name in "abc"]
    patches = [
        Patch.model_validate({"patch": "$patch: delete\nkind: x\nmetadata: {name: x}",
                              "target": {"name": "a"}}),
        Patch.model_validate({"patch": "$patch: delete\napiVersion: x.io/v1\nkind: Thing\n"
                                       "metadata: {name: b}"}),
    ]  # fmt: skip
    left = apply_user_patches(resources, patches).resources
    assert [item.name for item in left] == ["c"]
