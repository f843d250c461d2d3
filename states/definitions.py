# SPDX-License-Identifier: Apache-2.0
"""What each state means to the people who look at it, what its handler may answer, its data."""

from __future__ import annotations

from fluxsm.api import duration, names
from fluxsm.api.instance import Metadata
from fluxsm.core.settings import Settings
from fluxsm.machine.events import Event as E
from fluxsm.machine.states import State as S
from fluxsm.machine.table import Limit, Span, StateDef, Timer
from states.work import diagnosis, timers

_DEFAULTS = Settings()
_STAGE = duration.format(_DEFAULTS.stage_timeout)
_REGISTRY = duration.format(timers.REGISTRY_LIMIT)
_TIMEOUT = duration.format(Metadata().reconcile_timeout)
_EVERY = duration.format(Metadata().reconcile_every)
_ARTIFACT_EVERY = duration.format(Metadata().reconcile_artifact_every)
_LOOK = duration.format(diagnosis.INTERVAL)

DEFINITIONS = (
    StateDef(
        state=S.PENDING,
        meaning="The instance was seen and a run is about to begin.",
        doing="Reconciliation in progress",
        ready="Unknown",
        answers=frozenset({E.STARTED, E.WAITING, E.FAULT}),
        limit=Limit(length=timers.stage_limit, words=_STAGE, reason=names.RECONCILIATION_FAILED),
        advice="Nothing. If it stays here, the operator cannot write to the API server.",
    ),
    StateDef(
        state=S.FETCHING_ARTIFACT,
        meaning="The distribution manifests are being fetched and checked.",
        doing="Fetching the distribution",
        ready="Unknown",
        answers=frozenset({E.FETCHED, E.WAITING, E.BLOCKED, E.FAULT}),
        limit=Limit(length=timers.registry_limit, words=_REGISTRY, reason=names.ARTIFACT_FAILED),
        advice="Nothing. A download that does not get on ends by itself.",
    ),
    StateDef(
        state=S.BUILDING,
        meaning="A version is chosen and the objects are built from the spec.",
        doing="Building manifests",
        ready="Unknown",
        answers=frozenset({E.BUILT, E.WAITING, E.BLOCKED, E.FAULT}),
        limit=Limit(length=timers.registry_limit, words=_REGISTRY, reason=names.ARTIFACT_FAILED),
        advice="Nothing. Only a registry that is asked for image digests can make it last.",
    ),
    StateDef(
        state=S.APPLYING,
        meaning="Objects are being written to the cluster, stage by stage, and stale ones removed.",
        doing="Applying manifests",
        ready="Unknown",
        answers=frozenset({E.RECORDED, E.APPLIED, E.WAITING, E.FAULT}),
        limit=Limit(
            length=timers.stage_limit,
            words=f"{_STAGE} of one wait, such as that for the CRDs to become current",
            reason=names.RECONCILIATION_FAILED,
            over=Span.WAIT,
        ),
        advice="Look at the Ready message: it names the object that is waited for.",
    ),
    StateDef(
        state=S.MIGRATING,
        meaning="Stored Flux resources are being rewritten to the API version of the new CRDs.",
        doing="Migrating custom resources",
        ready="Unknown",
        answers=frozenset({E.RECORDED, E.MIGRATED, E.WAITING, E.FAULT}),
        limit=Limit(
            length=timers.stage_limit,
            words=f"{_STAGE} in which nothing gets on",
            reason=names.RECONCILIATION_FAILED,
            over=Span.WAIT,
        ),
        advice="Nothing. The Ready message counts the objects that are done.",
    ),
    StateDef(
        state=S.HEALTH_CHECKING,
        meaning="Everything was applied and is watched until all of it is healthy.",
        doing="Checking health",
        ready="Unknown",
        answers=frozenset({E.HEALTHY, E.DRIFTED, E.WAITING, E.FAULT}),
        limit=Limit(
            length=timers.health_limit,
            words=f"`reconcileTimeout` ({_TIMEOUT}); pods are looked at every {_LOOK}",
            reason=names.HEALTH_CHECK_FAILED,
        ),
        canceled=names.HEALTH_CHECK_CANCELED,
        advice="Look at the Ready message: it names the objects that are not healthy yet.",
    ),
    StateDef(
        state=S.READY,
        meaning="The wanted revision runs and is healthy; drift is repaired as it happens.",
        doing="Reconciliation finished",
        ready="True",
        answers=frozenset({E.DUE, E.DRIFTED, E.NEW_ARTIFACT, E.WAITING, E.FAULT}),
        rests=True,
        saved=True,
        timer=Timer(
            due=timers.next_run,
            words=f"`reconcileEvery` ({_EVERY}), sooner while an upgrade is blocked; the artifact"
            f" is looked at every `reconcileArtifactEvery` ({_ARTIFACT_EVERY})",
        ),
        advice="Nothing.",
    ),
    StateDef(
        state=S.FAILED,
        meaning="The last run failed; the next try is due after a growing delay.",
        doing="Reconciliation failed",
        ready="False",
        answers=frozenset({E.DUE, E.WAITING, E.FAULT}),
        rests=True,
        saved=True,
        timer=Timer(
            due=timers.next_try,
            words=f"{duration.format(_DEFAULTS.min_retry)}, twice as long after each further"
            f" failure, at most {duration.format(_DEFAULTS.max_retry)}",
        ),
        advice="Read the Ready message. With Stalled=True, the spec or the artifact must change.",
    ),
    StateDef(
        state=S.SUSPENDED,
        meaning="The instance is disabled by annotation; nothing is done or repaired.",
        doing="Reconciliation is disabled",
        ready="kept",
        answers=frozenset({E.WAITING, E.FAULT}),
        rests=True,
        saved=True,
        advice="Set the annotation fluxcd.controlplane.io/reconcile to enabled to go on.",
    ),
    StateDef(
        state=S.UNINSTALLING,
        meaning="The instance is being deleted, and with it everything that it installed.",
        doing="Uninstalling",
        ready="Unknown",
        answers=frozenset({E.UNINSTALLED, E.WAITING, E.FAULT}),
        limit=Limit(
            length=timers.uninstall_limit,
            words=f"{duration.format(_DEFAULTS.uninstall_timeout)} over all of it: the instance is"
            " let go, and a Warning lists what is left",
            reason=names.RECONCILIATION_FAILED,
        ),
        advice="Look at the Ready message: it names what is waited for.",
    ),
)
