# SPDX-License-Identifier: Apache-2.0
"""Runs lifecycles on one control plane: cluster, proxy, operator, a verdict on each phase."""

from __future__ import annotations

import json
import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from tests.controlplane.cluster import Cluster
from tests.integration.instance import Instance, install_crds, is_ready
from tests.integration.operator import Transition
from tools.crash import invariants
from tools.crash.faults import Fault, Unit
from tools.crash.invariants import Reference
from tools.crash.journal import asked, effects
from tools.crash.lifecycles import NAMESPACE, Lifecycle, Phase
from tools.crash.operator import Operator
from tools.crash.process_pool import ProcessPool
from tools.crash.proxy import Proxy
from tools.crash.world import Reader, comparable

PHASE_SECONDS: Final = 60.0
IDLE_SECONDS: Final = 0.6
"""How long nothing may be written after the end of a phase; it is examined meanwhile."""
CONVERGE_SECONDS: Final = 8.0
RESYNC_SECONDS: Final = 8
"""Longer than most phases, and short enough that a lost line is made up for within one."""
_POLL = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one fault in one phase.

    Attributes:
        lifecycle: name of the lifecycle.
        phase: name of the phase.
        fault: what was done, None for a phase without a fault.
        target: what it hit.
        states: those in which processes died, in order.
        findings: what is wrong; empty when all is well.
        seconds: how long the phase took.
        points: how often the fault was injected.
    """

    lifecycle: str
    phase: str
    fault: Fault | None
    target: str = ""
    states: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    seconds: float = 0.0
    points: int = 0

    @property
    def reached(self) -> bool:
        """Whether the fault was injected at all, or there was none."""
        return self.fault is None or self.points > 0


def _state(before: Sequence[Transition]) -> str:
    return before[-1].dest if before else "Pending"


class PhaseError(Exception):
    """A phase did not come to its end."""


@dataclass(slots=True)
class _Course:
    """What happened during a phase so far."""

    starts: int = 1
    died_in: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    def points(self, fault: Fault | None) -> int:
        """How often a fault was injected."""
        if fault is None:
            return 0
        return self.starts - 1 if fault.kills else fault.fired


class Environment:
    """One control plane with an operator behind a proxy. Use it as a context manager.

    Attributes:
        references: what the phases of the lifecycle that was measured last look like, by name.
    """

    def __init__(self, *, storage: Path | None = None, flags: tuple[str, ...] = ()) -> None:
        self._storage = storage
        self._flags = flags
        self._stack = ExitStack()
        self.references: dict[str, Reference] = {}
        self._known: dict[str, str] = {}
        self._failed = False
        self._asked: Counter[str] = Counter()

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> Self:
        """Start everything but the operator."""
        with ExitStack() as stack:
            self.cluster = stack.enter_context(Cluster())
            install_crds(self.cluster)
            self.cluster.create_namespace(NAMESPACE)
            ca = (self.cluster.folder / "certs" / "apiserver.crt").read_text()
            self.proxy = stack.enter_context(Proxy(self.cluster.server, ca))
            self.operator = Operator(
                stack.enter_context(ProcessPool()),
                kubeconfig=self._kubeconfig(),
                namespace=NAMESPACE,
                storage=self._storage,
                flags=(f"--watch-resync-interval={RESYNC_SECONDS}s", *self._flags),
                log=self.cluster.folder / f"operator-{uuid.uuid4().hex[:8]}.log",
            )
            self.proxy.kill = self.operator.kill
            stack.callback(self.operator.kill)
            self.reader = Reader(self.cluster)
            stack.callback(self.reader.close)
            self.instance = Instance(self.cluster, NAMESPACE)
            self._stack = stack.pop_all()
        return self

    def close(self) -> None:
        """End everything."""
        self._stack.close()

    def run(
        self,
        lifecycle: Lifecycle,
        faults: Mapping[str, Fault],
        references: Mapping[str, Reference] | None = None,
    ) -> list[Verdict]:
        """Run a lifecycle, with at most one fault per phase.

        Args:
            lifecycle: what happens.
            faults: by name of the phase.
            references: by name of the phase; without them nothing is compared.

        Returns:
            A verdict per phase; the run ends with the first phase that has findings.
        """
        verdicts: list[Verdict] = []
        self._known, self._asked, self._failed = {}, Counter(), False
        self.proxy.forget()
        self.operator.start()
        try:
            for phase in lifecycle.phases:
                reference = references[phase.name] if references else None
                fault = faults.get(phase.name)
                verdicts.append(self._run_phase(lifecycle, phase, fault, reference))
                if verdicts[-1].findings:
                    break
        finally:
            self.operator.kill()
        return verdicts

    def measure(self, lifecycle: Lifecycle) -> dict[str, Reference]:
        """Run a lifecycle twice without faults, and keep what each phase looks like.

        The first run leaves behind what every later one finds: namespaces, users' objects.
        """
        for _ in range(2):
            self.verify(lifecycle)
        return dict(self.references)

    def verify(
        self, lifecycle: Lifecycle, references: Mapping[str, Reference] | None = None
    ) -> None:
        """Run a lifecycle without faults, which must end well.

        Raises:
            PhaseError: it does not, so nothing can be said about faults.
        """
        for verdict in self.run(lifecycle, {}, references):
            if verdict.findings:
                raise PhaseError(f"{lifecycle.name}/{verdict.phase}: {'; '.join(verdict.findings)}")

    def _run_phase(
        self, lifecycle: Lifecycle, phase: Phase, fault: Fault | None, reference: Reference | None
    ) -> Verdict:
        phase.before(self.instance)
        began = time.monotonic()
        self.operator.skip()
        self.proxy.arm(fault)
        phase.begin(self.instance)
        course = _Course()
        if fault and fault.restarts:
            self.operator.kill()
            course.starts += 1
            self.operator.start()
        try:
            self._reach(phase, fault, course)
            course.findings += self._judge(phase, fault, course, reference)
        except PhaseError as error:
            course.findings.append(str(error))
        self.proxy.disarm()
        return Verdict(
            lifecycle=lifecycle.name,
            phase=phase.name,
            fault=fault,
            target=self._target(fault),
            states=tuple(course.died_in),
            findings=tuple(course.findings),
            seconds=time.monotonic() - began,
            points=course.points(fault),
        )

    def _reach(self, phase: Phase, fault: Fault | None, course: _Course) -> None:
        """Wait for the goal, and start a new process where the old one was killed."""
        limit = time.monotonic() + PHASE_SECONDS
        while not self._is_over(phase):
            if self.proxy.killed.is_set():
                self._start_again(course)
                limit = time.monotonic() + PHASE_SECONDS
            elif not self.operator.alive and not (fault and fault.kills):
                raise PhaseError(f"the operator ended by itself: {self.operator.problems()}")
            if time.monotonic() > limit:
                raise PhaseError(
                    f"no {phase.goal} within {PHASE_SECONDS:.0f}s; the last states were"
                    f" {[item.dest for item in self.operator.transitions()][-5:]}"
                    f" {self.operator.problems()[-2:]}; {'; '.join(self._trouble())}"
                )
            time.sleep(_POLL)

    def _is_over(self, phase: Phase) -> bool:
        if self.proxy.killed.is_set():
            return False
        if phase.goal == "Gone":
            return self.instance.read() is None
        if not any(item.dest == phase.goal for item in self.operator.transitions()):
            return False
        found = self.instance.read()
        return found is not None and is_ready(found)

    def _start_again(self, course: _Course) -> None:
        self.proxy.wait_until_answered()
        course.died_in.append(_state(self.operator.transitions()))
        course.findings += invariants.no_orphan(self.reader.read())
        course.starts += 1
        self.proxy.killed.clear()
        self.operator.start()

    def _judge(
        self, phase: Phase, fault: Fault | None, course: _Course, reference: Reference | None
    ) -> list[str]:
        may_fail = fault is not None and not fault.kills
        self._failed |= may_fail  # the history has it in the phases that follow, too
        if fault and fault.blinds:
            time.sleep(RESYNC_SECONDS)  # what it did not see may still be to repair
        before, idle_until = len(self.proxy.journal.writes()), time.monotonic() + IDLE_SECONDS
        findings = self._judge_world(reference)
        time.sleep(max(0.0, idle_until - time.monotonic()))
        writes = self.proxy.journal.writes()
        transitions = self.operator.transitions()
        findings += invariants.idle(before, len(writes), writes)
        findings += invariants.sound_path(transitions, may_fail=may_fail)
        findings += self.operator.problems() if not may_fail else []
        if reference is None:
            return findings + self._remember(phase)
        runs = course.starts + sum(item.dest == "Failed" for item in transitions)
        runs += fault is not None and fault.blinds
        return findings + invariants.no_needless_writes(reference, writes, self._known, starts=runs)

    def _judge_world(self, reference: Reference | None) -> list[str]:
        """Examine what the API server holds, against the reference where there is one."""
        findings = invariants.nothing_in_an_old_version(self.reader.read(), self.cluster.stored)
        if reference is not None:
            findings += self.compare(reference, forgive_failures=self._failed)
        return findings

    def _remember(self, phase: Phase) -> list[str]:
        time.sleep(CONVERGE_SECONDS / 4)  # the controllers of the cluster have work left to do
        world = self.reader.read()
        writes = self.proxy.journal.writes()
        self._asked |= asked(writes)
        counts = self.proxy.counts
        self.references[phase.name] = Reference(
            world=comparable(world),
            asked=self._asked.copy(),
            effects=effects(writes, self._known),
            writes=tuple(write.target for write in writes),
            reads=counts.get(Unit.READ, 0),
            again=counts.get(Unit.AGAIN, 0),
            lines=counts.get(Unit.LINE, 0),
        )
        return invariants.no_orphan(world) + invariants.nothing_unmade(world)

    def compare(self, reference: Reference, *, forgive_failures: bool) -> list[str]:
        """Compare until it fits: garbage collection and rollouts end a little later."""
        limit = time.monotonic() + CONVERGE_SECONDS
        while True:
            world = self.reader.read()
            findings = invariants.same_end(reference, world, forgive_failures=forgive_failures)
            findings += invariants.no_orphan(world) + invariants.nothing_unmade(world)
            if not findings:
                return []
            if time.monotonic() > limit:
                return findings + self._trouble()
            time.sleep(10 * _POLL)

    def _trouble(self) -> list[str]:
        """What the cluster itself says: a fault of its own is not the operator's."""
        nodes = self.cluster.kubectl("get", "nodes", "--no-headers")
        pods = self.cluster.kubectl("get", "pods", "-n", NAMESPACE, "--no-headers")
        return [f"in the cluster: {' '.join(line.split())}" for line in (nodes + pods).splitlines()]

    def _target(self, fault: Fault | None) -> str:
        if fault is None or fault.unit is not Unit.WRITE:
            return ""
        writes = self.proxy.journal.writes()
        return writes[fault.number - 1].target if fault.number <= len(writes) else ""

    def _kubeconfig(self) -> Path:
        """The kubeconfig of the operator's user, by way of the proxy."""
        found = json.loads(self.cluster.kubeconfig("fluxsm").read_text())
        found["clusters"][0]["cluster"] = {"server": self.proxy.url}
        path = self.cluster.folder / "proxied.kubeconfig"
        path.write_text(json.dumps(found))
        path.chmod(0o600)
        return path
