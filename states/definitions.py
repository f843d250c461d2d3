# SPDX-License-Identifier: Apache-2.0
"""What each state means to the people who look at it, and what its handler may answer."""

from __future__ import annotations

from fluxsm.machine.events import Event as E
from fluxsm.machine.states import State as S
from fluxsm.machine.table import StateDef

DEFINITIONS = (
    StateDef(
        state=S.PENDING,
        meaning="The instance was seen and a run is about to begin.",
        doing="Reconciliation in progress",
        ready="Unknown",
        answers=frozenset({E.STARTED, E.WAITING, E.FAULT}),
        moving=True,
        advice="Nothing. If it stays here, the operator cannot write to the API server.",
    ),
    StateDef(
        state=S.FETCHING_ARTIFACT,
        meaning="The distribution manifests are being fetched and checked.",
        doing="Fetching the distribution",
        ready="Unknown",
        answers=frozenset({E.FETCHED, E.WAITING, E.BLOCKED, E.FAULT}),
        moving=True,
        advice="Nothing. A fetch ends after 30 seconds at most.",
        timers="The download ends after 30 seconds; it is looked at every second.",
    ),
    StateDef(
        state=S.BUILDING,
        meaning="A version is chosen and the objects are built from the spec.",
        doing="Building manifests",
        ready="Unknown",
        answers=frozenset({E.BUILT, E.WAITING, E.BLOCKED, E.FAULT}),
        moving=True,
        advice="Nothing. A build takes less than a second.",
    ),
    StateDef(
        state=S.APPLYING,
        meaning="Objects are being written to the cluster, stage by stage, and stale ones removed.",
        doing="Applying manifests",
        ready="Unknown",
        answers=frozenset({E.RECORDED, E.APPLIED, E.WAITING, E.FAULT}),
        moving=True,
        advice="Look at the Ready message: it names the object that is waited for.",
        timers="What others need, such as CRDs, has 60 seconds to become current; then Expired.",
    ),
    StateDef(
        state=S.MIGRATING,
        meaning="Stored Flux resources are being rewritten to the API version of the new CRDs.",
        doing="Migrating custom resources",
        ready="Unknown",
        answers=frozenset({E.RECORDED, E.MIGRATED, E.WAITING, E.FAULT}),
        moving=True,
        advice="Nothing. The Ready message counts the objects that are done.",
    ),
    StateDef(
        state=S.HEALTH_CHECKING,
        meaning="Everything was applied and is watched until all of it is healthy.",
        doing="Checking health",
        ready="Unknown",
        answers=frozenset({E.HEALTHY, E.DRIFTED, E.WAITING, E.FAULT}),
        moving=True,
        advice="Look at the Ready message: it names the objects that are not healthy yet.",
        timers="Expired after `reconcileTimeout` (5m). Pods are looked at after five seconds.",
    ),
    StateDef(
        state=S.READY,
        meaning="The wanted revision runs and is healthy; drift is repaired as it happens.",
        doing="Reconciliation finished",
        ready="True",
        answers=frozenset({E.DUE, E.DRIFTED, E.NEW_ARTIFACT, E.WAITING, E.FAULT}),
        moving=False,
        advice="Nothing.",
        timers="Due after `reconcileEvery` (1h), sooner while an upgrade is blocked. The"
        " artifact is looked at after `reconcileArtifactEvery` (10m).",
    ),
    StateDef(
        state=S.FAILED,
        meaning="The last run failed; the next try is due after a growing delay.",
        doing="Reconciliation failed",
        ready="False",
        answers=frozenset({E.DUE, E.WAITING}),
        moving=False,
        advice="Read the Ready message. With Stalled=True, the spec or the artifact must change.",
        timers="Due after 750ms, twice as long after each further failure, at most 15m.",
    ),
    StateDef(
        state=S.SUSPENDED,
        meaning="The instance is disabled by annotation; nothing is done or repaired.",
        doing="Reconciliation is disabled",
        ready="kept",
        answers=frozenset({E.WAITING, E.FAULT}),
        moving=False,
        advice="Set the annotation fluxcd.controlplane.io/reconcile to enabled to go on.",
    ),
    StateDef(
        state=S.UNINSTALLING,
        meaning="The instance is being deleted, and with it everything that it installed.",
        doing="Uninstalling",
        ready="Unknown",
        answers=frozenset({E.UNINSTALLED, E.WAITING, E.FAULT}),
        moving=True,
        advice="Look at the Ready message: it names what is waited for.",
        timers="After five minutes the instance is let go; a Warning lists what is left.",
    ),
)
