# SPDX-License-Identifier: Apache-2.0
"""The real Dockerfile, built without a network, runs as nobody on a root that it cannot write."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fluxsm import __version__
from fluxsm.api import names
from tests.controlplane.cluster import Cluster
from tests.integration.image import BUILDAH, build, need_tools, run
from tests.integration.instance import Instance
from tests.integration.process import ROOT, account_volume, spec

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(600)]

IMAGE = "localhost/fluxsm-test"
NAMESPACE = names.DEFAULT_NAMESPACE
# A pod finds it below /var/run. That is a link to /run, and a link in the target of a volume is
# what buildah's chroot isolation follows outside of the container, where nothing is seen of it.
ACCOUNT = "/run/secrets/kubernetes.io/serviceaccount"
# buildah can only leave the root writable, so root takes that away before it becomes nobody.
READ_ONLY = (
    "mount -o remount,ro,bind / && mount -t tmpfs -o mode=1777 tmpfs /tmp && exec setpriv"
    " --reuid 65532 --regid 65532 --clear-groups --no-new-privs --inh-caps=-all"
    " --bounding-set=-all "
)


@pytest.fixture(scope="module")
def container() -> Iterator[str]:
    """A container of the image."""
    need_tools()
    build(IMAGE)
    name = run(*BUILDAH, "from", IMAGE).strip()
    yield name
    run(*BUILDAH, "rm", name)


def inside(container: str, script: str, *flags: str) -> list[str]:
    """The command that runs a script in the container as the image's user, on a read-only root."""
    return [
        *BUILDAH, "run", "--isolation", "chroot", "--cap-add", "CAP_SYS_ADMIN", "--user", "0:0",
        *flags, container, "--", "sh", "-c", READ_ONLY + script,
    ]  # fmt: skip


def test_the_image_says_what_it_is(container: str) -> None:
    """User, entrypoint and labels; the bill of materials that a label names is there."""
    found = json.loads(run(*BUILDAH, "inspect", "--type", "image", IMAGE))["OCIv1"]
    config = found["config"]
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == ["fluxsm", "run"]
    assert config["Labels"]["org.opencontainers.image.version"] == __version__
    bill = run(*inside(container, f"cat {config['Labels']['io.fluxsm.sbom']}"))
    assert "pydantic" in {item["name"] for item in json.loads(bill)["components"]}


def test_nothing_can_be_written_but_temporary_files(container: str) -> None:
    """And whoever runs there has no right left."""
    script = (
        "sh -c 'touch /tmp/a && ! touch /data/a 2>&1 && ! touch /opt/fluxsm/a 2>&1"
        " && id -u && grep CapEff /proc/self/status'"
    )
    *refused, user, rights = run(*inside(container, script)).splitlines()
    assert all("Read-only file system" in line for line in refused)
    assert (user, rights.split()[1]) == ("65532", "0" * 16)


@pytest.fixture
def volume(own: Cluster) -> Path:
    """The service account of the operator, with the rights of the manifests and no others."""
    own.kubectl("apply", "-k", str(ROOT / "manifests" / "rbac"))
    own.kubectl("apply", "-f", str(ROOT / "manifests" / "operator" / "serviceaccount.yaml"))
    return account_volume(own, NAMESPACE)


def test_an_instance_becomes_ready_from_inside_the_image(
    container: str, own: Cluster, volume: Path
) -> None:
    """With the manifests of the image, as its user, with what a pod finds of its cluster."""
    instance = Instance(own, NAMESPACE)
    environment = {
        **own.pod_environment(), "RUNTIME_NAMESPACE": NAMESPACE, "NOTIFICATIONS_DISABLED": "true",
    }  # fmt: skip
    flags = [f"--env={key}={value}" for key, value in environment.items()]
    script = shlex.join(
        ["fluxsm", "run", "--health-addr=", "--metrics-addr=", "--web-server-port=0"]
    )
    command = inside(container, script, f"--volume={volume}:{ACCOUNT}:ro", *flags)
    process = subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)
    try:
        instance.create(spec())
        instance.becomes_ready(seconds=60)
        assert instance.read()["metadata"]["finalizers"] == [names.FINALIZER]  # type: ignore[index]
        instance.delete()
        instance.goes(seconds=60)
        os.kill(operator_below(process.pid), signal.SIGTERM)
        _, log = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 0
    assert b"the lease is released" in log
    asked = own.audit(f"system:serviceaccount:{NAMESPACE}:{names.MANAGER}")
    assert {"patch", "delete", "watch"} <= {item.verb for item in asked}
    assert [f"{item.verb} {item.uri}" for item in asked if item.code in {401, 403}] == []


def operator_below(pid: int) -> int:
    """The operator among the descendants of a process: buildah does not pass signals on."""
    todo = [pid]
    while todo:
        current = todo.pop()
        if Path(f"/proc/{current}/status").read_text().find("\nUid:\t65532") >= 0:
            return current
        for task in Path(f"/proc/{current}/task").iterdir():
            todo += [int(child) for child in (task / "children").read_text().split()]
    raise AssertionError("the operator does not run as its user")
