# SPDX-License-Identifier: Apache-2.0
"""The lease is written as every Kubernetes controller writes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fluxsm.errors import UsageError
from fluxsm.runtime.lease import LeaderElectionConfig, claim, holder, lasts, micro_time, released

NOW = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
LATER = NOW + timedelta(seconds=5)


def claimed(lease: Any, holder_identity: str, now: datetime = NOW) -> Any:
    """A lease claimed with the usual configuration."""
    return claim(
        lease,
        name="flux-operator",
        namespace="x",
        holder_identity=holder_identity,
        config=LeaderElectionConfig(),
        now=now,
    )


def test_a_first_claim_is_a_whole_lease() -> None:
    """Holder, times and duration are there; nobody held it before."""
    assert claimed(None, "a") == {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "flux-operator", "namespace": "x"},
        "spec": {
            "holderIdentity": "a",
            "leaseDurationSeconds": 35,
            "acquireTime": "2026-01-01T12:00:00.123456Z",
            "renewTime": "2026-01-01T12:00:00.123456Z",
            "leaseTransitions": 0,
        },
    }


def test_a_renewal_changes_only_the_renew_time() -> None:
    """The rest, fields of others included, stays."""
    old = claimed(None, "a")
    old["spec"]["strategy"] = "OldestEmulationVersion"
    new = claimed(old, "a", LATER)
    assert new == {**old, "spec": {**old["spec"], "renewTime": micro_time(LATER)}}


def test_a_takeover_counts_as_a_transition() -> None:
    """The new holder has a time of its own."""
    spec = claimed(claimed(None, "a"), "b", LATER)["spec"]
    assert (spec["holderIdentity"], spec["leaseTransitions"]) == ("b", 1)
    assert spec["acquireTime"] == micro_time(LATER)


def test_a_released_lease_is_nobodys() -> None:
    """Transitions are kept, and others need not wait."""
    lease = released(claimed(claimed(None, "a"), "b"), LATER)
    assert holder(lease) == ""
    assert lasts(lease) == 1
    assert claimed(lease, "c")["spec"]["leaseTransitions"] == 2


@pytest.mark.parametrize("lease", [{}, {"spec": None}, {"spec": {"holderIdentity": None}}])
def test_an_empty_lease_is_nobodys(lease: Any) -> None:
    """A lease that somebody created by hand can be taken."""
    assert holder(lease) == ""
    assert lasts(lease) == 0
    assert claimed(lease, "a")["spec"]["holderIdentity"] == "a"


def test_a_fraction_of_a_second_is_rounded_up() -> None:
    """Others wait rather too long than too short."""
    config = LeaderElectionConfig(
        duration=timedelta(seconds=2.1), deadline=timedelta(seconds=2), retry=timedelta(seconds=1)
    )
    lease = claim(None, name="n", namespace="x", holder_identity="a", config=config, now=NOW)
    assert lasts(lease) == 3


@pytest.mark.parametrize(
    ("duration", "deadline", "retry", "word"),
    [
        pytest.param(30, 30, 5, "below the lease duration", id="no margin"),
        pytest.param(35, 6, 5, "1.2 times", id="one try only"),
        pytest.param(0.9, 0.5, 0.1, "at least 1s", id="less than a lease can say"),
        pytest.param(35, 30, 0, "above zero", id="no pause"),
    ],
)
def test_terms_that_cannot_work_are_refused(
    duration: float, deadline: float, retry: float, word: str
) -> None:
    """The message says which of the three is wrong."""
    with pytest.raises(UsageError, match=word):
        LeaderElectionConfig(
            duration=timedelta(seconds=duration),
            deadline=timedelta(seconds=deadline),
            retry=timedelta(seconds=retry),
        )
