# SPDX-License-Identifier: Apache-2.0
"""What to do after a refusal of the API server: the end of the line about an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fluxsm.errors import (
    ConflictError,
    FluxsmError,
    ForbiddenError,
    KindNotServedError,
    UnavailableError,
)

_STEPS: Final[Mapping[type[FluxsmError], str]] = {
    ForbiddenError: "kubectl auth can-i --list says what this account may do, --as tries another",
    UnavailableError: "check the cluster that --context or --kubeconfig names, then try again",
    KindNotServedError: "fluxsm install puts the operator and its kinds into the cluster",
    ConflictError: "somebody else changed it at the same time, try again",
}


def of(error: Exception) -> str:
    """What to do next, empty where the message says it itself.

    Only what the API server itself answered has no advice of its own, so that only those errors
    that stand for an answer get some.
    """
    return next((step for kind, step in _STEPS.items() if type(error) is kind), "")
