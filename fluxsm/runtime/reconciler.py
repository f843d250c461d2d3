# SPDX-License-Identifier: Apache-2.0
"""The shell around the machine: read, step, save, report, and say when to look again.

One `turn` takes one step. It decides nothing: what follows from what it has read is a row of the
table. It holds what is lost with the process (the current state and the memory) and nothing else;
a new process starts in the initial state and finds the same way again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fluxsm.api import names
from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.core import conditions, notification
from fluxsm.core.instance import Instance
from fluxsm.core.memory import Memory
from fluxsm.core.observed import Observed
from fluxsm.core.ports import Instances, Ports
from fluxsm.core.runs import start
from fluxsm.core.settings import Settings
from fluxsm.core.step import Behaviour, Step, refuse, take, unshown
from fluxsm.errors import BuildError, ClusterError
from fluxsm.machine.events import Event
from fluxsm.machine.states import State
from fluxsm.objects.applied_state import ObjectIdentity
from fluxsm.objects.drift import FieldConflict
from fluxsm.objects.redaction import redact

log = logging.getLogger("fluxsm.reconciler")

INSTANCE = Kind(names.GROUP, names.VERSION, names.INSTANCE_KIND)


@dataclass(slots=True)
class Position:
    """Where the machine stands, for one incarnation of the instance.

    Attributes:
        instance: as it was last seen.
        state: the state.
        memory: what is remembered.
    """

    instance: Instance
    state: State
    memory: Memory

    @property
    def uid(self) -> str:
        """Of the incarnation."""
        return self.instance.metadata.uid


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
        self._ended = ""

    @property
    def state(self) -> State | None:
        """The current state, None without an instance."""
        return self._position.state if self._position else None

    def turn(self) -> timedelta | None:
        """Take one step.

        Returns:
            When to take the next one: zero for at once, None when only a change can bring one.
        """
        found = self._current()
        position = self._position or self._start(found)
        if position is None:
            return None
        observed = self._observe(position, found)
        step = take(observed, self._behaviour, self._ports)
        if step.outcome.manifest is not None:
            self._instances.put(step.outcome.manifest)
        step = self._save(step)
        self._report(step, position)
        self._move(step, position)
        return step.after

    def _current(self) -> Instance | None:
        """The instance, None when there is none, or when all that is left of it is an echo."""
        found = self._instances.current()
        if found is None or found["metadata"].get("uid") == self._ended:
            return None
        return Instance(found)

    def _start(self, found: Instance | None) -> Position | None:
        """The position of an incarnation that was not seen before: the initial state."""
        if found is None:
            return None
        initial = self._behaviour.engine.table.initial
        self._position = Position(instance=found, state=initial, memory=start(found, self._tick()))
        return self._position

    def _tick(self) -> timedelta:
        return timedelta(seconds=self._ports.clock.monotonic())

    def _observe(self, position: Position, found: Instance | None) -> Observed:
        gone = found is None or found.metadata.uid != position.uid
        if found is not None and not gone:
            position.instance = found
        return Observed(
            instance=position.instance,
            state=position.state,
            memory=position.memory,
            now=self._ports.clock.now(),
            tick=self._tick(),
            settings=self._settings,
            gone=gone,
        )

    def _save(self, step: Step) -> Step:
        """Save the status if need be; the step that counts then."""
        if not step.saves:
            return step
        try:
            self._write(step)
        except ClusterError as error:
            log.warning("the status could not be saved, trying again: %s", error)
            if not step.must_save:
                return unshown(step)
            return refuse(step, error, self._behaviour, self._ports.clock.random())
        return step

    def _write(self, step: Step) -> None:
        """Patch what differs, guarded by the resourceVersion that was looked at."""
        instance = step.observed.instance
        patch = merge_patch(instance.saved, step.status)
        body = {
            "metadata": {"resourceVersion": instance.manifest["metadata"]["resourceVersion"]},
            "status": patch,
        }
        ref = ObjectRef.of(instance.manifest)
        self._instances.put(self._ports.cluster.patch(ref, body, subresource="status"))

    def _report(self, step: Step, position: Position) -> None:
        """Metrics, log line and events, all read off the step that was saved."""
        metrics = self._ports.metrics
        if step.moved:
            self._report_transition(step, position)
        if step.row.event is Event.DRIFTED:
            before, after = position.memory.process.conflicts, step.observed.process.conflicts
            metrics.drift(repairs(before, after))
        blocked = step.memory.process.blocked
        if step.row.event is Event.BLOCKED and blocked is not None:
            metrics.blocked(blocked.reason)
        instance = step.observed.instance
        address = self._address(instance)
        for event in self._behaviour.report(step):
            target = address if event.notified else ""
            self._ports.recorder.record(instance.manifest, event, address=target)
        if self._on_step is not None:
            self._on_step(step)

    def _report_transition(self, step: Step, position: Position) -> None:
        source, dest = str(step.row.source), str(step.row.dest or "Gone")
        seconds = (step.observed.tick - position.memory.stay.entered).total_seconds()
        ended = {step.entered.succeeds: "success", step.entered.fails: "error"}
        self._ports.metrics.transition(
            source, str(step.row.event), dest, seconds, result=ended.get(True, "")
        )
        log.info(
            "transition",
            extra={
                "from": source,
                "to": dest,
                "event": str(step.row.event),
                "seconds": round(seconds, 3),
                "message_": step.outcome.message,
            },
        )
        instance = step.observed.instance
        gone = step.ends or instance.is_deleted
        self._ports.metrics.instance(None if gone else instance_labels(instance, step.status))

    def _address(self, instance: Instance) -> str:
        """Where notified events are sent; nowhere when the spec does not say who runs."""
        try:
            spec = instance.spec
        except BuildError:
            return self._settings.notification_address
        return notification.address(
            spec.effective_components,
            namespace=instance.metadata.namespace,
            domain=spec.domain,
            override=self._settings.notification_address,
            disabled=self._settings.notifications_disabled,
        )

    def _move(self, step: Step, position: Position) -> None:
        if step.row.dest is None:
            self._ended = position.uid  # the watch may show it for a while yet
            self._position = None
            self._ports.live.forget()
            if step.row.event is Event.GONE and not step.observed.gone:
                self._instances.refresh()  # an answer of the API server says more than the watch
            return
        position.state = step.row.dest
        position.memory = step.memory


def merge_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON merge patch that makes the one of the other; what is gone, at any depth, is null."""
    patch: dict[str, Any] = {}
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        both = isinstance(before, Mapping) and isinstance(after, Mapping)
        patch[key] = merge_patch(before, after) if both else after  # type: ignore[arg-type]
    return patch


def repairs(
    before: Mapping[ObjectIdentity, FieldConflict], after: Mapping[ObjectIdentity, FieldConflict]
) -> int:
    """How many objects were found drifted between two looks."""
    return sum(before.get(identity) != conflict for identity, conflict in after.items())


def instance_labels(instance: Instance, status: Manifest) -> dict[str, str]:
    """The labels of `flux_instance_info`, also of an instance whose spec cannot be read."""
    ready = conditions.find(status.get("conditions") or [], names.READY) or {}
    distribution = (instance.manifest.get("spec") or {}).get("distribution")
    known = distribution if isinstance(distribution, Mapping) else {}
    metadata = instance.metadata
    return {
        "uid": metadata.uid,
        "kind": names.INSTANCE_KIND,
        "name": metadata.name,
        "exported_namespace": metadata.namespace,
        "ready": str(ready.get("status", "Unknown")),
        "reason": str(ready.get("reason", "")),
        "suspended": str(metadata.suspended),
        "registry": redact(str(known.get("registry", ""))),
        "revision": str(status.get("lastAppliedRevision", "")),
    }
