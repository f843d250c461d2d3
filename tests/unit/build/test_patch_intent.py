# SPDX-License-Identifier: Apache-2.0
"""Patches do what people mean by them, or say why not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fluxsm.errors import BuildError
from tests.unit.build.makers import Built, built, patched

ACCOUNT = {"kind": "ServiceAccount", "name": "source-controller"}
ROLE = "arn:aws:iam::111122223333:role/artifact-reader"
SYNC = {"kind": "OCIRepository", "url": "oci://example.com/fleet", "ref": "stable", "path": "."}


def annotate(value: str) -> str:
    """An operation that gives an object an annotation."""
    return json.dumps([{"op": "add", "path": "/metadata/annotations", "value": {"a": value}}])


def scale(count: int) -> str:
    """An operation that sets the replicas."""
    return json.dumps([{"op": "replace", "path": "/spec/replicas", "value": count}])


def refused(*patches: tuple[str, dict[str, str] | None], **more: Any) -> str:
    """Why a build is refused."""
    with pytest.raises(BuildError) as caught:
        patched(*patches, **more)
    return str(caught.value)


def merge(kind: str, name: str, text: str, api: str = "apps/v1", namespace: str = "") -> str:
    """A strategic merge."""
    place = f", namespace: {namespace}" if namespace else ""
    return f"apiVersion: {api}\nkind: {kind}\nmetadata: {{name: {name}{place}}}\n{text}"


@pytest.mark.parametrize("namespace", ["flux-system", "gitops"])
def test_the_namespace_of_the_instance_selects(namespace: str) -> None:
    """Although most objects have none yet when patches are applied."""
    found = patched((annotate(ROLE), {**ACCOUNT, "namespace": namespace}), namespace=namespace)
    assert found.get("ServiceAccount/source-controller")["metadata"]["annotations"]["a"] == ROLE
    assert found.result.warnings == ()


def test_another_namespace_selects_nothing_and_the_reason_is_given() -> None:
    """As in kustomize, but with a reason."""
    found = patched((annotate(ROLE), {**ACCOUNT, "namespace": "other"}))
    (warning,) = found.result.warnings
    assert warning == (
        ".spec.kustomize.patches[0].target selects no object: all objects are in the namespace"
        " flux-system, not in 'other'"
    )


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ({"kind": "deployment"}, "no object has the kind 'deployment' (did you mean Deployment?)"),
        ({"kind": "Deployment", "name": "sauce-controller"},
         "no object has the name 'sauce-controller' (did you mean source-controller?)"),
        ({"labelSelector": "a=b"}, "no object has the labelSelector 'a=b'"),
        ({"kind": "Namespace", "name": "helm-controller"},
         "there is none for which all of kind, name hold"),
    ],
)  # fmt: skip
def test_the_reason_names_the_criterion(target: dict[str, str], reason: str) -> None:
    """The one that no object fulfils, else all of them."""
    (warning,) = patched((annotate("x"), target)).result.warnings
    assert warning.endswith(reason)
    assert warning.startswith(".spec.kustomize.patches[0].target selects no object")


def test_a_merge_may_name_its_object_with_the_namespace_of_the_instance() -> None:
    """Or without one; sync objects, which have it already, too."""
    for namespace in ("flux-system", ""):
        found = patched(
            (merge("ServiceAccount", "source-controller", "imagePullSecrets: [{name: x}]",
                   api="v1", namespace=namespace), None),
            (merge("Kustomization", "flux-system", "spec: {force: true}",
                   api="kustomize.toolkit.fluxcd.io/v1", namespace=namespace), None),
            sync=SYNC,
        )  # fmt: skip
        account = found.get("ServiceAccount/source-controller")
        assert account["imagePullSecrets"] == [{"name": "x"}]
        assert found.get("Kustomization/flux-system")["spec"]["force"] is True


def test_a_merge_with_another_namespace_names_the_cause() -> None:
    """The object is built, in another namespace."""
    text = merge("ServiceAccount", "source-controller", "secrets: []", api="v1", namespace="apps")
    assert refused((text, None)) == (
        ".spec.kustomize.patches[0].patch names ServiceAccount source-controller in the namespace"
        " apps; its namespace is not apps, but flux-system"
    )


WRITTEN = {
    "0012345": "0012345", "1.10": "1.10", "1e5": "1e5", "0x1F": "0x1F", "1_000": "1_000",
    "00": "00", "2.0": "2.0", "123456789012345678901234567890": "123456789012345678901234567890",
    "12:30:45": "12:30:45", "2024-05-06": "2024-05-06", "6.02e23": "6.02e23", ".inf": ".inf",
    "3.14159265358979323846": "3.14159265358979323846", "0b11": "0b11", "0o17": "0o17",
    "yes": "yes", "on": "on", "y": "y", "'5'": "5", "+1": "+1", "-0": "-0", ".5": ".5",
}  # fmt: skip


@pytest.mark.parametrize("target", [ACCOUNT, None])
@pytest.mark.parametrize(("written", "text"), WRITTEN.items())
def test_labels_and_annotations_are_text_as_written(
    written: str, text: str, target: dict[str, str] | None
) -> None:
    """Whatever YAML takes the scalar for."""
    body = f"  annotations: {{a: {written}}}"
    found = patched((
        f"apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: source-controller\n{body}",
        target,
    ))  # fmt: skip
    assert found.get("ServiceAccount/source-controller")["metadata"]["annotations"]["a"] == text


@pytest.mark.parametrize("target", [{"kind": "Deployment", "name": "helm-controller"}, None])
def test_so_are_those_of_pods(target: dict[str, str] | None) -> None:
    """In templates a boolean is written in the form of JSON; anchors and merge keys count."""
    text = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: helm-controller}\n"
        "spec:\n  revisionHistoryLimit: &n 0012\n  template:\n    metadata:\n"
        "      labels: {b: 1.10, c: True}\n      annotations: {<<: {d: 1e5}, a: *n}\n"
        "    spec: {nodeSelector: {x: 010}}"
    )
    spec = patched((text, target)).get("Deployment/helm-controller")["spec"]
    metadata = spec["template"]["metadata"]
    assert spec["revisionHistoryLimit"] == 10
    assert metadata["labels"].items() >= {"b": "1.10", "c": "true"}.items()
    assert metadata["annotations"].items() >= {"a": "0012", "d": "1e5"}.items()
    assert spec["template"]["spec"]["nodeSelector"]["x"] == "010"


def test_numbers_elsewhere_stay_numbers() -> None:
    """And what is no number is refused there."""
    text = merge("Deployment", "helm-controller", "spec: {replicas: 0x2, paused: True}")
    spec = patched((text, None)).get("Deployment/helm-controller")["spec"]
    assert (spec["replicas"], spec["paused"]) == (2, True)
    text = merge("Deployment", "helm-controller", "spec: {replicas: .inf}")
    assert "patches[0].patch, line 4: .inf is not a number" in refused((text, None))


def test_an_empty_target_must_not_delete() -> None:
    """It selects every object; a merge with it is applied with a warning."""
    for target in ({}, {"kind": "", "name": ""}):
        text = merge("NetworkPolicy", "allow-egress", "$patch: delete", api="networking.k8s.io/v1")
        assert refused((text, target)).startswith(".spec.kustomize.patches[0].target is empty")
    found = patched((merge("Deployment", "helm-controller", ""), {}), (annotate("x"), {}))
    assert len(found.result.warnings) == 2
    assert (
        ".spec.kustomize.patches[1].target is empty, so the patch goes to all 3"
        in (found.result.warnings[1])
    )


POD = "spec: {template: {spec: "


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("containers: [{name: manager, env: [{name: GOMEMLIMIT, value: 800MiB}]}]",
         ("containers[manager].env[GOMEMLIMIT] has value and valueFrom, of which one is allowed;"
         " write `valueFrom: null` beside it")),
        ("volumes: [{name: temp, persistentVolumeClaim: {claimName: x}}]",
         ("volumes[temp] has emptyDir and persistentVolumeClaim, of which one is allowed; write"
         " `emptyDir: null` beside it")),
        ("volumes: [{name: new, secret: {}, configMap: {}}]",
         "volumes[new] has configMap and secret, of which one is allowed; leave one"),
        ("containers: [{name: manager, livenessProbe: {tcpSocket: {port: 80}}}]",
         ("livenessProbe has httpGet and tcpSocket, of which one is allowed; write"
         " `httpGet: null`")),
        ("containers: [{name: manager, args: [5]}]",
         "containers[0].args[0] is 5, a number; text is expected"),
        ("containers: [{name: manager, resources: {limits: {memory: much}}}]",
         ("containers[manager].resources.limits.memory is 'much', which is not a quantity such as"
         " 512Mi")),
        ("containers: [{name: manager, volumeMounts: [{name: odd, mountPath: /odd}]}]",
         "containers[manager].volumeMounts name 'odd', which is not in"),
        ("tolerations: [{operator: exists}]",
         ("tolerations[0].operator is 'exists'; allowed: Equal, Exists, Gt, Lt (did you mean"
         " `Exists`?)")),
    ],
)  # fmt: skip
def test_what_the_server_would_refuse_is_refused(text: str, problem: str) -> None:
    """Before anything is applied, with the patch, the object and the remedy."""
    message = refused((merge("Deployment", "helm-controller", f"{POD}{{{text}}}}}}}"), None))
    start = ".spec.kustomize.patches[0].patch: Deployment/helm-controller: .spec.template.spec."
    assert message.startswith(start)
    assert problem in message


def test_all_of_it_is_said_at_once_and_what_is_put_right_is_not() -> None:
    """Each finding names the patch that brought it about."""
    bad = merge(
        "Deployment", "helm-controller", f"{POD}{{volumes: [{{name: temp, secret: {{}}}}]}}}}}}"
    )
    good = bad.replace("secret: {}", "emptyDir: null")
    assert "volumes" in str(patched((bad, None), (good, None)).pod("helm-controller"))
    label = merge("ServiceAccount", "helm-controller", "", api="v1").replace(
        "{name", "{labels: {'a b': x, c: d e}, name"
    )
    lines = refused((bad, None), (label, None), (scale(-1), {"kind": "Deployment"})).split("; .")
    assert [line.partition(":")[0][-9:] for line in lines] == [
        "[0].patch", "[1].patch", "[1].patch", *["[2].patch"] * 4,
    ]  # fmt: skip


def test_replaced_arguments_are_pointed_out() -> None:
    """The patch does as it is asked."""
    text = f"{POD}{{containers: [{{name: manager, args: [--sops-age-secret=x]}}]}}}}}}"
    found = patched((merge("Deployment", "kustomize-controller", text), None))
    assert found.args("kustomize-controller") == ["--sops-age-secret=x"]
    (warning,) = found.result.warnings
    assert "patches[0].patch replaces args of the container manager as a whole" in warning
    assert "/spec/template/spec/containers/0/args/-" in warning


def test_replaced_arguments_in_operations_are_pointed_out() -> None:
    """One that is added, or taken out alone, is not."""
    path = "/spec/template/spec/containers/0/args"
    on = {"kind": "Deployment", "name": "helm-controller"}

    def warned(*operations: dict[str, Any]) -> Built:
        return patched((json.dumps(operations), on))

    assert warned({"op": "replace", "path": path, "value": ["--a"]}).result.warnings
    assert not warned({"op": "add", "path": f"{path}/-", "value": "--a"}).result.warnings
    assert not warned({"op": "remove", "path": f"{path}/0"}).result.warnings


def test_texts_and_targets_of_all_patches_are_read_before_any_is_applied() -> None:
    """So that all that is wrong with them is said at once."""
    message = refused(("", ACCOUNT), ("[]", {"name": "(source"}), ("[]", None))
    assert [part.split(" ", 1)[0] for part in message.split("; .")] == [
        ".spec.kustomize.patches[0].patch",
        "spec.kustomize.patches[1].target.name",
        "spec.kustomize.patches[2].target",
    ]
    assert "'(source' is not a regular expression: a ( is not closed; an example is" in message


def test_without_patches_nothing_is_said() -> None:
    """Advice is about patches alone."""
    assert built().result.warnings == ()
