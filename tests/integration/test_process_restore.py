# SPDX-License-Identifier: Apache-2.0
"""Etcd is restored from a backup under a running operator."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from tests.controlplane.cluster import Cluster
from tests.integration.instance import Instance
from tests.integration.operator import Operator

pytestmark = pytest.mark.integration

CLIENTS = ("kube-controller-manager", "kube-scheduler", "kwok")
"""What whoever restores etcd has to restart, as Kubernetes says."""

SPEC: Manifest = {
    "distribution": {"version": "2.x", "registry": "ghcr.io/fluxcd"},
    "components": ["source-controller"],
}


def while_etcd_is_down(cluster: Cluster, act: Callable[[Path], object]) -> None:
    """Stop the API server and etcd, do something with the data, and start both again."""
    parts = ("kube-apiserver", "etcd")
    for part in parts:
        cluster.child(part).stop()
    act(cluster.folder / "etcd")
    cluster.child("etcd").start()
    cluster.restart("kube-apiserver")
    for part in CLIENTS:
        cluster.child(part).stop()
        cluster.child(part).start()


def test_an_operator_goes_on_with_what_was_restored(own: Cluster, tmp_path: Path) -> None:
    """What was installed after the backup is gone; a request and an edit lead to Ready as ever."""
    backup = tmp_path / "etcd"
    instance = Instance(own, names.DEFAULT_NAMESPACE)
    with Operator(own, instance.namespace, flags=["--watch-resync-interval=5s"]) as operator:
        instance.create(SPEC)
        instance.becomes_ready()
        while_etcd_is_down(own, lambda data: shutil.copytree(data, backup))
        instance.patch(spec={"components": ["source-controller", "notification-controller"]})
        instance.becomes_ready()
        for number in range(100):
            instance.annotate({"example.com/counter": str(number)})

        def restore(data: Path) -> None:
            shutil.rmtree(data)
            shutil.copytree(backup, data)

        while_etcd_is_down(own, restore)
        assert instance.deployment("notification-controller") is None
        before = len(operator.transitions())
        instance.annotate({names.REQUESTED_AT: "after the restore"})
        instance.becomes_ready()
        instance.patch(spec={"components": ["source-controller", "kustomize-controller"]})
        instance.becomes_ready()
        assert instance.deployment("kustomize-controller")
        assert instance.deployment("notification-controller") is None
        assert "Failed" not in [item.dest for item in operator.transitions()[before:]]
        instance.delete()
        instance.goes()
