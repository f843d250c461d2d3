# SPDX-License-Identifier: Apache-2.0
"""The shell around the machine: read, step, save, tell, and say when to look again.

One `turn` takes one step. It holds what is lost with the process (the current state and the run)
and nothing else; a new process starts in the initial state and finds the same way again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from fluxsm.api import names
from fluxsm.api.instance import FluxInstance, InvalidInstanceError, parse_instance
from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.core import conditions, notification, schedule
from fluxsm.core.memory import Run, Trigger, begin
from fluxsm.core.ports import Clock, Ports
from fluxsm.core.settings import Settings
from fluxsm.core.step import Behaviour, Observed, Step, next_show, take
from fluxsm.errors import ClusterError, ConflictError, NotFoundError
from fluxsm.machine.events import Event
from fluxsm.machine.states import State
from fluxsm.objects.applied_state import Identity
from fluxsm.objects.drift import FieldConflict

log = logging.getLogger("fluxsm.reconciler")

INSTANCE = Kind(names.GROUP, names.VERSION, names.INSTANCE_KIND)
_NOW = timedelta(0)


class Instances(Protocol):
    """The FluxInstance as the watch last told of it."""

    def current(self) -> Manifest | None:
        """The instance, None when there is none."""

    def put(self, manifest: Manifest) -> None:
        """Note an answer of the API server, so that a later read is not older than a write."""


@dataclass(slots=True)
class Position:
    """Where the machine stands, for one incarnation of the instance.

    Attributes:
        uid: of the incarnation.
        state: the state.
        since: when it was entered.
        run: what the run found out.
        unsaved: a step whose status could not be saved yet; nothing else is done before.
        save_failures: failures in a row to save it.
    """

    uid: str
    state: State
    since: datetime
    run: Run
    unsaved: Step | None = None
    save_failures: int = 0


class Reconciler:
    """Drives the machine for the one instance of the runtime namespace."""

    def __init__(
        self,
        *,
        instances: Instances,
        behaviour: Behaviour,
        ports: Ports,
        settings: Settings,
        on_step: Callable[[Step], None] | None = None,
    ) -> None:
        self._instances = instances
        self._behaviour = behaviour
        self._ports = ports
        self._settings = settings
        self._on_step = on_step
        self._position: Position | None = None
        self._let_go = ""

    @property
    def state(self) -> State | None:
        """The current state, None without an instance."""
        return self._position.state if self._position else None

    def turn(self) -> timedelta | None:
        """Take one step.

        Returns:
            When to take the next one: zero for at once, None when only a change can bring one.
        """
        manifest = self._instances.current()
        if manifest is None or manifest["metadata"].get("uid") == self._let_go:
            self._drop()
            return None
        instance = self._parse(manifest)
        if instance is None:
            return None
        position = self._locate(instance)
        if position.unsaved is not None:
            return self._save_again(position, manifest)
        observed = Observed(
            instance=instance,
            manifest=manifest,
            state=position.state,
            run=position.run,
            now=self._clock.now(),
            settings=self._settings,
        )
        step = take(observed, self._behaviour, self._ports)
        if step.outcome.manifest is not None:
            self._instances.put(step.outcome.manifest)
        return self._settle(position, step)

    @property
    def _clock(self) -> Clock:
        return self._ports.clock

    def _parse(self, manifest: Manifest) -> FluxInstance | None:
        """The instance, None when not even that can be read (another CRD admitted it)."""
        try:
            return parse_instance(manifest)
        except InvalidInstanceError as error:
            log.warning("the instance cannot be read: %s", error)
            self._tell_unreadable(manifest, error)
            return None

    def _tell_unreadable(self, manifest: Manifest, error: InvalidInstanceError) -> None:
        """Say in the status what is wrong; the machine needs a spec that can be read."""
        status = dict(manifest.get("status") or {})
        write = conditions.Writer(
            status.get("conditions") or [],
            generation=manifest["metadata"].get("generation", 0),
            now=self._clock.now(),
        )
        write.stalled(names.BUILD_FAILED, f"build failed: {error}")
        status["conditions"] = write.result()
        try:
            self._write(manifest, status)
        except ClusterError as problem:
            log.warning("the status could not be saved: %s", problem)

    def _locate(self, instance: FluxInstance) -> Position:
        """The position of this incarnation; a new one starts from the initial state."""
        uid = instance.metadata.uid
        if self._position is None or self._position.uid != uid:
            now = self._clock.now()
            run = begin(Trigger.START, instance, now)
            self._position = Position(
                uid=uid, state=self._behaviour.engine.table.initial, since=now, run=run
            )
        return self._position

    def _drop(self) -> None:
        if self._position is not None:
            self._position = None
            self._ports.live.forget()
            self._ports.metrics.instance(None)

    def _settle(self, position: Position, step: Step) -> timedelta | None:
        """Save if need be, then tell people and move on."""
        if step.saves:
            try:
                self._save(step)
            except NotFoundError:
                return _NOW
            except ClusterError as error:
                return self._postpone(position, step, error)
        self._tell(position, step)
        self._move(position, step)
        return self._delay(step)

    def _save(self, step: Step) -> None:
        self._write(step.observed.manifest, step.status)

    def _write(self, manifest: Manifest, status: Manifest) -> None:
        """Patch what differs, guarded by the resourceVersion that was looked at."""
        saved = manifest.get("status") or {}
        patch: dict[str, Any] = {
            key: status.get(key)
            for key in sorted(saved.keys() | status.keys())
            if saved.get(key) != status.get(key)
        }
        if not patch:
            return
        body = {
            "metadata": {"resourceVersion": manifest["metadata"]["resourceVersion"]},
            "status": patch,
        }
        answer = self._ports.cluster.patch(ObjectRef.of(manifest), body, subresource="status")
        self._instances.put(answer)

    def _postpone(self, position: Position, step: Step, error: ClusterError) -> timedelta:
        position.unsaved = step
        position.save_failures += 1
        log.warning("the status could not be saved, trying again: %s", error)
        if isinstance(error, ConflictError) and position.save_failures == 1:
            return timedelta(milliseconds=50)
        return schedule.retry_delay(
            position.save_failures,
            minimum=self._settings.min_retry,
            maximum=timedelta(seconds=30),
        )

    def _save_again(self, position: Position, manifest: Manifest) -> timedelta | None:
        """Save a step on top of the newest version of the instance, foreign conditions kept."""
        step = position.unsaved
        if step is None:
            return _NOW
        latest = manifest.get("status") or {}
        merged = conditions.merge(
            latest.get("conditions") or [], step.status.get("conditions") or []
        )
        fresh = replace(
            step,
            observed=replace(step.observed, manifest=manifest),
            status={**step.status, "conditions": merged},
        )
        position.unsaved = None
        delay = self._settle(position, fresh)
        if position.unsaved is None:
            position.save_failures = 0
        return delay

    def _tell(self, position: Position, step: Step) -> None:
        """Metrics, log line and events, all read off the step that was saved."""
        now = step.observed.now
        if step.moved:
            seconds = (now - position.since).total_seconds()
            dest = str(step.row.dest or "Gone")
            self._ports.metrics.transition(str(step.row.source), str(step.row.event), dest, seconds)
            log.info(
                "transition",
                extra={
                    "from": str(step.row.source),
                    "to": dest,
                    "event": str(step.row.event),
                    "seconds": round(seconds, 3),
                    "message_": step.outcome.message,
                },
            )
            self._count(step)
        if step.row.event is Event.DRIFTED:
            self._ports.metrics.drift(repairs(position.run.conflicts, step.observed.run.conflicts))
        if step.row.event is Event.BLOCKED and step.run.blocked is not None:
            self._ports.metrics.blocked(step.run.blocked.reason)
        instance = step.observed.instance
        address = notification.address(
            instance.spec.effective_components,
            namespace=instance.metadata.namespace,
            domain=instance.spec.domain,
            override=self._settings.notification_address,
            disabled=self._settings.notifications_disabled,
        )
        for notice in self._behaviour.announce(step):
            target = address if notice.notified else ""
            self._ports.recorder.record(step.observed.manifest, notice, address=target)
        if self._on_step is not None:
            self._on_step(step)

    def _count(self, step: Step) -> None:
        if step.row.dest is None or step.observed.instance.metadata.deletion_timestamp:
            self._ports.metrics.instance(None)
            return
        self._ports.metrics.instance(instance_labels(step.observed.instance, step.status))

    def _move(self, position: Position, step: Step) -> None:
        if step.row.dest is None:
            self._let_go = position.uid  # the watch may show it for a while yet
            self._drop()
            return
        if step.moved:
            position.since = step.observed.now
        position.state = step.row.dest
        position.run = step.run

    def _delay(self, step: Step) -> timedelta | None:
        """When to look again: soon enough to show a state that lingers."""
        if step.row.dest is None:
            return None
        if not step.waits:
            return _NOW
        after = step.outcome.after
        if after is None and step.row.event is Event.FAULT:
            after = self._settings.min_retry
        saved = step.saves or step.status == (step.observed.manifest.get("status") or {})
        if saved:
            return after
        shown = next_show(step.run) - step.observed.now
        return max(_NOW, shown if after is None else min(after, shown))


def repairs(
    before: Mapping[Identity, FieldConflict], after: Mapping[Identity, FieldConflict]
) -> int:
    """How many objects were found drifted between two looks."""
    return sum(before.get(identity) != conflict for identity, conflict in after.items())


def instance_labels(instance: FluxInstance, status: Manifest) -> dict[str, str]:
    """The labels of `flux_instance_info`."""
    ready = conditions.find(status.get("conditions") or [], names.READY) or {}
    return {
        "uid": instance.metadata.uid,
        "kind": names.INSTANCE_KIND,
        "name": instance.metadata.name,
        "exported_namespace": instance.metadata.namespace,
        "ready": str(ready.get("status", "Unknown")),
        "reason": str(ready.get("reason", "")),
        "suspended": str(instance.suspended),
        "registry": instance.spec.distribution.registry,
        "revision": str(status.get("lastAppliedRevision", "")),
    }
