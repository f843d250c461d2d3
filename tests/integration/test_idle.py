# SPDX-License-Identifier: Apache-2.0
"""A Ready instance costs nothing: no write, whoever else has a say in what is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import pytest

from fluxsm.api import names
from tests.controlplane.cluster import Request
from tests.integration.instance import Instance
from tests.integration.operator import Operator, until
from tests.integration.policies import FILLED_IN, filling_in
from tests.integration.process import MUTATING

pytestmark = pytest.mark.integration

INTERVALS = 3
ROUNDS = 2


@pytest.fixture(params=[False, True], ids=["alone", "with a policy that fills in fields"])
def policy(request: pytest.FixtureRequest, instance: Instance) -> Iterator[bool]:
    """Whether a mutating admission policy is in force."""
    filled = filling_in(instance.cluster, instance.namespace) if request.param else nullcontext()
    with filled:
        yield request.param


def test_nothing_is_written_at_rest(
    instance: Instance, operate: Callable[..., Operator], policy: bool
) -> None:
    """Over some reconcile intervals, each with a run: not even the status, nor any event.

    Nor is the report, which is made all the while and has nothing new to say.
    """
    operator = operate(flags=["--reporting-interval=1s"])
    distribution = {"version": "2.x", "registry": "ghcr.io/fluxcd"}
    instance.create(
        {"distribution": distribution, "components": ["source-controller"]},
        {names.RECONCILE_EVERY: "1s"},
    )
    instance.becomes_ready()
    deployment = instance.deployment("source-controller") or {}
    filled = {key: deployment["spec"].get(key) for key in FILLED_IN}
    assert (filled == FILLED_IN) is policy
    until(lambda: runs(operator) >= 2, "first run after the installation")
    until(lambda: is_reported(instance) or None, "report on the installation")
    before, count = len(instance.cluster.audit("fluxsm")), runs(operator)
    until(lambda: runs(operator) >= count + INTERVALS, "some runs")
    until(lambda: reports(instance, before) >= INTERVALS or None, "some reports")
    sent = instance.cluster.audit("fluxsm")[before:]
    assert [item for item in sent if is_write(item)] == []
    assert not [item for item in operator.transitions() if item.event == "Drifted"]
    assert operator.errors() == []


def test_reading_the_whole_list_again_asks_for_nothing_else(
    instance: Instance, operate: Callable[..., Operator]
) -> None:
    """Watches begin with what exists again and again; nothing else is asked for, let alone done."""
    start = len(instance.cluster.audit("fluxsm"))
    operator = operate(flags=["--watch-resync-interval=2s"])
    distribution = {"version": "2.x", "registry": "ghcr.io/fluxcd"}
    instance.create({"distribution": distribution, "components": ["source-controller"]})
    instance.becomes_ready()
    ready = len(instance.cluster.audit("fluxsm"))
    begin = until(
        lambda: _lists(instance, start, after=ready, at_least=1), "first whole lists after that"
    )
    sent = until(
        lambda: _lists(instance, start, after=len(begin), at_least=ROUNDS), "some whole lists"
    )
    others = [item for item in sent[len(begin) :] if item.resource != "leases"]
    assert {item.verb for item in others} == {"watch"}
    assert {item.code for item in others} == {200}
    assert not [item for item in operator.transitions() if item.event == "Drifted"]
    assert operator.errors() == []


def _lists(instance: Instance, start: int, *, after: int, at_least: int) -> list[Request] | None:
    """All requests, once each kind that is watched was listed so often after the first so many.

    What operators of other tests have watched, before the start, is none of its business.
    """
    sent = instance.cluster.audit("fluxsm")
    watched = {item.resource for item in sent[start:] if item.verb == "watch"}
    lists = Counter(item.resource for item in sent[after:] if "sendInitialEvents" in item.uri)
    return sent if min((lists[kind] for kind in watched), default=0) >= at_least else None


def runs(operator: Operator) -> int:
    """How many runs have ended well."""
    return sum(item.dest == "Ready" for item in operator.transitions())


def is_reported(instance: Instance) -> bool:
    """Whether the report that the instance asked for when it became Ready was made."""
    path = instance.path.replace(names.INSTANCE_PLURAL, names.REPORT_PLURAL)
    status = (instance.get(path) or {}).get("status") or {}
    return "lastHandledReconcileAt" in status


def reports(instance: Instance, since: int) -> int:
    """How many reports were made; each asks for the version of the API server."""
    return sum(item.uri == "/version" for item in instance.cluster.audit("fluxsm")[since:])


def is_write(request: Request) -> bool:
    """Whether a request changes anything but the lease of the leader."""
    return request.verb in MUTATING and request.resource != "leases"
