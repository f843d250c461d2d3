# SPDX-License-Identifier: Apache-2.0
"""Whatever is wrong with an instance is said in one line: where, why, and what is allowed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fluxsm.adapters.folder import open_folder, starter_folder
from fluxsm.api.instance import InvalidInstanceError, parse_instance
from fluxsm.build import version
from fluxsm.build.pipeline import build
from fluxsm.cli import distribution, root
from fluxsm.errors import BuildError

PATCH = ".spec.kustomize.patches[0].patch"
TARGET = ".spec.kustomize.patches[0].target"
FORMS = "a patch is a list of JSON 6902 operations, or a document with kind and metadata.name"
DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: source-controller}\n"
ONE = {"kind": "Deployment", "name": "source-controller"}
BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{this}: &{this} [{', '.join(['*' + last] * 10)}]\n"
    for last, this in zip("abcdefghi", "bcdefghij", strict=True)
)


HEAD = {
    "apiVersion": "fluxcd.controlplane.io/v1",
    "kind": "FluxInstance",
    "metadata": {"name": "flux"},
}
FOUND = open_folder(starter_folder())
"""Parsed once for all tests here."""


@pytest.fixture(autouse=True)
def _starter_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distribution, "open_distribution", lambda _: FOUND)


def spec(version: str = "2.8.x", registry: str = "ghcr.io/fluxcd", **more: Any) -> dict[str, Any]:
    """A spec."""
    return {"distribution": {"version": version, "registry": registry}, **more}


def patched(patch: str, target: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """A spec with one patch."""
    entry = {"patch": patch} | ({"target": target} if target is not None else {})
    return spec(kustomize={"patches": [entry]}, **more)


def operated(*operations: Any, on: dict[str, str] | None = None) -> dict[str, Any]:
    """A spec with a JSON 6902 patch of one Deployment."""
    return patched(json.dumps(operations), on or ONE)


def merged(text: str, target: dict[str, str] | None = None) -> dict[str, Any]:
    """A spec with a strategic merge patch of one Deployment."""
    return patched(DEPLOYMENT + text, target)


def synced(**more: str) -> dict[str, Any]:
    """A spec with a sync."""
    sync = {"kind": "GitRepository", "url": "https://x", "ref": "main", "path": "."}
    return spec(sync=sync | more)


def without(block: str, field: str) -> dict[str, Any]:
    """A full spec in which one field is empty."""
    full = synced() | {"sharding": {"shards": ["a"]}, "storage": {"class": "a", "size": "1Gi"}}
    full[block] = full[block] | {field: [] if field == "shards" else ""}
    return full


REQUIRED = {
    f".spec.{path} is required": without(*path.split("."))
    for path in (
        "distribution.version",
        "distribution.registry",
        "sharding.shards",
        "storage.class",
        "storage.size",
        "sync.kind",
        "sync.url",
        "sync.ref",
        "sync.path",
    )
}
CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    # Versions and components.
    "no range": (spec(">>2"), [".spec.distribution.version '>>2' is not a version range"]),
    "an empty alternative": (spec("2.8 ||"), [".spec.distribution.version", "is empty"]),
    "no such version": (spec("3.x"), [".spec.distribution.version '3.x'", "available: v2.8.8"]),
    "a version that is a number": (
        {"distribution": {"version": 2.8, "registry": "x/y"}},
        [".spec.distribution.version is 2.8", "put it in quotes"],
    ),
    "an unknown component": (
        spec(components=["source-controller", "sauce-controller"]),
        [".spec.components", "'sauce-controller'", "allowed: source-controller,"],
    ),
    "a component twice": (
        spec(components=["helm-controller", "helm-controller"]),
        [".spec.components", "Deployment/flux-system/helm-controller would be created twice"],
    ),
    "source-watcher too early": (
        spec("2.6.x", components=["source-watcher"]),
        [".spec.components: source-watcher needs Flux 2.7.0 or newer, not v2.6.4"],
    ),
    "an unknown variant": (
        {"distribution": {"version": "2.x", "registry": "x/y", "variant": "odd"}},
        [".spec.distribution.variant is 'odd'", "enterprise-distroless-fips"],
    ),
    "a registry with a scheme": (
        spec(registry="https://ghcr.io/fluxcd"),
        [".spec.distribution.registry", "without a scheme"],
    ),
    "a registry in capitals": (
        spec(registry="ghcr.io/FluxCD"),
        ["component image extraction failed", "'ghcr.io/FluxCD/source-controller:"],
    ),
    # Workload identity.
    "tenants before 2.7": (
        spec("2.6.x", cluster={"multitenantWorkloadIdentity": True,
                               "objectLevelWorkloadIdentity": True}),
        [".spec.cluster.multitenantWorkloadIdentity needs Flux 2.7.0 or newer, not v2.6.4"],
    ),
    "tenants without objects": (
        spec(cluster={"multitenantWorkloadIdentity": True}),
        [".spec.cluster.objectLevelWorkloadIdentity must be true when"],
    ),
    "an unknown size": (spec(cluster={"size": "xl"}), [".spec.cluster.size is 'xl'", "large"]),
    "an unknown type": (spec(cluster={"type": "eks"}), [".spec.cluster.type is 'eks'", "aws"]),
    # Sharding and storage.
    "a shard that is no label": (
        spec(sharding={"shards": ["ok", "Not_OK"]}),
        [".spec.sharding.shards[1]: 'Not_OK' is not a DNS label"],
    ),
    "a shard that is too long": (
        spec(sharding={"shards": ["s" * 50]}), [".spec.sharding.shards[0]", "42 are allowed"],
    ),
    "a shard twice": (
        spec(sharding={"shards": ["a", "b", "a"]}), [".spec.sharding.shards: 'a' is listed 2"],
    ),
    "a shard key that is none": (
        spec(sharding={"shards": ["a"], "key": "a b"}), [".spec.sharding.key: 'a b'"],
    ),
    "persistent shards without storage": (
        spec(sharding={"shards": ["a"], "storage": "persistent"}),
        [".spec.storage must be set when .spec.sharding.storage is 'persistent'"],
    ),
    "a size that is none": (
        spec(storage={"class": "fast", "size": "much"}),
        [".spec.storage.size: 'much' is not a quantity such as 10Gi"],
    ),
    # Sync.
    "aws for git too early": (
        synced(provider="aws"),
        [".spec.sync.provider 'aws' for kind GitRepository needs Flux 2.9.0 or newer, not v2.8.8"],
    ),
    "gcp for git": (synced(provider="gcp"), ["'gcp' is only supported for OCIRepository and Buck"]),
    "github for a bucket": (
        synced(provider="github", kind="Bucket"), ["'github' is only supported for GitRepository"],
    ),
    "an unknown kind of source": (synced(kind="Svn"), [".spec.sync.kind is 'Svn'", "Bucket"]),
    "an interval that is none": (synced(interval="1 minute"), [".spec.sync.interval"]),
    "an endless interval": (synced(interval=f"{'9' * 20}h"), [".spec.sync.interval", "1h30m"]),
    "a name that is too long": (synced(name="n" * 64), [".spec.sync.name"]),
    # The form of a patch.
    "an empty patch": (patched(" \n"), [f"{PATCH} is empty", FORMS]),
    "only comments": (patched("# nothing"), [f"{PATCH} has only comments", FORMS]),
    "a list without items": (
        patched("kind: List\nitems: []"), [f"{PATCH} is a list without items", FORMS],
    ),
    "a word": (patched("word", ONE), [f"{PATCH} is neither form", FORMS, "'word'"]),
    "one operation as a map": (
        patched("op: remove\npath: /spec", ONE), [f"{PATCH} is neither form", FORMS],
    ),
    "no kind": (patched("metadata: {name: x}"), [f"{PATCH} is neither form", FORMS]),
    "no name": (patched("kind: Deployment\nmetadata: {}"), [f"{PATCH} is neither form", FORMS]),
    "a bad document among good ones": (
        patched(f"{DEPLOYMENT}---\n5"), [f"{PATCH} is neither form", FORMS],
    ),
    "operations and more": (
        patched("- op: remove\n  path: /x\n---\n- {}", ONE), [f"{PATCH} has operations and"],
    ),
    "no YAML": (patched("a: [", ONE), [f"{PATCH} is not valid YAML: at the end"]),
    "a key twice": (merged("spec: {a: 1, a: 2}"), [PATCH, "the key 'a' is there twice"]),
    "an alias bomb": (patched(DEPLOYMENT + BOMB), [PATCH, "aliases stand for more than 100000"]),
    "an alias of itself": (merged("spec: &a [*a]"), [PATCH, "*a stands for nothing yet"]),
    "nested too deeply": (merged("spec: " + "[" * 5000), [PATCH, "the limit is 100 levels"]),
    "no number": (merged("spec: {replicas: .inf}"), [PATCH, ".inf is not a number"]),
    "a tag": (merged("spec: !!python/object:os.system {}"), [PATCH, "is not supported"]),
    "too long": (
        merged(f"spec: {'x' * 1_100_000}"), [PATCH, "1,100,0", "allowed are 1,048,576"],
    ),
    # Targets.
    "an invalid expression": (
        patched("[]", {"name": "("}), [f"{TARGET}.name '(' is not a regular expression"],
    ),
    "an expression with look-around": (
        patched("[]", {"kind": "(?=x)"}), [f"{TARGET}.kind '(?=x)' is not a regular expression"],
    ),
    "an expression that explodes": (
        patched("[]", {"group": "((x{1000}){1000}){1000}"}),
        [f"{TARGET}.group '((x{{1000}}){{1000}}){{1000}}' is not a regular expression"],
    ),
    "an expression that is too long": (
        patched("[]", {"namespace": "x" * 1001}), [f"{TARGET}.namespace is longer than 1000"],
    ),
    "an invalid selector": (
        patched("[]", {"labelSelector": "a=b,"}), [f"{TARGET}.labelSelector 'a=b,'", "key=value"],
    ),
    "an invalid annotation selector": (
        patched("[]", {"annotationSelector": "a in b"}), [f"{TARGET}.annotationSelector 'a in b'"],
    ),
    "operations without a target": (patched("[]"), [f"{TARGET} is required"]),
    "two documents with a target": (
        merged(f"---\n{DEPLOYMENT}", ONE), [PATCH, "2 documents; with a target there is exactly"],
    ),
    "a patch to nowhere": (
        patched(DEPLOYMENT.replace("source", "sauce")),
        [f"{PATCH} names Deployment sauce-controller, which is not among the built objects"],
    ),
    "a patch to several": (
        patched(DEPLOYMENT, sharding={"shards": ["a"]}),
        [PATCH, "2 objects go by that name; use a target"],
    ),
    # Operations.
    "no operation": (operated("x"), [PATCH, "an operation is a map with op and path"]),
    "an unknown operation": (
        operated({"op": "Add", "path": "/x"}), [PATCH, "op is 'Add'; allowed are add, remove"],
    ),
    "an operation without a path": (operated({"op": "add"}), [PATCH, "path is missing"]),
    "a path without a slash": (
        operated({"op": "add", "path": "spec/x", "value": 1}), ["'spec/x' does not start with /"],
    ),
    "a missing parent": (
        operated({"op": "add", "path": "/spec/a/b", "value": 1}),
        [f"{PATCH}: add '/spec/a/b' on Deployment source-controller: there is no /spec/a"],
    ),
    "a missing key": (
        operated({"op": "remove", "path": "/spec/a"}), [PATCH, "remove '/spec/a'"],
    ),
    "an index outside": (
        operated({"op": "remove", "path": "/spec/template/spec/containers/7"}),
        [PATCH, "index 7 is outside of a list with 1 elements"],
    ),
    "an element by name": (
        operated({"op": "remove", "path": "/spec/template/spec/containers/manager"}),
        [PATCH, "'manager' is not a list index; elements cannot be addressed by name"],
    ),
    "a test that fails": (
        operated({"op": "test", "path": "/spec/replicas", "value": "1"}),
        [PATCH, "the test fails: the value is 1, not '1'"],
    ),
    "a move into itself": (
        operated({"op": "move", "from": "/spec", "path": "/spec/x"}), [PATCH, "into itself"],
    ),
    "a copy from nowhere": (
        operated({"op": "copy", "from": "/spec/a", "path": "/spec/x"}), [PATCH, "copy '/spec/x'"],
    ),
    "no name left": (
        operated({"op": "remove", "path": "/metadata/name"}), [f"{PATCH} removes kind or metadata"],
    ),
    "a name that is taken": (
        operated({"op": "replace", "path": "/metadata/name", "value": "helm-controller"}),
        [f"{PATCH}: there is a Deployment helm-controller already"],
    ),
    "no object left": (
        operated({"op": "replace", "path": "", "value": []}), [f"{PATCH} replaces the whole obj"],
    ),
    "labels that are a list": (
        operated({"op": "add", "path": "/metadata/labels", "value": [1]}),
        [f"{PATCH}: Deployment/source-controller: metadata.labels is not an object but list"],
    ),
    # Merges.
    "another shape": (
        merged("spec: {template: []}"), [PATCH, "is a map in the object and a list in the patch"],
    ),
    "an unknown directive": (
        merged("spec: {$patch: odd}"), [PATCH, "$patch is 'odd'; allowed are delete, replace and"],
    ),
    "a directive that is a map": (merged("spec: {$patch: {}}"), [PATCH, "allowed are delete, rep"]),
    "a directive for the whole object": (
        merged("$patch: replace"), [PATCH, "cannot replace a whole object"],
    ),
    "a directive of kubectl": (
        merged("spec: {$retainKeys: [a]}"), [PATCH, "$retainKeys is not supported"],
    ),
    "a directive in a list without keys": (
        merged("spec: {template: {spec: {tolerations: [{$patch: delete}]}}}"),
        [PATCH, "is replaced as a whole, so $patch has no meaning"],
    ),
    "an element without its key": (
        merged("spec: {template: {spec: {containers: [{image: x}]}}}"),
        [PATCH, "merges by name, but an element of the patch does not have it"],
    ),
    "containers that are words": (
        operated(
            {"op": "replace", "path": "/spec/template/spec/containers", "value": ["x"]}
        ),
        [PATCH, "spec.template.spec.containers is not a list of objects"],
    ),
    "a container without a name": (
        operated({"op": "remove", "path": "/spec/template/spec/containers/0/name"}),
        [PATCH, "spec.template.spec.containers[0]", "name is missing"],
    ),
    # Results.
    "an empty target that deletes": (
        patched("$patch: delete\nkind: x\nmetadata: {name: x}", {}),
        [f"{TARGET} is empty, so it selects every object, and the patch deletes them all"],
    ),
    "nothing left": (
        patched("$patch: delete\nkind: x\nmetadata: {name: x}", {"name": ".*"}),
        [".spec.kustomize.patches[0] deletes every object that is left"],
    ),
    "an image that is none": (
        operated({"op": "replace", "path": "/spec/template/spec/containers/0/image",
                  "value": "a/b:c:d"}),
        ["component image extraction failed: Deployment/flux-system/source-controller", "a/b:c:d"],
    ),
    "no image": (
        operated({"op": "remove", "path": "/spec/template/spec/containers/0/image"}),
        [".patch: Deployment/source-controller: ", "containers[manager].image is required"],
    ),
    "no containers": (
        operated({"op": "remove", "path": "/spec/template/spec/containers"}),
        [".patch: Deployment/source-controller: .spec.template.spec.containers is required"],
    ),
}  # fmt: skip


def by_command(text: str) -> str:
    """What `fluxsm build` says about an instance."""
    done = CliRunner().invoke(root, ["build", "-f", "-"], input=text)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.startswith("✗ ")
    assert done.stderr.count("\n") == 1
    assert len(done.stderr) < 1000
    return done.stderr


def by_library(manifest: dict[str, Any]) -> str:
    """What the operator would say about it."""
    with pytest.raises((BuildError, InvalidInstanceError)) as caught:
        build_in_library(manifest)
    return str(caught.value)


def build_in_library(manifest: dict[str, Any]) -> None:
    """Build as the operator does."""
    instance = parse_instance(manifest)
    build(instance, FOUND, version.resolve(instance.spec.distribution.version, FOUND.versions()))


@pytest.mark.parametrize(("wanted", "fragments"), CASES.values(), ids=CASES)
def test_a_spec_that_cannot_be_built(wanted: dict[str, Any], fragments: list[str]) -> None:
    """The command and the operator say the same."""
    manifest = {**HEAD, "spec": wanted}
    for message in (by_command(json.dumps(manifest)), by_library(manifest)):
        for fragment in fragments:
            assert fragment in message


@pytest.mark.parametrize(("fragment", "wanted"), REQUIRED.items(), ids=list(REQUIRED))
def test_a_field_that_is_required(fragment: str, wanted: dict[str, Any]) -> None:
    """The field is named by its path, whether it is empty or absent."""
    assert fragment in by_command(json.dumps(HEAD | {"spec": wanted}))
    block, field = fragment.split(maxsplit=1)[0].split(".")[2:]
    del wanted[block][field]
    assert fragment in by_command(json.dumps(HEAD | {"spec": wanted}))


BEGIN = "apiVersion: fluxcd.controlplane.io/v1\nkind: FluxInstance\nmetadata: {name: flux}\n"


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        pytest.param("", "standard input is empty", id="nothing"),
        pytest.param("# nothing", "standard input is empty", id="a comment"),
        pytest.param("a: [", "standard input is not valid YAML: at the end", id="no YAML"),
        pytest.param("\x00", "standard input is not valid YAML", id="binary"),
        pytest.param("a: 1\na: 2", "the key 'a' is there twice", id="a key twice"),
        pytest.param(BOMB, "aliases stand for more than 100000 values", id="a bomb"),
        pytest.param("[" * 100_000, "the limit is 100 levels", id="nested too deeply"),
        pytest.param("text", "standard input is not an object", id="text"),
        pytest.param("[1]", "standard input is not an object", id="a list"),
        pytest.param("kind: Pod", "is an object of kind Pod; a FluxInstance is", id="another kind"),
        pytest.param(f"{BEGIN}", ".spec is required", id="no spec"),
        pytest.param(f"{BEGIN}spec: {{}}", ".spec.distribution is required", id="no distribution"),
        pytest.param(f"{BEGIN}spec: 1", ".spec is 1, a number; a map is", id="a spec, no map"),
        pytest.param("a" * (6 << 20), "has more than 1.5 MiB", id="too long"),
        pytest.param(
            f"{BEGIN.replace('name: flux', 'name: other')}spec: {json.dumps(spec())}",
            ".metadata.name is 'other'; the only accepted name for a FluxInstance is 'flux'",
            id="another name",
        ),
    ],
)
def test_a_text_that_is_no_instance(text: str, fragment: str) -> None:
    """The message tells where the text came from."""
    assert fragment in by_command(text)


@pytest.mark.parametrize("path", ["/nowhere/flux.yaml", "/"])
def test_a_file_that_is_none(path: str) -> None:
    """The message names it."""
    done = CliRunner().invoke(root, ["build", "-f", path])
    assert done.exit_code == 1
    assert done.stderr.startswith(f"✗ invalid filename '{path}', must point to an existing file")


def test_a_patch_that_hits_several_patches_later(tmp_path: Path) -> None:
    """The message counts from zero, as the path of the field does."""
    entries = [{"patch": "[]", "target": ONE}, {"patch": "word", "target": ONE}]
    path = tmp_path / "flux.yaml"
    path.write_text(json.dumps(HEAD | {"spec": spec(kustomize={"patches": entries})}))
    done = CliRunner().invoke(root, ["build", "-f", str(path)])
    assert ".spec.kustomize.patches[1].patch is neither form" in done.stderr


def test_an_expression_that_backtracks_elsewhere_is_quick() -> None:
    """RE2 needs linear time; the expression just selects nothing."""
    manifest = HEAD | {"spec": patched("[]", {"name": "(([a-z-])+.)+[A-Z]([a-z])+$"})}
    done = CliRunner().invoke(root, ["build", "-f", "-"], input=json.dumps(manifest))
    assert done.exit_code == 0
    assert "patches[0].target selects no object" in done.stderr


def test_a_later_patch_can_rely_on_what_an_earlier_one_left() -> None:
    """Broken labels are found where they are made, not where they are looked at."""
    entries = [
        {"target": ONE, "patch": '[{"op": "add", "path": "/metadata/labels", "value": "x"}]'},
        {"target": {"labelSelector": "a=b"}, "patch": "[]"},
    ]
    manifest = {"spec": spec(kustomize={"patches": entries})}
    assert f"{PATCH}: Deployment/source-controller: metadata.labels" in by_library(manifest)
