# SPDX-License-Identifier: Apache-2.0
"""One object in the progress of a wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fluxsm.api.objects import Manifest, ObjectRef
from fluxsm.cli.talk import Mark
from fluxsm.errors import MalformedError
from fluxsm.objects import health, manifest
from fluxsm.report.counts import ready_of

_MARKS: Final[Mapping[health.Status, Mark]] = {
    health.Status.CURRENT: Mark.DONE,
    health.Status.FAILED: Mark.FAILED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is shown of an object.

    Attributes:
        name: such as `Deployment/flux-system/source-controller`.
        mark: done, failed, or on its way.
        status: in one word.
        message: why.
        main: whether it is what the command waits for.
    """

    name: str
    mark: Mark
    status: str
    message: str
    main: bool = False

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to wait for."""
        return self.mark is Mark.DONE

    @property
    def short(self) -> str:
        """Kind and name, for where all objects are in one namespace and room is scarce."""
        kind, *_, name = self.name.split("/")
        return f"{kind}/{name}"

    @property
    def news(self) -> tuple[str, ...]:
        """What makes a new line, where lines stay.

        The message of what is waited for names others, which have lines of their own.
        """
        return (self.status,) if self.main else (self.status, self.message)


def of_main(ref: ObjectRef, obj: Manifest | None) -> Row:
    """The row of the object that is waited for.

    Its status is the state, where the operator shows one, else the reason of its Ready condition.
    """
    name = str(ref)
    if obj is None:
        return Row(
            name=name, mark=Mark.WAITING, status="Missing", message="it does not exist", main=True
        )
    try:
        ready = ready_of(obj)
        reason = manifest.text(ready, "reason")
        status = manifest.text(obj, "status", "state") or reason or "Unknown"
        message = manifest.text(ready, "message") or "its controller has not looked at it yet"
    except MalformedError as error:
        ready, status, message = {}, "Unknown", str(error)
    if ready.get("status") == "True":  # and still waited for: this is about what was before
        status, message = "Asked", "its controller has not taken it up yet"
    mark = Mark.FAILED if ready.get("status") == "False" else Mark.WAITING
    return Row(name=name, mark=mark, status=status, message=message, main=True)


def of_other(obj: Manifest, now: datetime) -> Row:
    """The row of an object that is only shown, by the rules of kstatus."""
    found = health.assess(obj, now)
    return Row(
        name=str(ObjectRef.of(obj)),
        mark=_MARKS.get(found.status, Mark.WAITING),
        status=found.status.value,
        message=found.message,
    )
