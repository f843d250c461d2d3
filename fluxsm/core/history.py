# SPDX-License-Identifier: Apache-2.0
"""Remember what became of the last configurations: `status.history`, newest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from fluxsm.api import duration
from fluxsm.objects.timestamp import format_time

LIMIT: Final = 5
"""How many snapshots are kept."""

Snapshot: TypeAlias = dict[str, Any]
"""One item of `status.history`."""


def record(
    history: Iterable[Mapping[str, Any]],
    *,
    digest: str,
    status: str,
    now: datetime,
    took: timedelta,
    metadata: Mapping[str, str] | None = None,
) -> list[Snapshot]:
    """Return the history with one more attempt.

    An attempt with the digest and status of an earlier one is counted there, and moves to the
    front; any other becomes a new snapshot, and the oldest one is forgotten.

    Args:
        history: snapshots so far, newest first; not changed.
        digest: identity of the configuration, `sha256:<hex>`.
        status: reason of the Ready condition that the attempt ended with.
        now: the current time.
        took: how long the attempt took.
        metadata: facts about the configuration; None leaves the field out.
    """
    snapshots = [dict(item) for item in history]
    before = next((item for item in snapshots if _key(item) == (digest, status)), None)
    snapshot: Snapshot = {
        "digest": digest,
        "firstReconciled": format_time(now) if before is None else before["firstReconciled"],
        "lastReconciled": format_time(now),
        "lastReconciledDuration": duration.format(took),
        "lastReconciledStatus": status,
        "totalReconciliations": 1 if before is None else before["totalReconciliations"] + 1,
    }
    if metadata is not None:
        snapshot["metadata"] = dict(metadata)
    others = [item for item in snapshots if _key(item) != (digest, status)]
    return [snapshot, *others][:LIMIT]


def annotate(history: Iterable[Mapping[str, Any]], metadata: Mapping[str, str]) -> list[Snapshot]:
    """Return the history with more facts about the newest snapshot, if there is one.

    Args:
        history: snapshots, newest first; not changed.
        metadata: facts about how that configuration was left.
    """
    newest, *older = [dict(item) for item in history] or [{}]
    if not newest:
        return []
    return [{**newest, "metadata": {**(newest.get("metadata") or {}), **metadata}}, *older]


def _key(snapshot: Mapping[str, Any]) -> tuple[Any, Any]:
    return snapshot.get("digest"), snapshot.get("lastReconciledStatus")
