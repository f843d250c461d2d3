# SPDX-License-Identifier: Apache-2.0
"""Write what holds only for the version of an object that was looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from fluxsm.api.objects import Manifest, ObjectRef
from fluxsm.core.ports import Cluster
from fluxsm.errors import ConflictError

T = TypeVar("T")

TRIES: Final = 5
"""Looks after which somebody changes the object each time in between."""


def write_newest(
    ref: ObjectRef,
    live: Manifest,
    write: Callable[[Manifest], T],
    cluster: Cluster,
    *,
    tries: int = TRIES,
) -> T:
    """Write an object, and look again when it was not the newest version that was looked at.

    Args:
        ref: the object.
        live: the object as it is known.
        write: what is written for what was looked at; guarded by its resourceVersion.
        cluster: the API server.
        tries: how often it is written.

    Returns:
        What the last write returned.

    Raises:
        ConflictError: somebody changes it each time in between.
        ClusterError: whatever else the write or the look is refused for.
    """
    while True:
        tries -= 1
        try:
            return write(live)
        except ConflictError:
            if not tries:
                raise
        live = cluster.get(ref)
