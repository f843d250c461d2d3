# SPDX-License-Identifier: Apache-2.0
"""What tests of the operator process need beside the process itself."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fluxsm.api import names
from tests.controlplane.binary import find
from tests.controlplane.cluster import Cluster
from tests.integration.operator import Operator, until

ROOT = Path(__file__).resolve().parents[2]
SHORT_LEASE = (
    "--leader-election-lease-duration=3s",
    "--leader-election-renew-deadline=2s",
    "--leader-election-retry-period=500ms",
)
MUTATING = frozenset({"create", "update", "patch", "delete"})


class Process(Operator):
    """An operator that is one of several."""

    def says(self, text: str, *, after: int = 0) -> bool:
        """Whether a message of the log contains a text, some first lines aside."""
        return any(text in line["msg"] for line in self.lines()[after:])

    @property
    def leads(self) -> bool:
        """Whether it has become the leader."""
        return self.says("this process is the leader")

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._child.send(number)

    def ends(self, *, seconds: float) -> int:
        """Wait for its end by itself; the exit code."""
        process = self._child._process
        assert process is not None
        return process.wait(timeout=seconds)

    def terminates(self) -> tuple[int, float]:
        """End it as Kubernetes does; the exit code and the seconds that it took."""
        began = time.monotonic()
        self.send(signal.SIGTERM)
        return self.ends(seconds=20), time.monotonic() - began


def eventually(holds: Callable[[], bool], what: str, *, seconds: float = 30) -> None:
    """Wait until something holds."""
    until(lambda: holds() or None, what, seconds=seconds)


def spec(**fields: Any) -> dict[str, Any]:
    """The spec of a small instance, with some fields set."""
    return {
        "distribution": {"version": "2.8.x", "registry": "ghcr.io/fluxcd"},
        "components": ["source-controller", "kustomize-controller"],
        **fields,
    }


def kubectl(cluster: Cluster, *args: str) -> subprocess.CompletedProcess[str]:
    """Run kubectl as admin, with its exit code and its warnings."""
    command = [*find().command("kubectl"), "--kubeconfig", str(cluster.kubeconfig("admin")), *args]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def account_kubeconfig(cluster: Cluster, namespace: str, account: str = names.MANAGER) -> Path:
    """A kubeconfig for a ServiceAccount, the operator's own, with a token of the server."""
    config = json.loads(cluster.kubeconfig("admin").read_text())
    config["users"] = [{"name": "admin", "user": {"token": _token(cluster, namespace, account)}}]
    path = cluster.folder / f"account-{account}.kubeconfig"
    path.write_text(json.dumps(config))
    path.chmod(0o600)
    return path


def account_volume(cluster: Cluster, namespace: str, account: str = names.MANAGER) -> Path:
    """A folder as the kubelet mounts it into the pods of a ServiceAccount, for any user to read."""
    folder = cluster.folder / f"account-{account}"
    folder.mkdir()
    (folder / "token").write_text(_token(cluster, namespace, account))
    shutil.copy(cluster.folder / "certs" / "apiserver.crt", folder / "ca.crt")
    (folder / "namespace").write_text(namespace)
    for path in folder.iterdir():
        path.chmod(0o644)
    folder.chmod(0o755)
    return folder


def _token(cluster: Cluster, namespace: str, account: str) -> str:
    return cluster.kubectl("create", "token", account, "--namespace", namespace).strip()


def with_component(folder: Path, component: str) -> Path:
    """Make a folder a kustomization of the operator with a component."""
    # kustomize takes relative paths only, and no folder above its own root.
    up = "../" * (len(folder.resolve().parts) - 1)
    base = f"{up}{str(ROOT / 'manifests' / 'operator')[1:]}"
    text = f"resources: [{base}]\ncomponents: [{base}/components/{component}]\n"
    (folder / "kustomization.yaml").write_text(text)
    return folder


def bring_back(cluster: Cluster) -> None:
    """Start the API server again, and those whose own back-off would make the test wait."""
    for part in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"):
        cluster.restart(part)


def writes(cluster: Cluster, user: str, *, since: str = "") -> list[str]:
    """The writes of a user that arrived since a time, without those to the lease."""
    return [
        f"{item.verb} {item.uri}"
        for item in cluster.audit(user)
        if item.verb in MUTATING and item.resource != "leases" and item.time >= since
    ]
