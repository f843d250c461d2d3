# SPDX-License-Identifier: Apache-2.0
"""Why a run failed, an upgrade does not happen, or a state cannot go on for now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fluxsm.api import names
from fluxsm.errors import Cure, FluxsmError

PREFIXES: Final = {
    names.ARTIFACT_FAILED: "fetch failed: ",
    names.BUILD_FAILED: "build failed: ",
    names.HEALTH_CHECK_FAILED: "health check failed: ",
    names.RECONCILIATION_FAILED: "reconciliation failed: ",
}
"""What the text of a failure begins with in conditions and events, by its reason."""

KEPT: Final = "(the running revision is kept)"
"""How the event of a failure ends that does not demote a running Flux."""

SHOWN: Final = 5
"""How many errors are joined in full: the first ones name the cause, a hundred hide it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failure.

    Attributes:
        reason: the Ready reason.
        message: for people, without a secret.
        cure: what can make it go away.
        passing: whether the same request may succeed within seconds, so that it is tried again
            before it is reported.
    """

    reason: str
    message: str
    cure: Cure = Cure.TIME
    passing: bool = False

    @classmethod
    def of(cls, error: FluxsmError) -> Failure:
        """The failure that an error surfaces as."""
        return cls(reason=error.reason, message=str(error), cure=error.cure, passing=error.passing)

    @classmethod
    def of_all(cls, errors: Sequence[FluxsmError], doing: str = "") -> Failure:
        """The failure that several errors are together; it may pass when each of them may.

        Args:
            errors: at least one.
            doing: what was being done, put before the errors.
        """
        shown = "; ".join(str(error) for error in errors[:SHOWN])
        more = f"; and {len(errors) - SHOWN} more" if len(errors) > SHOWN else ""
        return cls(
            reason=names.RECONCILIATION_FAILED,
            message=f"{doing}{shown}{more}",
            passing=all(error.passing for error in errors),
        )

    @classmethod
    def of_defect(cls, error: Exception) -> Failure:
        """The failure that an exception is which nobody expected; its text may hold anything."""
        kind = type(error).__name__
        return cls(
            reason=names.RECONCILIATION_FAILED,
            message=f"internal error ({kind}); the log of the operator has the details",
        )

    @classmethod
    def parse(cls, reason: str, text: str) -> Failure:
        """The failure behind the text of a condition."""
        return cls(reason=reason, message=text.removeprefix(PREFIXES.get(reason, "")))

    def __str__(self) -> str:
        """The failure as conditions and events show it."""
        return f"{PREFIXES.get(self.reason, '')}{self.message}"
