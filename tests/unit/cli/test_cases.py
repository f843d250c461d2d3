# SPDX-License-Identifier: Apache-2.0
"""Small inputs from reports of people who run Flux, each with what is right for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fluxsm.adapters.folder import open_folder, starter_folder
from fluxsm.api.instance import parse_instance
from fluxsm.build import version, yaml
from fluxsm.build.pipeline import build
from fluxsm.cli import distribution, root
from fluxsm.errors import BuildError, Cure
from tests.unit.cli.wrong_files import STARTER

CASES = Path(__file__).resolve().parents[4] / "shared" / "cases"
FOUND = open_folder(starter_folder())
POLICY = (
    "$patch: delete\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}"
)
HELM = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {template: {spec: {%s}}}"

ENV = "containers: [{name: manager, env: [{name: GOMEMLIMIT, value: 800MiB}]}]"
VOLUME = "volumes: [{name: data, persistentVolumeClaim: {claimName: flux-data}}]"


def instance(patches: Any = None, **spec: Any) -> dict[str, Any]:
    """An instance with patches, each a target and a text."""
    place = {"version": "2.7.x", "registry": "ghcr.io/fluxcd"}
    entries = [
        {"patch": text} | ({} if target is None else {"target": target})
        for target, text in patches or ()
    ]
    kustomize = {"kustomize": {"patches": entries}} if entries else {}
    return {
        "apiVersion": "fluxcd.controlplane.io/v1", "kind": "FluxInstance",
        "metadata": {"name": "flux", "namespace": "flux-system"},
        "spec": {"distribution": place, **kustomize, **spec},
    }  # fmt: skip


def sync(**fields: str) -> dict[str, Any]:
    """A sync of a Git repository."""
    return {"kind": "GitRepository", "url": "https://x.io/y", "ref": "main", "path": "."} | fields


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an empty target that deletes": (
        instance([({}, POLICY)]),
        ".spec.kustomize.patches[0].target is empty, so it selects every object",
    ),
    "a sync without its controller": (
        instance(components=["source-controller", "helm-controller"], sync=sync()),
        ".spec.sync needs source-controller and kustomize-controller in .spec.components",
    ),
    "a name in capitals": (
        instance(sync=sync(name="Cluster_1")), ".spec.sync.name: 'Cluster_1' is not a DNS name",
    ),
    "a variable with a value and its source": (
        instance([({"kind": "Deployment", "name": "helm-controller"},
                   HELM % ENV)]),
        "env[GOMEMLIMIT] has value and valueFrom, of which one is allowed; write `valueFrom: null`",
    ),
    "a volume with two sources": (
        instance([({"kind": "Deployment", "name": "source-controller"},
                   HELM % VOLUME)]),
        ("volumes[data] has emptyDir and persistentVolumeClaim, of which one is allowed; write"
        " `emptyDir: null`"),
    ),
    "a short SSH address": (
        instance(sync=sync(url="git@git.example.com:acme/fleet.git")),
        ".spec.sync.url is 'git@git.example.com:acme/fleet.git'; allowed: a URL such as https://",
    ),
    "bad labels": (
        instance(commonMetadata={"labels": {"bad key!": "x", "ok": "has spaces in it"}}),
        ".spec.commonMetadata.labels has the key 'bad key!', which is not a key such as team",
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _starter_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distribution, "open_distribution", lambda _: FOUND)


def run(*command: str, manifest: dict[str, Any]) -> Result:
    """Run a command that reads the instance from standard input."""
    return CliRunner().invoke(root, command, input=json.dumps(manifest))


@pytest.mark.parametrize(("manifest", "words"), REFUSED.values(), ids=list(REFUSED))
def test_it_is_refused_by_every_command_and_in_the_cluster(
    manifest: dict[str, Any], words: str
) -> None:
    """With the same words; only a change of the spec can cure it."""
    done = run("build", "-f", "-", manifest=manifest)
    assert (done.exit_code, words in done.stderr) == (1, True), done.stderr
    done = run("install", "--export", "-f", "-", manifest=manifest)
    assert (done.exit_code, words in done.stderr, done.stdout) == (1, True, "")
    done = run("diff", "-", "/dev/null", manifest=manifest)
    assert (done.exit_code, words in done.stderr) == (2, True), done.stderr
    wanted = parse_instance(manifest)
    chosen = version.resolve(wanted.spec.distribution.version, FOUND.versions())
    with pytest.raises(BuildError) as caught:
        build(wanted, FOUND, chosen)
    assert words in str(caught.value)
    assert (caught.value.reason, caught.value.cure) == ("BuildFailed", Cure.CHANGE)


def test_a_misspelt_field_of_a_target_is_refused() -> None:
    """Ignored, it would select all Deployments."""
    manifest = instance([({"kind": "Deployment", "names": "source-controller"}, "[]")])
    for command in (["build", "-f", "-"], ["install", "--export", "-f", "-"]):
        done = run(*command, manifest=manifest)
        assert done.exit_code == 1
        assert (
            ".spec.kustomize.patches[0].target.names is not a field (did you mean `name`?)"
            in done.stderr
        )


def test_patches_by_name_and_namespace_are_those_by_name() -> None:
    """Replicas and arguments, for two controllers among all."""
    scale = '[{"op": "replace", "path": "/spec/replicas", "value": %d}]'
    flag = (
        '[{"op": "test", "path": "/spec/template/spec/containers/0/name", "value": "manager"},'
        ' {"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--x=3s"}]'
    )
    everyone = {"kind": "Deployment", "labelSelector": "app.kubernetes.io/part-of=flux"}

    def with_names(**more: str) -> Result:
        one = {"kind": "Deployment", "name": "source-controller", **more}
        other = {"kind": "Deployment", "name": "kustomize-controller", **more}
        patches = [(everyone, scale % 2), (one, scale % 1), (other, flag)]
        return run("build", "-f", "-", manifest=instance(patches))

    done = with_names(namespace="flux-system")
    assert (done.exit_code, done.stderr) == (0, STARTER)
    assert done.stdout == with_names().stdout
    found = {
        item["metadata"]["name"]: item["spec"]
        for item in yaml.load_mappings(done.stdout, "x")
        if item["kind"] == "Deployment"
    }
    assert {name: spec["replicas"] for name, spec in found.items()} == {
        "source-controller": 1, "kustomize-controller": 2, "helm-controller": 2,
        "notification-controller": 2,
    }  # fmt: skip
    container = found["kustomize-controller"]["template"]["spec"]["containers"][0]
    assert container["args"][-1] == "--x=3s"


def test_replaced_arguments_are_built_with_a_warning() -> None:
    """As asked; how to add one is said."""
    text = HELM % "containers: [{name: manager, args: [--sops-age-secret=x]}]"
    target = {"kind": "Deployment", "name": "kustomize-controller"}
    done = run("build", "-f", "-", manifest=instance([(target, text)]))
    assert done.exit_code == 0
    assert (
        "replaces args of the container manager as a whole in kustomize-controller" in done.stderr
    )
    assert "/spec/template/spec/containers/0/args/-" in done.stderr


def test_every_file_of_the_cases_has_one_verdict() -> None:
    """Whichever command reads it; the advice is the same too."""
    files = sorted(CASES.glob("*.yaml")) or pytest.skip("the cases are not here")
    for path in files:
        built = CliRunner().invoke(root, ["build", "-f", str(path)])
        installed = CliRunner().invoke(root, ["install", "--export", "-f", str(path)])
        compared = CliRunner().invoke(root, ["diff", str(path), str(path)])
        assert installed.stderr == built.stderr, path.name
        assert installed.exit_code == built.exit_code, path.name
        assert compared.exit_code == (2 if built.exit_code else 0), path.name
        assert compared.stderr.startswith(built.stderr), path.name


def test_scalars_in_annotations_are_text_as_written() -> None:
    """With and without a target, on objects and on the templates of pods."""
    written = {"a": "0012345", "b": "1.10", "c": "1e5", "d": "0x1F", "e": "1" * 30, "f": "1_000",
               "g": "00", "h": "2.0", "i": "12:30:45", "j": "2024-05-06",
               "k": "3.14159265358979323846"}  # fmt: skip
    body = ", ".join(f"{key}: {value}" for key, value in written.items())
    head = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: helm-controller\n"
    text = (
        f"{head}  annotations: {{{body}}}\n"
        f"spec: {{template: {{metadata: {{annotations: {{{body}}}}}}}}}\n"
    )
    for target in (None, {"kind": "Deployment", "name": "helm-controller"}):
        done = run("build", "-f", "-", manifest=instance([(target, text)]))
        (found,) = [
            item for item in yaml.load_mappings(done.stdout, "x")
            if (item["kind"], item["metadata"]["name"]) == ("Deployment", "helm-controller")
        ]  # fmt: skip
        for holder in (found, found["spec"]["template"]):
            assert holder["metadata"]["annotations"].items() >= written.items()
