# SPDX-License-Identifier: Apache-2.0
"""How far a state is: what its handler needs for its own next step, gone when the state is left.

A closed union: one type for each state that has something to remember.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import TypeAlias

from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.core.failure import Failure
from fluxsm.objects.inventory import Entry
from fluxsm.objects.migration import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """FetchingArtifact: the wanted artifact cannot be had, so the installed one is looked for."""

    failure: Failure


class Bridge(Enum):
    """How far the bridges of a migration are."""

    MISSING = "missing"
    APPLIED = "applied"
    SERVED = "served"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewriting:
    """Migrating: how far the plan at work is.

    Attributes:
        bridge: how far the bridges are.
        plan: the plan at work, None between two plans.
        token: where its list goes on; empty at its beginning.
        done: objects that were rewritten.
        restarts: how often the list was begun again.
    """

    bridge: Bridge = Bridge.MISSING
    plan: Plan | None = None
    token: str = ""
    done: int = 0
    restarts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """HealthChecking: what pods said, good until the next look.

    Attributes:
        at: when they were looked at.
        sets: ReplicaSets of the workloads that were not ready then.
        pods: their pods.
        since: when each trouble was first seen. The other machine's timestamps are not compared
            with our clock.
    """

    at: timedelta
    sets: Sequence[Manifest] = ()
    pods: Sequence[Manifest] = ()
    since: Mapping[str, timedelta] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactCheck:
    """Ready: when the registry is asked again."""

    at: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSeen:
    """Failed: the resourceVersion of the pull secret when it was last read; empty: missing."""

    version: str


class Phase(Enum):
    """What an uninstallation is at."""

    WATCHING = "watching"
    STOPPING = "stopping"
    RELEASING = "releasing"
    REMOVING = "removing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """Uninstalling: what has to go, and how far that is.

    Attributes:
        entries: everything that has to go.
        phase: what is under way.
        kinds: kinds of custom resources whose finalizers are still to be taken off; None before
            it was looked which there are.
        token: where the list of the first of them goes on.
        asked: objects whose deletion the API server has accepted.
        kept: objects that are none of ours, or stay because their owner wants it.
        refused: why something could not be done, by the object or kind; it is tried again.
        unknown: kinds of which nobody knows whether anything of ours is left, and why.
        rounds: how often everything that was left has been tried.
        next_try: when that is due again.
    """

    entries: tuple[Entry, ...]
    phase: Phase = Phase.WATCHING
    kinds: tuple[Kind, ...] | None = None
    token: str = ""
    asked: frozenset[ObjectRef] = frozenset()
    kept: frozenset[ObjectRef] = frozenset()
    refused: Mapping[str, str] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)
    rounds: int = 0
    next_try: timedelta = timedelta(0)


Progress: TypeAlias = Refused | Rewriting | Diagnosis | ArtifactCheck | SecretSeen | Removal
