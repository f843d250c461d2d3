# SPDX-License-Identifier: Apache-2.0
"""Two candidates for one lease: never two that may write, and one that does after a failure."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fluxsm.api.objects import ObjectRef
from fluxsm.errors import ConflictError, NotFoundError, UnavailableError
from fluxsm.runtime.election import LEASE, Elector
from fluxsm.runtime.lease import LeaderElectionConfig

REF = ObjectRef(LEASE, "flux-system", "flux-operator")
CONFIG = LeaderElectionConfig()


class Time:
    """A clock that a test moves. Wall-clock time may jump apart from it."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.jump = timedelta(0)

    def now(self) -> datetime:
        """The wall clock."""
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds) + self.jump

    def monotonic(self) -> float:
        """The seconds that the test has let pass."""
        return self.seconds

    def random(self) -> float:
        """No jitter."""
        return 0.0


@dataclass
class Leases:
    """An API server that keeps one lease.

    Attributes:
        fail: raised instead of the next answers.
        lose_answer: whether writes succeed but their answer is lost.
        slow: called in the middle of each write.
    """

    lease: dict[str, Any] | None = None
    version: int = 0
    requests: list[str] = field(default_factory=list)
    fail: Exception | None = None
    lose_answer: bool = False
    slow: Callable[[], None] = lambda: None

    def get(self, _ref: ObjectRef) -> dict[str, Any]:
        """Read the lease."""
        self._count("get")
        if self.lease is None:
            raise NotFoundError("no lease")
        return copy.deepcopy(self.lease)

    def create(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """Create the lease."""
        self._count("create")
        if self.lease is not None:
            raise ConflictError("it exists")
        return self._store(manifest)

    def replace(self, manifest: dict[str, Any], *, subresource: str = "") -> dict[str, Any]:
        """Update the lease, if it is the version that the writer knows."""
        assert not subresource
        self._count("replace")
        if self.lease is None:
            raise NotFoundError("no lease")
        if manifest["metadata"]["resourceVersion"] != self.lease["metadata"]["resourceVersion"]:
            raise ConflictError("it changed")
        return self._store(manifest)

    def touch(self, **spec: Any) -> None:
        """Write the lease as somebody else."""
        assert self.lease is not None
        self._store({**self.lease, "spec": {**self.lease["spec"], **spec}})

    def _count(self, verb: str) -> None:
        self.requests.append(verb)
        if self.fail is not None:
            raise self.fail

    def _store(self, manifest: dict[str, Any]) -> dict[str, Any]:
        self.slow()
        self.version += 1
        self.lease = copy.deepcopy(manifest)
        self.lease["metadata"]["resourceVersion"] = str(self.version)
        if self.lose_answer:
            raise UnavailableError("the answer is lost")
        return copy.deepcopy(self.lease)


class Candidate:
    """An elector and what it has reported."""

    def __init__(
        self,
        leases: Leases,
        time: Time,
        holder_identity: str,
        config: LeaderElectionConfig = CONFIG,
    ) -> None:
        self.reported: list[str] = []
        cluster: Any = leases
        self.elector = Elector(
            cluster,
            time,
            config,
            ref=REF,
            holder_identity=holder_identity,
            on_gained=lambda: self.reported.append("gained"),
            on_lost=self.reported.append,
        )

    @property
    def leads(self) -> bool:
        """Whether a write would go through."""
        try:
            self.elector.check()
        except UnavailableError:
            return False
        return True


@pytest.fixture
def time() -> Time:
    """A clock."""
    return Time()


@pytest.fixture
def leases() -> Leases:
    """An API server without a lease."""
    return Leases()


@pytest.fixture
def first(leases: Leases, time: Time) -> Candidate:
    """A candidate that has become the leader."""
    found = Candidate(leases, time, "first")
    found.elector.turn()
    assert found.reported == ["gained"]
    return found


def test_nobody_leads_before_the_lease_is_held(leases: Leases, time: Time) -> None:
    """Writes are refused from the start."""
    assert not Candidate(leases, time, "first").leads


def test_a_renewal_is_one_request(first: Candidate, leases: Leases, time: Time) -> None:
    """The version is known from the last answer, so nothing is read."""
    leases.requests.clear()
    for _ in range(3):
        time.seconds += first.elector.turn()
    assert leases.requests == ["replace"] * 3
    assert first.leads


def test_the_second_waits_while_the_first_renews(
    first: Candidate, leases: Leases, time: Time
) -> None:
    """For longer than any lease."""
    second = Candidate(leases, time, "second")
    for _ in range(20):
        first.elector.turn()
        time.seconds += second.elector.turn()
    assert (first.leads, second.leads, second.reported) == (True, False, [])


def test_a_disconnected_leader_stops_before_the_second_starts(
    first: Candidate, leases: Leases, time: Time
) -> None:
    """There is no moment with two leaders, whatever the moment."""
    second = Candidate(leases, time, "second")
    for _ in range(100):
        second.elector.turn()
        assert not (first.leads and second.leads)
        time.seconds += 0.5
    assert second.reported == ["gained"]
    assert not first.leads


def test_a_leader_that_slept_too_long_ends(first: Candidate, leases: Leases, time: Time) -> None:
    """It is refused at once by its own clock, and then says that it has lost."""
    second = Candidate(leases, time, "second")
    second.elector.turn()
    time.seconds += 40
    second.elector.turn()
    assert not first.leads
    first.elector.turn()
    assert first.elector.lost == "leadership is lost: it could not be renewed in time"
    assert first.reported == ["gained", first.elector.lost]


def test_the_lease_counts_from_before_the_request(
    first: Candidate, leases: Leases, time: Time
) -> None:
    """An answer that takes long does not make the lease longer."""
    leases.slow = lambda: setattr(time, "seconds", time.seconds + 20)
    first.elector.turn()
    time.seconds += 9.9
    assert first.leads
    time.seconds += 0.2
    assert not first.leads


def test_a_wall_clock_that_jumps_makes_nobody_leader(
    first: Candidate, leases: Leases, time: Time
) -> None:
    """Only the time that passes counts."""
    second = Candidate(leases, time, "second")
    second.elector.turn()
    time.jump = timedelta(days=1)
    second.elector.turn()
    first.elector.turn()
    assert (first.leads, second.leads) == (True, False)


def test_an_outage_shorter_than_the_deadline_is_survived(
    first: Candidate, leases: Leases, time: Time
) -> None:
    """The leader tries again, and in the meantime it still leads."""
    leases.fail = UnavailableError("away")
    for _ in range(5):
        time.seconds += first.elector.turn()
        assert first.leads
    leases.fail = None
    first.elector.turn()
    assert first.leads
    assert first.reported == ["gained"]


def test_an_outage_longer_than_the_deadline_ends_the_leader(
    first: Candidate, leases: Leases, time: Time
) -> None:
    """It is over exactly at the deadline."""
    leases.fail = UnavailableError("away")
    began = time.seconds
    while not first.elector.lost:
        time.seconds += first.elector.turn()
    assert time.seconds - began == CONFIG.deadline.total_seconds()


def test_a_renewal_whose_answer_is_lost_is_no_loss(
    first: Candidate, leases: Leases, time: Time
) -> None:
    """The conflict that follows turns out to be its own doing."""
    leases.lose_answer = True
    time.seconds += first.elector.turn()
    leases.lose_answer = False
    assert first.elector.turn() == 0.0
    first.elector.turn()
    assert first.leads
    assert not first.elector.lost


def test_a_claim_whose_answer_is_lost_is_claimed_again(leases: Leases, time: Time) -> None:
    """It need not wait for its own lease to run out."""
    candidate = Candidate(leases, time, "first")
    leases.lose_answer = True
    candidate.elector.turn()
    leases.lose_answer = False
    candidate.elector.turn()
    assert candidate.leads


def test_a_lease_that_another_took_is_lost(first: Candidate, leases: Leases) -> None:
    """However that came about."""
    leases.touch(holderIdentity="other")
    first.elector.turn()
    assert first.elector.lost == "leadership is lost: other holds it now"
    assert not first.leads


def test_a_lease_that_was_deleted_is_made_again(first: Candidate, leases: Leases) -> None:
    """Somebody tidied up; the leader stays."""
    leases.lease = None
    while first.elector.turn() == 0.0:
        pass
    assert first.leads
    assert leases.lease is not None


def test_a_released_lease_is_taken_at_once(first: Candidate, leases: Leases, time: Time) -> None:
    """A regular end costs no waiting time."""
    second = Candidate(leases, time, "second")
    second.elector.turn()
    first.elector.stop()
    assert not first.leads
    second.elector.turn()
    assert second.leads


def test_a_lease_is_kept_where_that_is_wanted(leases: Leases, time: Time) -> None:
    """Without release the next one waits for the lease to run out."""
    first = Candidate(leases, time, "first", LeaderElectionConfig(release=False))
    first.elector.turn()
    first.elector.stop()
    second = Candidate(leases, time, "second")
    second.elector.turn()
    assert (first.leads, second.leads) == (False, False)


def test_one_who_never_led_releases_nothing(first: Candidate, leases: Leases, time: Time) -> None:
    """The end of a candidate does not touch the lease of the leader."""
    second = Candidate(leases, time, "second")
    second.elector.turn()
    leases.requests.clear()
    second.elector.stop()
    assert leases.requests == []
    assert first.leads


def test_of_two_that_see_a_free_lease_one_is_faster(leases: Leases, time: Time) -> None:
    """The other learns it from the conflict."""
    first, second = Candidate(leases, time, "first"), Candidate(leases, time, "second")
    leases.lease = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "flux-operator", "namespace": "flux-system", "resourceVersion": "0"},
        "spec": {"holderIdentity": ""},
    }
    turn = iter([first.elector.turn])
    original = leases.replace

    def replace(manifest: dict[str, Any], *, subresource: str = "") -> dict[str, Any]:
        for run in turn:
            run()  # the first one writes between the read and the write of the second
        return original(manifest, subresource=subresource)

    leases.replace = replace  # type: ignore[method-assign]
    second.elector.turn()
    assert (first.leads, second.leads) == (True, False)
