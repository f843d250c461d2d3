# SPDX-License-Identifier: Apache-2.0
"""The FluxReport, from which several commands know what the operator knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fluxsm.api import names
from fluxsm.api.objects import Kind, Manifest
from fluxsm.errors import UsageError

if TYPE_CHECKING:
    from fluxsm.core.ports import Cluster

KIND: Final = Kind(names.GROUP, names.VERSION, names.REPORT_KIND)


def find(cluster: Cluster) -> Manifest:
    """The first report in any namespace.

    Raises:
        UsageError: there is none.
        ClusterError: it cannot be read.
    """
    found = next(iter(cluster.list(KIND)), None)
    if found is None:
        raise UsageError(
            "no FluxReport resources found; the operator writes one soon after it has started:"
            " kubectl get deployments -A -l app.kubernetes.io/name=flux-operator"
        )
    return found
