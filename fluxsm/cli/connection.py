# SPDX-License-Identifier: Apache-2.0
"""What installation and uninstallation share: their field manager, reads, and a wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from fluxsm.errors import NotFoundError

if TYPE_CHECKING:
    from fluxsm.adapters.kube.cluster import KubeCluster
    from fluxsm.api.objects import Manifest, ObjectRef

MANAGER = "fluxsm"
"""Field manager of what people do. The operator has another one, so neither undoes the other."""


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
