# SPDX-License-Identifier: Apache-2.0
"""What people do to the FluxInstance with `fluxsm`, against a real API server."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
import yaml

from fluxsm.api import names
from tests.integration.command_line import SPEC, CommandLine, installed, stable
from tests.integration.instance import MERGE, Instance
from tests.integration.operator import until
from tests.integration.process import MUTATING

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

NAME = "FluxInstance/flux-system/flux"


@pytest.fixture(scope="module")
def program() -> Iterator[CommandLine]:
    """A cluster with a Ready instance."""
    with installed() as found:
        yield found


@pytest.fixture
def instance(program: CommandLine) -> Instance:
    """Its instance, which each test leaves Ready."""
    return Instance(program.cluster, names.DEFAULT_NAMESPACE)


def test_reconcile_waits_for_the_request(program: CommandLine, instance: Instance) -> None:
    """The lines are those of the reference; the operator has handled this very request."""
    said = stable(program.talk("reconcile", "instance", "flux")).splitlines()
    assert said[:2] == ["► Reconciliation triggered", "◎ Waiting for reconciliation..."]
    assert said[-1] == "✔ Reconciliation finished in <DURATION>"
    asked = (instance.read() or {})["metadata"]["annotations"]
    assert instance.status["lastHandledReconcileAt"] == asked[names.REQUESTED_AT]
    assert asked.get(names.FORCE_AT) != asked[names.REQUESTED_AT]


def test_force_asks_for_a_migration_too(program: CommandLine, instance: Instance) -> None:
    """Both annotations have the same value; without a wait nothing else is said."""
    assert program.talk("reconcile", "--force", "--wait=false") == "► Reconciliation triggered\n"
    asked = (instance.read() or {})["metadata"]["annotations"]
    assert asked[names.FORCE_AT] == asked[names.REQUESTED_AT]
    instance.becomes_ready()


def test_suspend_and_resume(program: CommandLine, instance: Instance) -> None:
    """A request to a suspended instance is made, and what keeps it waiting is said."""
    assert program.talk("suspend") == "✔ Reconciliation suspended\n"
    done = program.run("reconcile")
    step = "fluxsm resume instance flux -n flux-system switches it on"
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"✗ Reconciliation is disabled for {NAME}; {step}"
    assert program.refusal_at_end("wait") == f"✗ Reconciliation is disabled for {NAME}; {step}"
    said = program.talk("reconcile", "--no-wait").splitlines()[-1]
    assert said == f"• {NAME} is suspended, so nothing happens yet; {step}"
    assert stable(program.talk("resume")).splitlines()[-1] == (
        "✔ Reconciliation finished in <DURATION>"
    )
    assert instance.condition(names.READY)["status"] == "True"


def test_a_wait_shows_objects_and_ends_at_its_limit(
    program: CommandLine, instance: Instance
) -> None:
    """The Deployment that keeps it waiting is named, with time and limit; Ctrl-C is 130."""
    instance.patch(spec={"kustomize": {"patches": [NOWHERE]}})
    try:
        done = program.run("wait", "--timeout", "8s")
        lines = stable(done.stderr).splitlines()
        assert lines[0] == "◎ Waiting for instance to become ready..."
        shown = [line for line in lines if "source-controller InProgress: Replicas" in line]
        assert shown, lines
        assert shown[0].endswith("(<DURATION> of <DURATION>)")
        assert (
            "timed out waiting for flux-system/flux after <DURATION>: HealthChecking" in lines[-1]
        )
        assert lines[-1].endswith("; fluxsm explain says why, --timeout allows more")
        assert (done.returncode, done.stdout) == (1, "")
        with subprocess.Popen(
            program.command("wait"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as child:
            assert child.stderr is not None
            child.stderr.readline()
            child.stderr.readline()
            child.send_signal(signal.SIGINT)
            _, said = child.communicate(timeout=30)
        assert child.returncode == 130
        assert said.splitlines()[-1] == (
            f"✗ interrupted; what {NAME} was asked for goes on in the cluster"
        )
    finally:
        instance.patch(spec={"kustomize": None})
        instance.becomes_ready()


NOWHERE = {
    "target": {"kind": "Deployment", "name": "source-controller"},
    "patch": "- op: add\n  path: /spec/template/spec/nodeSelector\n  value: {no: node}\n",
}


def test_a_failure_ends_a_wait_at_once(program: CommandLine, instance: Instance) -> None:
    """With the reason and the message of the instance."""
    instance.patch(spec={"distribution": {"version": "9.x"}})
    try:
        last = program.refusal_at_end("wait")
        assert last.startswith("✗ BuildFailed: ")
    finally:
        instance.patch(spec={"distribution": {"version": "2.8.x"}})
        instance.becomes_ready()


def test_events(program: CommandLine) -> None:
    """Oldest first, in the columns of kubectl; those of another name are not shown."""
    head, *rows = stable(program.out("events")).splitlines()
    assert head == "LAST SEEN\tTYPE\tREASON\tMESSAGE"
    assert ["Normal", "Progressing"] in [row.split("\t")[1:3] for row in rows]
    assert program.out("events", "other").splitlines()[1:] == []
    found = json.loads(program.out("events", "-o", "json"))["items"]
    assert {item["involvedObject"]["name"] for item in found} == {"flux"}
    times = [item["lastTimestamp"] for item in found]
    assert times == sorted(times)


def test_export_gives_a_file_that_can_be_built(program: CommandLine, instance: Instance) -> None:
    """Neither status nor marks of requests; what comes out is what `build` takes."""
    written = program.out("export")
    found = yaml.safe_load(written)
    assert list(found) == ["apiVersion", "kind", "metadata", "spec"]
    assert found["spec"] == (instance.read() or {})["spec"]
    assert set(found["metadata"]) <= {"name", "namespace", "annotations"}
    assert names.REQUESTED_AT not in found["metadata"].get("annotations", {})
    built = subprocess.run(
        [sys.executable, "-m", "fluxsm", "build", "-f", "-"],
        input=written, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert built.stdout.startswith("---\n")


@pytest.mark.parametrize("words", [["explain"], ["history"], ["graph", "--live"]])
def test_all_commands_take_the_same_flags(program: CommandLine, words: list[str]) -> None:
    """Those of the connection too, and errors end with the next step."""
    refused = program.refusal(*words, "--as", "nobody")
    assert 'User "nobody" cannot' in refused
    assert refused.endswith("--as tries another")
    assert program.out(*words, "--context", "test", "-n", names.DEFAULT_NAMESPACE)


def test_an_instance_of_the_reference_can_be_read(program: CommandLine) -> None:
    """Its status has conditions, inventory and revision, and none of the fields that are ours."""
    other = Instance(program.cluster, program.cluster.create_namespace("reference"))
    other.create(SPEC)
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "ReconciliationSucceeded",
        "message": "Reconciliation finished in 3s",
        "lastTransitionTime": "2026-01-01T12:00:00Z",
        "observedGeneration": 1,
    }
    status = {
        "conditions": [ready],
        "inventory": {"entries": [{"id": "_reference__Namespace", "v": "v1"}]},
        "lastAppliedRevision": "v2.8.8@sha256:abc",
        "lastHandledReconcileAt": "2026-01-01T12:00:00Z",
    }
    body = {"status": status}
    program.cluster.request("PATCH", f"{other.path}/status", body, content_type=MERGE)
    place = ("-n", "reference")
    assert program.out("get", "-o", "wide", *place).split("\n")[1].split("\t")[2:6] == [
        "1        ", "True ", "-    ", "v2.8.8@sha256:abc",
    ]  # fmt: skip
    assert program.out("tree", *place) == (
        "FluxInstance/reference/flux\n└── Namespace/reference\n\n"
    )
    assert program.talk("wait", *place).splitlines()[-1] == "✔ Reconciliation finished in 3s"
    assert program.out("events", *place).splitlines()[1:] == []
    assert "FluxInstance\treference/flux\t<TIME>\tTrue" in stable(program.out("get", "all", *place))
    assert "has only the fields of the reference" in program.out("explain", *place)
    assert yaml.safe_load(program.out("export", *place))["metadata"]["namespace"] == "reference"
    other.delete()


def test_an_instance_that_is_not_there(program: CommandLine) -> None:
    """Verbs that change something name the nearest one, and change nothing."""
    for verb in ("reconcile", "suspend", "resume", "delete"):
        assert program.refusal(verb, "fluxx") == (
            f"✗ FluxInstance/flux-system/fluxx not found; did you mean {NAME}?"
        )


def test_delete_asks_first(program: CommandLine, instance: Instance) -> None:
    """Where nobody can be asked, nothing is written; what would go is listed."""
    before = len([item for item in program.cluster.audit("other") if item.verb in MUTATING])
    done = program.run("delete", stdin=subprocess.DEVNULL)
    assert done.returncode == 1
    assert f"• {NAME} goes, and with it 22 objects of Flux" in done.stderr
    assert "--yes answers the question" in done.stderr
    after = [item for item in program.cluster.audit("other") if item.verb in MUTATING]
    assert len(after) == before
    assert instance.read()


def test_delete_and_detach(program: CommandLine, instance: Instance) -> None:
    """Suspended first, the instance goes and Flux stays; without, Flux goes too."""
    spec = (instance.read() or {})["spec"]
    said = program.talk("delete", "--with-suspend", "--yes").splitlines()
    steps = [
        "✔ Reconciliation suspended",
        "◎ Waiting for deletion...",
        "✔ Deletion completed",
    ]
    assert [line for line in said if line in steps] == steps
    assert instance.read() is None
    assert instance.deployment("source-controller")

    instance.create(spec)
    instance.becomes_ready()
    assert program.talk("delete", "--yes").splitlines()[-1] == "✔ Deletion completed"
    assert instance.deployment("source-controller") is None

    instance.create(spec)
    instance.becomes_ready()
    assert program.talk("delete", "--yes", "--wait=false").splitlines()[-1] == (
        "✔ Deletion initiated"
    )
    until(lambda: instance.read() is None or None, "end of the instance")
    instance.create(spec)
    instance.becomes_ready()
