# SPDX-License-Identifier: Apache-2.0
"""`fluxsm plan`, against a real API server: what it says, and that it writes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from tests.integration.command import Command, commanding
from tests.integration.instance import RECONCILE, Instance
from tests.integration.operator import Operator

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

Operate = Callable[..., Operator]

SYNC = {
    "kind": "GitRepository",
    "url": "https://example.com/fleet.git",
    "ref": "refs/heads/main",
    "path": "clusters/one",
}
REPOSITORIES = "/apis/source.toolkit.fluxcd.io/{}/namespaces/{}/gitrepositories"


def spec(version: str, *components: str, **fields: Any) -> Manifest:
    """The spec of an instance that waits for no Pods."""
    return {
        "distribution": {"version": version, "registry": "ghcr.io/fluxcd"},
        "components": list(components or ("source-controller", "kustomize-controller")),
        "wait": False,
        **fields,
    }


class Planner:
    """Plans for the instance of a namespace, and makes sure that nothing is written."""

    def __init__(self, command: Command, instance: Instance, folder: Path) -> None:
        self._command = command
        self._instance = instance
        self._folder = folder

    def file(self, wanted: Manifest) -> str:
        """A file with an instance."""
        path = self._folder / "instance.yaml"
        metadata = {"name": names.SINGLETON, "namespace": self._instance.namespace}
        head = {"apiVersion": names.API_VERSION, "kind": names.INSTANCE_KIND}
        path.write_text(yaml.safe_dump({**head, "metadata": metadata, "spec": wanted}))
        return str(path)

    def run(self, code: int, *args: str) -> str:
        """Plan, with the exit code that is expected; only dry runs may have been sent."""
        done = self._command.run("plan", *args)
        assert done.returncode == code, done.stdout + done.stderr
        assert self._command.changes() == []
        return done.stdout

    def data(self, code: int, *args: str) -> Manifest:
        """The same as data."""
        found: Manifest = json.loads(self.run(code, *args, "-o", "json"))
        return found

    @property
    def here(self) -> str:
        """The flag that names the namespace."""
        return f"--namespace={self._instance.namespace}"


@pytest.fixture
def plan(instance: Instance, tmp_path: Path) -> Iterator[Planner]:
    """Plans, behind a proxy that notes each request."""
    with commanding(instance.cluster) as command:
        yield Planner(command, instance, tmp_path)


def test_an_upgrade_over_a_minor(
    instance: Instance, operate: Operate, upstream: Path, plan: Planner
) -> None:
    """Images, versions that go, resources that are stored again; and then it is so."""
    operate(storage=upstream)
    instance.create(spec("2.7.5"))
    instance.becomes_ready()
    create_repository(instance)
    place = f"--distribution={upstream}"
    idle = plan.data(0, place, plan.here)
    assert idle["summary"]["unchanged"] > 10
    assert idle["objects"] == []

    file = plan.file(spec("2.8.8"))
    found = plan.data(2, place, "-f", file)
    assert found["installed"].startswith("v2.7.5@")
    assert found["target"].startswith("v2.8.8@")
    assert found["refused"] == []
    images = {item["object"].rpartition("/")[2]: item for item in found["images"]}
    assert set(images) == {"source-controller", "kustomize-controller"}
    assert "source-controller:v1.7" in images["source-controller"]["old"]
    assert "source-controller:v1.8" in images["source-controller"]["new"]
    changed = {item["name"]: item for item in found["definitions"]}
    assert "v1beta2" in changed["gitrepositories.source.toolkit.fluxcd.io"]["removed"]
    stored = {item["kind"]: item for item in found["customResources"]}
    assert stored["GitRepository"]["count"] == 1
    assert stored["GitRepository"]["storage"] == "v1"
    assert stored["GitRepository"]["lostFields"] == {}
    first = found["objects"][0]
    assert first["object"].startswith("FluxInstance/")
    assert [field["path"] for field in first["fields"]] == [".spec.distribution.version"]
    text = plan.run(2, place, "-f", file)
    assert text.splitlines()[0].endswith("v2.7.5 → v2.8.8")
    assert "source-controller" in text

    instance.patch(spec={"distribution": {"version": "2.8.8"}})
    ready = instance.becomes_ready(seconds=120)
    assert ready["status"]["lastAppliedRevision"] == found["target"]
    down = plan.data(1, place, "-f", plan.file(spec("2.7.5")))
    assert "downgrading from v2.8.8 to v2.7.5 is not supported" in down["refused"][0]
    assert down["objects"] == []
    assert "the operator would refuse this" in plan.run(1, place, "-f", plan.file(spec("2.7.5")))


def create_repository(instance: Instance) -> None:
    """Create a custom resource."""
    body = {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": "some", "finalizers": ["finalizers.fluxcd.io"]},
        "spec": {"url": "https://example.com/some", "interval": "1m"},
    }
    instance.cluster.request("POST", REPOSITORIES.format("v1", instance.namespace), body)


def test_what_goes_and_what_is_in_the_way(
    instance: Instance, operate: Operate, plan: Planner
) -> None:
    """A dropped sync and component, a patch that does not fit, a refused spec, and a deletion."""
    operate()
    instance.create(spec("2.x", sync=SYNC))
    instance.becomes_ready()
    deleted = plan.data(2, "-f", plan.file(spec("2.x")))
    actions = {item["object"]: item["action"] for item in deleted["objects"]}
    ns = instance.namespace
    assert actions[f"Kustomization/{ns}/{ns}"] == "deleted"
    assert actions[f"GitRepository/{ns}/{ns}"] == "deleted"
    assert "is deleted without pruning" in deleted["consequences"][0]

    create_repository(instance)
    smaller = plan.data(2, "-f", plan.file(spec("2.x", "kustomize-controller")))
    said = " ".join(smaller["consequences"])
    assert f"Deployment/{ns}/source-controller goes" in said
    kept = {item["object"].partition(".")[0]: item["why"] for item in smaller["kept"]}
    assert kept == {"CustomResourceDefinition/gitrepositories": "for 1 GitRepository"}

    patch = {"target": {"kind": "Deployment"}, "patch": "- op: remove\n  path: /spec/nothing\n"}
    wrong = plan.data(1, "-f", plan.file(spec("2.x", kustomize={"patches": [patch]})))
    assert "/spec/nothing" in wrong["refused"][0]
    removed = plan.data(1, "-f", plan.file({**spec("9.x")}))
    assert "no version in" in removed["refused"][0]

    gone = plan.data(2, "--delete", plan.here)
    assert gone["summary"]["deleted"] > 10
    assert any("2 custom resources of the kind GitRepository" in s for s in gone["consequences"])
    instance.annotate({RECONCILE: "disabled"})
    assert "leaves all of Flux" in plan.data(0, "--delete", plan.here)["notes"][0]
    assert "until it is resumed" in plan.data(0, plan.here)["notes"][0]


def test_fields_of_others_are_named(instance: Instance, operate: Operate, plan: Planner) -> None:
    """What kubectl has changed or added by hand, while the operator is away."""
    operator = operate()
    instance.create(spec("2.x", "source-controller"))
    instance.becomes_ready()
    operator.kill()
    path = f"/apis/apps/v1/namespaces/{instance.namespace}/deployments/source-controller"
    by_hand = {"spec": {"replicas": 3, "template": {"spec": {"hostname": "hand"}}}}
    instance.cluster.request(
        "PATCH",
        f"{path}?fieldManager=kubectl-edit",
        by_hand,
        content_type="application/merge-patch+json",
    )
    found = plan.data(2, plan.here)
    taken = {item["field"]: item for item in found["takenOver"]}
    assert taken["spec.replicas"]["managers"] == ["kubectl-edit"]
    assert taken["spec.template.spec.hostname"]["removed"] is True
    fields = {item["path"]: item for item in found["objects"][0]["fields"]}
    assert (fields[".spec.replicas"]["old"], fields[".spec.replicas"]["new"]) == (3, 1)
    assert "set by kubectl-edit" in plan.run(2, plan.here)
    operator.start()


def test_a_first_installation(instance: Instance, plan: Planner) -> None:
    """Everything would be created; the kinds of a sync need not be there yet."""
    found = plan.data(2, "-f", plan.file(spec("2.x", sync=SYNC)))
    assert found["installed"] is None
    assert found["summary"]["changed"] <= 1
    assert found["summary"]["created"] > 10
    assert found["refused"] == []
    assert found["objects"][0]["object"] == f"FluxInstance/{instance.namespace}/flux"
    assert "would be installed" in plan.run(2, "-f", plan.file(spec("2.x")))
