# SPDX-License-Identifier: Apache-2.0
"""Any story: a user, a registry, other programs, faults, crashes and time, in any order.

Whatever happens, the laws hold after every step. Once the faults stop, the instance becomes Ready,
or goes if it is to be deleted, within a bound; while one of them never stops, the laws of liveness
of the model check hold from wherever the story led. A failure prints its story in words.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from fluxsm.adapters.kube.watch import RESYNC_SECONDS
from fluxsm.api import names
from fluxsm.api.objects import Manifest, ObjectRef
from fluxsm.errors import ArtifactError, ConflictError, ForbiddenError, UnavailableError
from fluxsm.machine.states import State
from fluxsm.objects import ownership
from fluxsm.simulation.audit import orphans, unreadable
from fluxsm.simulation.faults import Crash, Fault, When
from fluxsm.simulation.liveness import CASES, Case, broken_laws
from fluxsm.simulation.registry import only, starter
from fluxsm.simulation.world import INSTANCE, NAMESPACE, World
from tests.states.worlds import CONTROLLER, REFERENCE, git_repository, old_flux, version

BOUND = timedelta(minutes=30)
"""How long it may take to Ready after the last fault."""

COMPONENTS = st.sampled_from(
    [
        ["source-controller"],
        ["source-controller", "notification-controller"],
        ["source-controller", "kustomize-controller"],
    ]
)
SYNCS = st.sampled_from([None, "one", "two"])
ERRORS = st.sampled_from([UnavailableError, ConflictError, ForbiddenError])
VERBS = st.sampled_from(["apply", "patch", "delete", "list", "watch", "get"])
WHEN: st.SearchStrategy[When] = st.sampled_from(["before", "after"])


class Story(RuleBasedStateMachine):
    """One world, and everything that may happen in it."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.world.distributions.push(REFERENCE, _digest(0), starter())
        self.digests = 0
        self.requests = 0
        self.abandoned = False
        self.lasting: Case | None = None
        self.world.controllers.flux.on = True
        self.taken: set[ObjectRef] = set()
        foreign = {"apiVersion": "v1", "kind": "ConfigMap"}
        metadata = {"name": "foreign", "namespace": NAMESPACE}
        self.foreign = self.world.user.create({**foreign, "metadata": metadata})

    # What the user does

    @initialize(old=st.booleans(), artifact=st.booleans(), wait=st.booleans())
    def begin(self, *, old: bool, artifact: bool, wait: bool) -> None:
        """The instance is created, maybe where an old Flux has been."""
        note(f"an instance is created (old Flux: {old}, artifact: {artifact}, wait: {wait})")
        if old:
            old_flux(self.world)
        source = {"artifact": REFERENCE} if artifact else {}
        self.world.create(distribution=version("2.x", **source), wait=wait)

    @precondition(lambda self: self.world.read() is None)
    @rule()
    def create_again(self) -> None:
        """A new incarnation."""
        note("the instance is created again")
        self.world.create()

    @precondition(lambda self: self.alive)
    @rule(components=COMPONENTS, policies=st.booleans(), wanted=st.sampled_from(["2.x", "9.x"]))
    def edit(self, components: list[str], *, policies: bool, wanted: str) -> None:
        """Another spec; the version may not exist."""
        note(f"the spec asks for {wanted} with {components}, policies: {policies}")
        self.world.edit(
            components=components,
            cluster={"networkPolicy": policies},
            distribution={"version": wanted},
        )

    @precondition(lambda self: self.alive)
    @rule(name=SYNCS, stale=st.booleans())
    def sync(self, name: str | None, *, stale: bool) -> None:
        """A sync is asked for, renamed or dropped; its controller may prune by an old copy."""
        note(f"the sync is {name}, stale copies: {stale}")
        sync = {"kind": "GitRepository", "url": "https://example.com", "path": "a", "ref": "main"}
        self.world.controllers.flux.stale = stale
        self.world.edit(
            components=["source-controller", "kustomize-controller"],
            sync={**sync, "name": name} if name else None,
        )

    @precondition(lambda self: self.alive)
    @rule(forced=st.booleans())
    def request(self, *, forced: bool) -> None:
        """A reconciliation is asked for."""
        self.requests += 1
        note(f"reconciliation {self.requests} is requested, forced: {forced}")
        token = str(self.requests)
        force = {names.FORCE_AT: token} if forced else {}
        self.world.annotate({names.REQUESTED_AT: token, **force})

    @precondition(lambda self: self.alive)
    @rule(on=st.booleans())
    def switch(self, *, on: bool) -> None:
        """The instance is suspended or resumed."""
        note("the instance is resumed" if on else "the instance is suspended")
        self.world.annotate({names.RECONCILE: "enabled" if on else names.DISABLED})

    @precondition(lambda self: self.alive)
    @rule(sure=st.sampled_from([False, False, True]))
    def delete(self, *, sure: bool) -> None:
        """The instance is deleted; suspended ones leave everything behind."""
        if not sure:
            return
        note("the instance is deleted")
        self.world.delete()

    # What the world does

    @rule(seconds=st.sampled_from([0, 1, 10, 60, 700]))
    def pass_time(self, seconds: int) -> None:
        """Time passes, and the operator works."""
        note(f"{seconds} s pass")
        world = self.world
        delay = self.work(timedelta(seconds=seconds))
        if delay is None and world.process.state is not None and not world.process.disconnected:
            assert world.process.state is State.SUSPENDED, (
                f"nothing will ever happen in {world.process.state}"
            )

    @rule(turns=st.integers(1, 4))
    def take_turns(self, turns: int) -> None:
        """The operator takes some steps, and no time passes."""
        note(f"the operator takes {turns} steps")
        for _ in range(turns):
            self.work(timedelta(0), until_turn=True)

    @rule(version_=st.sampled_from(["v2.7.5", "v2.8.8"]))
    def publish(self, version_: str) -> None:
        """Another artifact appears; it may be one that cannot be installed."""
        self.digests += 1
        note(f"the artifact is replaced by one with {version_}")
        self.world.distributions.push(REFERENCE, _digest(self.digests), only(version_))

    @rule(up=st.booleans(), slow=st.integers(0, 3))
    def move_registry(self, *, up: bool, slow: int) -> None:
        """The registry comes, goes, or gets slow."""
        note(f"the registry is {'up' if up else 'down'}, slow: {slow}")
        self.world.distributions.down = None if up else ArtifactError("no route to host")
        self.world.distributions.slow = slow

    @rule(healthy=st.booleans())
    def move_pods(self, *, healthy: bool) -> None:
        """Controllers come up, or do not."""
        note(f"pods of new Deployments {'start' if healthy else 'do not start'}")
        self.world.controllers.healthy = lambda _: healthy

    @rule(replicas=st.integers(2, 4))
    def meddle(self, replicas: int) -> None:
        """Somebody changes a field of ours."""
        note(f"somebody scales {CONTROLLER} to {replicas}")
        if str(CONTROLLER) in self.world.managed():
            self.world.cluster.as_manager("hpa").patch(CONTROLLER, {"spec": {"replicas": replicas}})

    @rule(pick=st.integers(0, 30))
    def take_away(self, pick: int) -> None:
        """Somebody deletes an object of ours."""
        ours = sorted(
            (
                item
                for item in self.world.cluster.store.everything()
                if ownership.is_owned(item, names.SINGLETON, NAMESPACE)
                and item["kind"] != "Namespace"
            ),
            key=lambda item: str(ObjectRef.of(item)),
        )
        if pick < len(ours):
            note(f"somebody deletes {ObjectRef.of(ours[pick])}")
            self.world.user.delete(ObjectRef.of(ours[pick]))
            if is_deploying(ours[pick]):
                self.taken |= self.world.controllers.flux.deployed  # pruned, and asked for

    @rule(name=st.sampled_from(["a", "b"]), held=st.booleans())
    def deploy(self, name: str, *, held: bool) -> None:
        """The user has custom resources, which controllers hold by a finalizer."""
        finalizers = ["finalizers.fluxcd.io"] if held else []
        (answer,) = self.world.user.apply_all([git_repository(name, finalizers=finalizers)])
        note(f"GitRepository {name} is applied, held: {held}: {type(answer).__name__}")

    # What goes wrong

    @rule(verb=VERBS, error=ERRORS, when=WHEN, skip=st.integers(0, 8), times=st.integers(1, 3))
    def fail(self, verb: str, error: type[Exception], when: When, skip: int, times: int) -> None:
        """Some requests of one kind fail."""
        note(f"after {skip}, {times} requests to {verb} fail {when} with {error.__name__}")
        fault = Fault(
            error=error(f"{verb}: injected"),
            matches=lambda request: request.verb == verb,
            when=when,
            skip=skip,
            times=times,
        )
        self.world.cluster.gate.faults.append(fault)

    @precondition(lambda self: self.lasting is None)
    @rule(case=st.sampled_from(CASES), sure=st.sampled_from([False, False, True]))
    def refuse_for_good(self, case: Case, *, sure: bool) -> None:
        """One call is refused from now on, until the end."""
        if not sure:
            return
        note(f"{case}")
        self.lasting = case
        self.world.cluster.gate.faults.append(case.fault())

    @rule(skip=st.integers(0, 30), when=WHEN)
    def crash_later(self, skip: int, when: When) -> None:
        """The process is killed at a write to come."""
        note(f"the process is going to be killed {when} write {skip}")
        fault = Fault(error=Crash(), matches=lambda request: request.mutates, when=when, skip=skip)
        self.world.cluster.gate.faults.append(fault)

    @rule()
    def crash(self) -> None:
        """The process is killed where it stands."""
        note("the process is killed and started again")
        self.world.boot()

    @precondition(lambda self: self.alive)
    @rule()
    def lose_status(self) -> None:
        """The status is lost, but for the list of what was installed."""
        note("the status is lost")
        lost: dict[str, Any] = {key: None for key in self.world.status if key != "inventory"}
        self.world.user.patch(INSTANCE, {"status": lost}, subresource="status")

    @rule(disconnected=st.booleans())
    def delay_events(self, *, disconnected: bool) -> None:
        """News of watches are held back, or come at last."""
        note("watches deliver nothing" if disconnected else "watches deliver again")
        self.world.process.disconnected = disconnected

    @rule(stutters=st.booleans())
    def repeat_events(self, *, stutters: bool) -> None:
        """Watches tell everything twice, and old news again."""
        note(f"watches repeat themselves: {stutters}")
        self.world.cluster.stutters = stutters

    @rule(count=st.integers(1, 20))
    def swallow_events(self, count: int) -> None:
        """Some of the news to come are lost on their way, and no watch can tell."""
        note(f"the next {count} events are lost")
        self.world.cluster.swallows = count

    @rule()
    def forget_history(self) -> None:
        """The API server forgets the past, so watches have to start over."""
        note("the API server forgets its history")
        self.world.cluster.store.compact()

    # What must hold

    @invariant()
    def a_step_is_taken(self) -> None:
        """After each event the operator takes one step, so that events fall between any two."""
        self.work(timedelta(0), until_turn=True)

    @invariant()
    def nobody_else_is_touched(self) -> None:
        """Objects of others are as they were."""
        assert self.world.user.get(ObjectRef.of(self.foreign)) == self.foreign

    @invariant()
    def what_was_deployed_stays(self) -> None:
        """Nothing that the operator does makes Flux prune what it has deployed."""
        kept = self.world.controllers.flux.deployed - self.taken
        assert all(self.world.cluster.store.get(ref.identity) for ref in kept)

    @invariant()
    def nothing_is_lost(self) -> None:
        """Every object of ours is listed, and every custom resource can be read."""
        assert unreadable(self.world) == []
        if not self.abandoned:
            assert orphans(self.world) == []

    def teardown(self) -> None:
        """The faults stop, but for one that never does; then the laws of liveness hold."""
        note("the faults stop")
        self.clear()
        if self.lasting is not None and self.alive:
            note(f"but {self.lasting}")
            self.world.activity.hours.clear()  # what people did counts as well
            assert [broken.text for broken in broken_laws(self.lasting, self.world)] == []
        else:
            self.recover()

    def recover(self) -> None:
        """Ready in the end, then rest; and a deletion ends."""
        self.work(BOUND)
        if self.world.read() is not None:
            note(f"in {self.world.process.state}: {self.world.message}")
            assert self.world.at(State.READY)
            self.rest()
            self.world.delete()
            self.work(timedelta(minutes=6))
        assert self.world.read() is None, "the deletion has not ended"

    def rest(self) -> None:
        """Nothing is written for as long as nothing happens."""
        before = len(self.world.cluster.gate.mutations())
        self.work(BOUND)
        written = self.world.cluster.gate.mutations()[before:]
        assert not written, f"written at rest: {', '.join(map(str, written))}"
        self.nothing_is_lost()

    def clear(self) -> None:
        """Nothing goes wrong any more, and the spec asks for what there is."""
        world = self.world
        world.cluster.gate.clear()
        world.cluster.stutters, world.cluster.swallows = False, 0
        world.clock.advance(timedelta(seconds=RESYNC_SECONDS))  # what was lost is made good by then
        world.process.disconnected = False
        world.distributions.down, world.distributions.slow = None, 0
        world.distributions.push(REFERENCE, _digest(10_000), starter())
        world.controllers.healthy = lambda _: True
        if self.alive:
            world.edit(
                distribution={"version": "2.x"}, sync=None
            )  # some edits leave no place for it
            world.annotate({names.RECONCILE: "enabled", names.REQUESTED_AT: "the end"})

    @property
    def alive(self) -> bool:
        """Whether there is an instance that is not being deleted."""
        found = self.world.read()
        return found is not None and "deletionTimestamp" not in found["metadata"]

    def work(self, within: timedelta, *, until_turn: bool = False) -> timedelta | None:
        """Let the operator work; a process that is killed is started again."""
        for _ in range(40):
            try:
                delay = self.world.settle(within, until=lambda: until_turn)
            except Crash:
                note("the process is killed and started again")
                self.world.boot()
            else:
                self.note_abandoned()
                return delay
        raise AssertionError("the process is killed again and again")

    def note_abandoned(self) -> None:
        """Whether an instance went without its objects, which is reported or was wanted."""
        gone = self.world.read() is None
        self.abandoned |= gone and bool(self.world.managed() - {f"Namespace/{NAMESPACE}"})


def is_deploying(item: Manifest) -> bool:
    """Whether the deletion of an object makes Flux prune, or that of the kind of such an object."""
    return item["kind"] in {"Kustomization", "CustomResourceDefinition"}


def _digest(number: int) -> str:
    return f"sha256:{number:064d}"


TestStory = Story.TestCase
TestStory.settings = settings(max_examples=max(10, settings().max_examples // 4))
