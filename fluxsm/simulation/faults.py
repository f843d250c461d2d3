# SPDX-License-Identifier: Apache-2.0
"""Faults of calls of ports: which, how often, and what they say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from fluxsm.errors import ArtifactError, FluxsmError, UnavailableError

CALLS: Final = (
    "get",
    "list",
    "apply",
    "create",
    "replace",
    "patch",
    "status",
    "delete",
    "fetch",
    "digest",
)
"""Calls that can fail: `status` saves the status, `fetch` and `digest` ask the registry."""

FOREVER: Final = -1


@dataclass(slots=True)
class Fault:
    """What happens to the next calls.

    Attributes:
        message: what the error says.
        times: how many calls still fail; `FOREVER` until healed.
    """

    message: str
    times: int = FOREVER


@dataclass(slots=True)
class Faults:
    """The faults that are set, by call."""

    set: dict[str, Fault] = field(default_factory=dict)

    def inject(self, call: str) -> None:
        """Fail if a fault is set for a call.

        Raises:
            FluxsmError: it is; an ArtifactError for the calls to a registry.
        """
        fault = self.set.get(call)
        if fault is None or fault.times == 0:
            return
        if fault.times > 0:
            fault.times -= 1
        error: type[FluxsmError] = (
            ArtifactError if call in {"fetch", "digest"} else UnavailableError
        )
        raise error(fault.message)
