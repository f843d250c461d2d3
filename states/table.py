# SPDX-License-Identifier: Apache-2.0
"""Every transition of a FluxInstance, and nothing else.

The law: only these rows name destinations, and nothing stands beside them. A handler says what
happened; the first row for its state and that event whose guard holds says where to go, and which
run begins there. Every state answers Gone, Deleted, Suspended, Resumed, Changed and Unsaved, and
Expired where it has a limit; Ready can be reached from everywhere once faults stop; a deleted
instance always ends. `define` refuses this file at import when any of that is not so.
"""

from __future__ import annotations

from fluxsm.machine.define import define
from fluxsm.machine.events import Event as E
from fluxsm.machine.states import State as S
from fluxsm.machine.table import rows, stay
from fluxsm.machine.triggers import Trigger as T
from states import guards as g
from states.definitions import DEFINITIONS

WORKING = (
    S.PENDING, S.FETCHING_ARTIFACT, S.BUILDING, S.APPLYING, S.MIGRATING, S.HEALTH_CHECKING,
)  # fmt: skip
RESTING = (S.READY, S.FAILED)
ALIVE = (*WORKING, *RESTING)

# fmt: off
TABLE = define(
    DEFINITIONS,
    (
        # Signals, in the order in which they are looked at.
        rows(S,                             E.GONE,         None),
        rows((*ALIVE, S.SUSPENDED),         E.DELETED,      S.UNINSTALLING,      begins=T.DELETION),
        rows(ALIVE,                         E.SUSPENDED,    S.SUSPENDED),
        rows(S.SUSPENDED,                   E.RESUMED,      S.PENDING,           begins=T.CHANGE),
        rows(ALIVE,                         E.CHANGED,      S.PENDING,           begins=T.CHANGE),
        rows(WORKING,                       E.EXPIRED,      S.FAILED),
        # The way from nothing to Ready.
        rows(S.PENDING,                     E.STARTED,      S.FETCHING_ARTIFACT),
        rows(S.FETCHING_ARTIFACT,           E.FETCHED,      S.BUILDING),
        rows(S.BUILDING,                    E.BUILT,        S.MIGRATING,         g.blocks_new_crds),
        rows(S.BUILDING,                    E.BUILT,        S.APPLYING),
        stay((S.MIGRATING, S.APPLYING),     E.RECORDED,     saved=True),
        rows(S.APPLYING,                    E.APPLIED,      S.HEALTH_CHECKING),
        rows(S.HEALTH_CHECKING,             E.HEALTHY,      S.MIGRATING,         g.wants_migration),
        rows(S.HEALTH_CHECKING,             E.HEALTHY,      S.READY),
        rows(S.MIGRATING,                   E.MIGRATED,     S.READY,             g.is_applied),
        rows(S.MIGRATING,                   E.MIGRATED,     S.APPLYING),
        # What somebody else changed or deleted is repaired, also while its health is waited for.
        rows(S.HEALTH_CHECKING,             E.DRIFTED,      S.APPLYING),
        rows(S.READY,                       E.DRIFTED,      S.APPLYING,          begins=T.DRIFT),
        # What Ready and Failed wait for.
        rows(S.READY,                       E.NEW_ARTIFACT, S.PENDING,           begins=T.ARTIFACT),
        rows(S.READY,                       E.DUE,          S.PENDING,           begins=T.TIMER),
        rows(S.FAILED,                      E.DUE,          S.PENDING,           begins=T.RETRY),
        # What goes wrong. A release that nobody asked for never demotes a running Flux.
        rows((S.FETCHING_ARTIFACT, S.BUILDING), E.BLOCKED,  S.BUILDING, g.has_last_good,
             falls_back=True),
        rows((S.FETCHING_ARTIFACT, S.BUILDING), E.BLOCKED,  S.READY),
        stay(WORKING,                       E.FAULT,        g.may_pass),
        rows(WORKING,                       E.FAULT,        S.FAILED),
        stay((*RESTING, S.SUSPENDED, S.UNINSTALLING), E.FAULT),
        stay(S,                             E.UNSAVED),
        # The way out.
        rows(S.UNINSTALLING,                E.UNINSTALLED,  None),
        # A wait is a self-row, woken by a watch or by its timer.
        stay(S,                             E.WAITING),
        # Signals that say nothing new to a state, or come too late for it.
        stay(S.UNINSTALLING,                E.DELETED),
        stay((S.SUSPENDED, S.UNINSTALLING), E.SUSPENDED),
        stay((*ALIVE, S.UNINSTALLING),      E.RESUMED),
        stay((S.SUSPENDED, S.UNINSTALLING), E.CHANGED),
        stay(S.UNINSTALLING,                E.EXPIRED),
    ),
    initial=S.PENDING,
    goal=S.READY,
    paused=S.SUSPENDED,
    ending=S.UNINSTALLING,
)
# fmt: on
