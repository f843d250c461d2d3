# SPDX-License-Identifier: Apache-2.0
"""How many objects of a kind run, fail or are suspended, and how much their artifacts weigh."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from fluxsm.api.report import ReconcilerStats
from fluxsm.core import conditions
from fluxsm.objects import manifest, ownership

WAITS_FOR_OTHERS: Final = "DependencyNotReady"
"""The reason of an object that is not ready, but has not failed either."""

_UNITS: Final = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


@dataclass(slots=True, kw_only=True)
class Counts:
    """The counts of one kind, while its objects go by.

    Attributes:
        running: objects that are not suspended, failing ones included.
        failing: running objects that say that they failed.
        suspended: objects that somebody has switched off.
        size: of all artifacts, in bytes.
    """

    running: int = 0
    failing: int = 0
    suspended: int = 0
    size: int = 0

    def add(self, obj: Manifest) -> None:
        """Count an object.

        Raises:
            MalformedError: it lacks the shape that its kind promises.
        """
        self.size += manifest.number(obj, "status", "artifact", "size")
        if is_suspended(obj):
            self.suspended += 1
            return
        self.running += 1
        self.failing += has_failed(obj)

    def stats(self) -> ReconcilerStats:
        """The counts as the report shows them."""
        return ReconcilerStats(
            running=self.running,
            failing=self.failing,
            suspended=self.suspended,
            total_size=format_size(self.size) or None,
        )


def is_suspended(obj: Manifest) -> bool:
    """Whether an object is switched off: by its spec, or by a word for the operator's own kinds."""
    if not str(obj.get("apiVersion")).startswith(f"{names.GROUP}/"):
        return manifest.read(obj, "spec", "suspend") is True
    return ownership.is_reconcile_disabled(obj)


def has_failed(obj: Manifest) -> bool:
    """Whether an object says that it is not ready, and not because it waits for another one."""
    ready = ready_of(obj)
    return (
        manifest.text(ready, "status") == "False"
        and manifest.text(ready, "reason") != WAITS_FOR_OTHERS
    )


def ready_of(obj: Manifest) -> Manifest:
    """The Ready condition of an object, empty when it has none."""
    found = conditions.find(manifest.entries(obj, "status", "conditions"), names.READY)
    return dict(found or {})


def format_size(size: int) -> str:
    """A number of bytes as people read it, such as `512 B` or `1.5 KiB`; nothing for none."""
    if size < 1024:
        return f"{size} B" if size else ""
    steps = takewhile(lambda step: size >= 1024**step, range(1, len(_UNITS) + 1))
    step = max(steps)
    return f"{size / 1024**step:.1f} {_UNITS[step - 1]}"


def count(objects: Iterable[Manifest]) -> ReconcilerStats:
    """The counts of some objects."""
    counts = Counts()
    for obj in objects:
        counts.add(obj)
    return counts.stats()
