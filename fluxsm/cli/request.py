# SPDX-License-Identifier: Apache-2.0
"""What a command asks an operator or a controller for: annotations, and `spec.suspend`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from fluxsm.api import names
from fluxsm.api.objects import Manifest, ObjectRef

if TYPE_CHECKING:
    from fluxsm.adapters.kube.cluster import KubeCluster


def reconcile(cluster: KubeCluster, ref: ObjectRef, *, force: bool = False) -> tuple[Manifest, str]:
    """Ask for a run.

    Args:
        cluster: the API server.
        ref: the object.
        force: whether it is asked for by `forceAt` too: an instance migrates all Flux resources
            then, a HelmRelease is installed or upgraded again.

    Returns:
        The object as it is then, and the token by which its controller says that it is done.

    Raises:
        ClusterError: this was refused.
    """
    token = new_token()
    asked = {names.REQUESTED_AT: token} | ({names.FORCE_AT: token} if force else {})
    return cluster.patch(ref, _annotations(asked)), token


def suspend(cluster: KubeCluster, ref: ObjectRef) -> None:
    """Switch an object off: the operator's own kinds by annotation, those of Flux by their spec.

    Raises:
        ClusterError: this was refused.
    """
    own = _annotations({names.RECONCILE: names.DISABLED})
    cluster.patch(ref, own if is_own(ref) else {"spec": {"suspend": True}})


def resume(cluster: KubeCluster, ref: ObjectRef) -> str:
    """Switch an object on and ask for a run; returns the token of the request.

    Raises:
        ClusterError: this was refused.
    """
    token = new_token()
    asked = {names.REQUESTED_AT: token}
    if is_own(ref):
        cluster.patch(ref, _annotations({names.RECONCILE: names.ENABLED, **asked}))
    else:
        cluster.patch(ref, {**_annotations(asked), "spec": {"suspend": None}})
    return token


def is_own(ref: ObjectRef) -> bool:
    """Whether an object is of a kind of the operator, not of Flux."""
    return ref.kind.group == names.GROUP


def new_token() -> str:
    """The time as the reference's client writes it: RFC 3339, nanoseconds, local offset."""
    now = datetime.now().astimezone()
    offset = now.strftime("%z")
    return f"{now:%Y-%m-%dT%H:%M:%S.%f}000{offset[:3]}:{offset[3:5]}"


def _annotations(values: dict[str, str]) -> dict[str, Any]:
    return {"metadata": {"annotations": values}}
