# SPDX-License-Identifier: Apache-2.0
"""The flags that say which cluster a command is about, and the way there."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fluxsm.api import names
from fluxsm.errors import NotFoundError

if TYPE_CHECKING:
    from fluxsm.adapters.kube.cluster import KubeCluster
    from fluxsm.api.objects import Manifest, ObjectRef

F = TypeVar("F", bound=Callable[..., Any])

MANAGER = "fluxsm"
"""Field manager of what people do. The operator has another one, so neither undoes the other."""


def options(command: F) -> F:
    """Give a command `--kubeconfig`, `--kube-context` and `--namespace`."""
    for option in (
        click.option(
            "-n",
            "--namespace",
            default=names.DEFAULT_NAMESPACE,
            show_default=True,
            help="Namespace of the operator.",
        ),
        click.option("--kube-context", help="Context of the kubeconfig."),
        click.option("--kubeconfig", type=click.Path(dir_okay=False), help="Default: $KUBECONFIG."),
    ):
        command = option(command)
    return command


def connect(kubeconfig: str | None, context: str | None) -> KubeCluster:
    """The API server that a kubeconfig leads to.

    Raises:
        UsageError: there is no usable kubeconfig.
    """
    from fluxsm.adapters.kube.client import KubeClient
    from fluxsm.adapters.kube.cluster import KubeCluster

    client = KubeClient.from_kubeconfig(kubeconfig or os.environ.get("KUBECONFIG"), context)
    return KubeCluster(client, manager=MANAGER)


def instance_ref(namespace: str) -> ObjectRef:
    """The FluxInstance of a namespace."""
    from fluxsm.api.objects import Kind, ObjectRef

    return ObjectRef(
        Kind(names.GROUP, names.VERSION, names.INSTANCE_KIND), namespace, names.SINGLETON
    )


def finder(cluster: KubeCluster) -> Callable[[ObjectRef], Manifest | None]:
    """How to read an object that may not exist."""

    def find(ref: ObjectRef) -> Manifest | None:
        try:
            return cluster.get(ref)
        except NotFoundError:
            return None

    return find


def wait_until(holds: Callable[[], bool], seconds: float, *, pause: float = 0.5) -> bool:
    """Ask again and again whether something holds; False when it never does.

    Args:
        holds: the question.
        seconds: the limit.
        pause: between two questions.
    """
    limit = time.monotonic() + seconds
    while not holds():
        if time.monotonic() >= limit:
            return False
        time.sleep(pause)
    return True
