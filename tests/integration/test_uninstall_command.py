# SPDX-License-Identifier: Apache-2.0
"""`fluxsm uninstall` asks first, stops at the first refusal, and goes on after a crash."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL

import pytest

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from tests.controlplane.cluster import Cluster
from tests.integration.command import Command, Done, InEarnest, commanding
from tests.integration.conftest import flux_crds
from tests.integration.instance import Instance
from tests.integration.policies import forbidding
from tests.integration.process import Process, spec
from tools.crash.faults import Fault

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

NAMESPACE = names.DEFAULT_NAMESPACE
IMAGE = ("--image=example.com/fluxsm:v1", "--skip-image-check")
YES = ("uninstall", "--yes", "--timeout=60s")
MOST_WRITES = 60


@pytest.fixture(scope="module")
def own() -> Iterator[Cluster]:
    """A control plane on which nothing is installed."""
    with Cluster() as found:
        yield found


@pytest.fixture(scope="module")
def command(own: Cluster) -> Iterator[Command]:
    """The program, behind a proxy."""
    with commanding(own) as found:
        yield found


@pytest.fixture
def flux(own: Cluster, command: Command) -> Iterator[Instance]:
    """An operator, outside the cluster, and the Flux that it has installed; removed at the end."""
    succeed(command.run("install", *IMAGE, "--timeout=60s"))
    instance = Instance(own, NAMESPACE)
    with Process(own, NAMESPACE):
        instance.create(spec())
        instance.becomes_ready()
        yield instance
        remains = instance.read()
        if remains is not None:
            instance.annotate({names.RECONCILE: None})
        succeed(command.run(*YES))
    own.kubectl("delete", "crd", "--all", "--timeout=60s")
    own.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=60s")


def succeed(done: Done) -> str:
    """The standard output of a command that did well."""
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(done: Done) -> str:
    """The one line that a command ends with that did not do well."""
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("✗")]
    assert done.stderr.splitlines()[-1] == line
    return line


def everything(cluster: Cluster) -> dict[str, str]:
    """The uid of each object that an uninstallation may touch."""
    kinds = "namespaces,crds,clusterroles,clusterrolebindings,deployments,services,fluxinstances"
    listed = cluster.kubectl(
        "get",
        f"{kinds},serviceaccounts,roles,rolebindings",
        "--all-namespaces",
        "-o=jsonpath={range .items[*]}{.kind}/{.metadata.namespace}/{.metadata.name}"
        " {.metadata.uid}{.metadata.deletionTimestamp}{'\\n'}{end}",
    )
    return dict(line.split() for line in listed.splitlines())


def is_clean(cluster: Cluster) -> bool:
    """Whether nothing of the operator and of Flux is left."""
    left = [name for name in everything_named(cluster) if "flux" in name]
    assert left == []
    return True


def everything_named(cluster: Cluster) -> list[str]:
    """The names of what an uninstallation may touch, of whatever kind is still served."""
    kinds = "namespaces,crds,clusterroles,clusterrolebindings,deployments,services"
    return cluster.kubectl("get", kinds, "--all-namespaces", "-o", "name").splitlines()


# Before it starts


def test_without_a_terminal_it_needs_to_be_confirmed(flux: Instance, command: Command) -> None:
    """It lists what goes, with what goes with it, says which flag answers, and writes nothing."""
    body = {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": "some"},
        "spec": {"url": "https://example.com/some", "interval": "1m"},
    }
    path = f"/apis/source.toolkit.fluxcd.io/v1/namespaces/{NAMESPACE}/gitrepositories"
    flux.cluster.request("POST", path, body)
    done = command.run("uninstall")
    assert "nothing was changed" in refused(done)
    assert "--yes" in refused(done)
    assert command.changes() == []
    crd = "• CustomResourceDefinition"
    assert (
        f"{crd}/gitrepositories.source.toolkit.fluxcd.io goes, and with it 1 custom resource\n"
        in (done.stderr)
    )
    assert f"{crd}/fluxinstances.{names.GROUP} goes, and with it 1 custom resource\n" in done.stderr
    assert f"• Namespace/{NAMESPACE} goes, and with it everything in it\n" in done.stderr


@pytest.mark.parametrize(("answer", "code"), [("n\n", 1), ("\n", 1), ("\x04", 130)])
def test_on_a_terminal_it_asks(flux: Instance, own: Cluster, answer: str, code: int) -> None:
    """Whatever is not a yes is a no, and then nothing is changed."""
    before = everything(own)
    ended, shown = on_a_terminal(own, answer)
    assert ended == code, shown
    assert f"Remove the operator and Flux, from {own.server}? [y/N]" in shown
    assert everything(own) == before
    assert flux.read() is not None


def test_a_yes_on_a_terminal_is_enough(flux: Instance, own: Cluster) -> None:
    """Then it does what it has listed."""
    ended, shown = on_a_terminal(own, "y\n")
    assert ended == 0, shown
    assert flux.cluster.kubectl("get", "crd", "-o", "name") == ""
    assert is_clean(own)


def on_a_terminal(cluster: Cluster, answer: str) -> tuple[int, str]:
    """Run the command on a terminal, and answer its question."""
    ours, theirs = pty.openpty()
    config = f"--kubeconfig={cluster.kubeconfig('other')}"
    words = [sys.executable, "-m", "fluxsm", "uninstall", config, "--timeout=60s"]
    with subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = _read(ours, until="[y/N]")
        os.write(ours, answer.encode())
        shown += _read(ours)
        code = process.wait(timeout=60)
    os.close(ours)
    return code, shown


def _read(terminal: int, until: str = "") -> str:
    """What a terminal shows until a text comes, or until the program has ended."""
    shown = ""
    try:
        while not until or until not in shown:
            shown += os.read(terminal, 4096).decode(errors="replace")
    except OSError:  # how a terminal says that nobody is at its other end any more
        return shown
    return shown


def test_an_unreachable_server_is_one_line(tmp_path: Path) -> None:
    """It is asked once, not once for each object."""
    config = tmp_path / "nowhere"
    config.write_text(NOWHERE)
    words = [sys.executable, "-m", "fluxsm", *YES, f"--kubeconfig={config}"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert "the API server cannot be reached (http://127.0.0.1:9)" in line


NOWHERE = """
apiVersion: v1
kind: Config
current-context: a
clusters: [{name: a, cluster: {server: "http://127.0.0.1:9"}}]
users: [{name: a, user: {}}]
contexts: [{name: a, context: {cluster: a, user: a}}]
"""


# Refusals


def test_a_refused_instance_leaves_everything_as_it_is(flux: Instance, own: Cluster) -> None:
    """An account without the right to delete the instance changes nothing at all."""
    rights = {"apiGroups": ["*"], "resources": ["*"]}
    rules = [
        rights | {"verbs": ["get", "list", "watch", "patch"]},
        {"apiGroups": ["*"], "verbs": ["delete"], "resources": ["deployments", "namespaces"]},
    ]
    role = {"metadata": {"name": "reader"}, "rules": rules}
    binding = {
        "metadata": {"name": "reader"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "reader",
        },
        "subjects": [{"kind": "User", "name": "nobody"}],
    }
    group = "/apis/rbac.authorization.k8s.io/v1"
    own.request("POST", f"{group}/clusterroles", role)
    own.request("POST", f"{group}/clusterrolebindings", binding)
    before = everything(own)
    for more in ([], ["--keep-flux"]):
        config = f"--kubeconfig={own.kubeconfig('nobody')}"
        words = [sys.executable, "-m", "fluxsm", *YES, *more, config]
        line = refused(subprocess.run(words, capture_output=True, text=True, check=False))
        assert f"deleting FluxInstance/{NAMESPACE}/flux (Forbidden)" in line
        assert "; nothing was changed" in line
        assert everything(own) == before
    assert flux.read() is not None
    own.kubectl("delete", "clusterrole,clusterrolebinding", "reader")


def test_a_webhook_that_refuses_the_deployment_stops_all(flux: Instance, own: Cluster) -> None:
    """What comes before it is not done either, because the API server was asked about it first."""
    before = everything(own)
    with commanding(own) as command, forbidding(own, NAMESPACE, "DELETE", "flux-operator"):
        for more in ([], ["--keep-flux"]):
            line = refused(command.run(*YES, *more))
            assert "forbidden by a policy" in line
            assert "; nothing was changed" in line
            assert command.changes() == []
    assert everything(own) == before
    assert names.RECONCILE not in (flux.read() or {})["metadata"].get("annotations", {})


KEEPING = pytest.mark.parametrize("keep", [[], ["--keep-flux"]], ids=["all", "keep-flux"])


@KEEPING
def test_refusals_and_crashes_end_the_same(
    flux: Instance, command: Command, own: Cluster, keep: list[str]
) -> None:
    """Here, of the first writes."""
    disrupt(flux, command, keep, most=3)
    succeed(command.run(*YES, *keep))
    assert finished(own, keep)


@pytest.mark.slow
@KEEPING
def test_a_refusal_and_a_crash_at_every_write_end_the_same(
    flux: Instance, command: Command, own: Cluster, keep: list[str]
) -> None:
    """One command after the other ends at its first write, until nothing is left to do."""
    assert disrupt(flux, command, keep, most=MOST_WRITES) > 10
    assert finished(own, keep)


def disrupt(flux: Instance, command: Command, keep: list[str], *, most: int) -> int:
    """Refuse each write in turn, then kill the command after it; how many writes there were."""
    before = workloads(flux)
    for number in range(most):
        done = command.run(*YES, *keep, fault=InEarnest(kind="422"))
        if done.returncode == 0:
            return number
        line = refused(done)
        assert "injected: Invalid" in line
        assert len(command.changes()) == 1
        if number == 0:
            assert "; nothing was changed" in line
            assert workloads(flux) == before
        if flux.read() is not None:
            assert flux.deployment("flux-operator") is not None
        done = command.run(*YES, *keep, fault=InEarnest(kind="committed"))
        if done.returncode == 0:  # what was being deleted before is gone now
            return number
        assert done.returncode == -SIGKILL, done.stderr
        assert len(command.changes()) == 1
        if keep:
            assert workloads(flux) == before
    return most


@pytest.mark.usefixtures("flux")
def test_a_refused_rehearsal_changes_nothing(command: Command, own: Cluster) -> None:
    """The API server is asked about each write before the first one is done."""
    before = everything(own)
    succeed(command.run("uninstall", "--dry-run"))
    rehearsed = len(command.writes())
    assert rehearsed > 10
    assert command.changes() == []
    for number in (1, 2, rehearsed):
        line = refused(command.run(*YES, fault=Fault(kind="422", number=number)))
        assert "; nothing was changed" in line
        assert command.changes() == []
    assert everything(own) == before


def finished(cluster: Cluster, keep: list[str]) -> bool:
    """Whether an uninstallation has come to its end."""
    if not keep:
        return is_clean(cluster)
    left = set(everything_named(cluster))
    ours = {item for item in left if "operator" in item or names.GROUP in item}
    assert ours == set()
    assert {f"deployment.apps/{name}" for name in spec()["components"]} <= left
    assert f"namespace/{NAMESPACE}" in left
    return True


def workloads(flux: Instance) -> dict[str, tuple[str, int]]:
    """Uid and generation of the controllers."""
    found: dict[str, Manifest] = {
        name: flux.deployment(name) or {} for name in spec()["components"]
    }
    return {
        name: (item["metadata"]["uid"], item["metadata"]["generation"])
        for name, item in found.items()
        if item
    }


# What is not the operator's


def test_an_operator_that_does_not_run_is_named(own: Cluster, command: Command) -> None:
    """Nobody removes Flux then: nothing else is touched, and the message says what can be done."""
    succeed(command.run("install", *IMAGE, "--timeout=60s"))
    instance = Instance(own, NAMESPACE)
    instance.create(spec(), finalizers=[names.FINALIZER, "example.com/other"])
    line = refused(command.run("uninstall", "--yes", "--timeout=1s"))
    assert "Is the operator running?" in line
    assert "untouched" in line
    assert [item.method for item in command.changes()] == ["DELETE"]
    line = refused(command.run("uninstall", "--yes", "--keep-flux", "--timeout=1s"))
    assert "somebody else's finalizer" in line
    found = instance.read() or {}
    assert found["metadata"]["finalizers"] == ["example.com/other"]
    assert instance.deployment("flux-operator") is not None
    instance.patch(metadata={"finalizers": None})
    succeed(command.run(*YES))
    assert is_clean(own)


def test_a_suspended_instance_is_refused(flux: Instance, command: Command) -> None:
    """Its deletion leaves Flux behind, and the namespace would take it along."""
    flux.annotate({names.RECONCILE: names.DISABLED})
    assert "is suspended" in refused(command.run(*YES))
    assert command.writes() == []


def test_what_others_need_stays(flux: Instance, own: Cluster, command: Command) -> None:
    """Another operator's instance keeps kinds and roles; a workload keeps the namespace."""
    own.create_namespace("elsewhere")
    other = Instance(own, "elsewhere")
    other.create(spec(), finalizers=["example.com/other"])
    own.kubectl("create", "deployment", "mine", "--image=example.com/mine", "-n", NAMESPACE)
    done = command.run(*YES)
    succeed(done)
    assert f"• Namespace/{NAMESPACE} stays: Deployment/{NAMESPACE}/mine runs in it" in done.stderr
    assert "needs it" in done.stderr
    found = other.read() or {}
    assert "deletionTimestamp" not in found["metadata"]
    assert own.kubectl("get", "deployment", "-n", NAMESPACE, "mine")
    assert flux.read() is None
    other.patch(metadata={"finalizers": None})
    other.delete()
    own.kubectl("delete", "deployment", "mine", "-n", NAMESPACE)
    assert flux_crds(own) == []
