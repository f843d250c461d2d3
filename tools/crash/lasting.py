# SPDX-License-Identifier: Apache-2.0
"""Calls that are refused for good, one after the other: the second law of liveness, for real.

While one is, a suspended instance is at rest and a deleted one is gone within its limit, with a
Warning that names what is left. Once it is not any more, and the user has let go what Flux held,
an instance that is created again gets Ready, and its deletion leaves nothing. For the same in
memory see `fluxsm.simulation.liveness`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

from fluxsm.api import names
from fluxsm.objects import manifest
from fluxsm.simulation.liveness import MOST_REQUESTS
from states.work.releasing import FINALIZER
from tests.integration.instance import RECONCILE, Instance
from tests.integration.operator import POLL_SECONDS, until
from tools.crash.environment import Environment, Verdict
from tools.crash.faults import REFUSED, Fault, Scope, Unit
from tools.crash.invariants import Reference
from tools.crash.lifecycles import UNINSTALL_SECONDS, Lifecycle
from tools.crash.world import owned_refs

SLACK_SECONDS: Final = 20.0
"""What a deletion may take beside its limit: a start, a retry, a busy machine."""
REST_SECONDS: Final = 1.0
REPORT_SECONDS: Final = 5.0
"""How long the last event may take: it is written beside the machine."""

_VITAL: Final = frozenset(
    f"{verb} {names.INSTANCE_PLURAL}" for verb in ("list", "watch", "get", "patch")
)
"""Without these the operator can neither see the deletion nor let the instance go."""
_STATUS: Final = f"patch {names.INSTANCE_PLURAL}/status"
_ASIDE: Final = ("events", "leases", "tokenreviews", "subjectaccessreviews")


def calls(environment: Environment) -> list[str]:
    """What a lifecycle asked for, and may be refused for good, see `Exchange.call`."""
    return sorted(
        call
        for call in environment.proxy.calls
        if call not in _VITAL and not any(part in call for part in _ASIDE)
    )


def try_call(
    environment: Environment, lifecycle: Lifecycle, call: str, reference: Reference
) -> Verdict:
    """Refuse one call from the moment on at which everything is installed.

    Args:
        environment: with a lifecycle that was measured in it.
        lifecycle: install, change, uninstall.
        call: what is refused.
        reference: what the end of the lifecycle looks like without faults.
    """
    fault = Fault(kind=REFUSED, number=0, unit=Unit.CALL, scope=Scope.EVERY, call=call)
    began = time.monotonic()
    findings: list[str] = []
    try:
        _install(environment, lifecycle)
        environment.proxy.arm(fault)
        findings += _rests_while_suspended(environment, lifecycle, shown=call != _STATUS)
        findings += _ends_when_deleted(environment)
        environment.proxy.arm(None)
        findings += _recovers(environment, lifecycle, reference)
    except AssertionError as error:
        findings.append(str(error))
    finally:
        environment.proxy.disarm()
        environment.operator.kill()
    return Verdict(
        lifecycle=lifecycle.name,
        phase="refused",
        fault=fault,
        findings=tuple(findings),
        seconds=time.monotonic() - began,
        points=fault.fired,
    )


def _install(environment: Environment, lifecycle: Lifecycle) -> None:
    install, change = lifecycle.phases[:2]
    _start_again(environment)
    install.before(environment.instance)
    install.begin(environment.instance)
    environment.instance.becomes_ready()
    change.before(environment.instance)


def _start_again(environment: Environment) -> None:
    """A new process asks for everything, also for what the one before had got."""
    environment.operator.kill()
    environment.operator.start()


def _rests_while_suspended(
    environment: Environment, lifecycle: Lifecycle, *, shown: bool
) -> Iterator[str]:
    """Suspended in the middle of a change, the instance is at rest.

    Args:
        environment: where it is installed.
        lifecycle: what is changed.
        shown: whether the operator can say in which state it is.
    """
    instance = environment.instance
    _start_again(environment)
    lifecycle.phases[1].begin(instance)
    if shown:
        _await(environment, lambda: _is_stuck(environment), "first fault, or the end of the change")
    instance.annotate({RECONCILE: "disabled"})
    if shown:
        _await(environment, lambda: _is_suspended(environment), "suspension")
    else:
        time.sleep(3 * REST_SECONDS)  # the annotation is on its way
    before = len(environment.proxy.journal.writes())
    time.sleep(REST_SECONDS)
    for write in environment.proxy.journal.writes()[before:]:
        if names.INSTANCE_PLURAL not in write.path:
            yield f"suspended, and still asks: {write}"
    instance.annotate({RECONCILE: None})


def _is_stuck(environment: Environment) -> bool:
    """Whether the fault is felt, or there is nothing left to do."""
    fired = environment.proxy.fired
    return fired or any(
        item.dest in {"Ready", "Failed"} for item in environment.operator.transitions()
    )


def _is_suspended(environment: Environment) -> bool:
    taken = environment.operator.transitions()
    return bool(taken) and taken[-1].dest == "Suspended"


def _ends_when_deleted(environment: Environment) -> Iterator[str]:
    """Gone within the limit, and everything that is left is named in a Warning."""
    instance = environment.instance
    uid = (instance.read() or {})["metadata"]["uid"]
    instance.delete()
    instance.goes(seconds=UNINSTALL_SECONDS + SLACK_SECONDS)
    left = _left(environment)
    limit = time.monotonic() + REPORT_SECONDS
    while unnamed := [name for name in left if not _is_named(name, instance, uid)]:
        if time.monotonic() > limit:
            yield from (f"left, and named in no Warning: {name}" for name in unnamed)
            break
        time.sleep(POLL_SECONDS)
    asked = len(environment.proxy.journal.exchanges())
    if asked > MOST_REQUESTS:
        yield f"{asked} requests, more than an hour may have ({MOST_REQUESTS})"


def _is_named(name: str, instance: Instance, uid: str) -> bool:
    return any(
        name in event["message"]
        for event in instance.events()
        if event["type"] == "Warning" and event["involvedObject"].get("uid") == uid
    )


def _left(environment: Environment) -> list[str]:
    refs = owned_refs(environment.reader.read())
    return sorted(str(ref) for ref in refs if ref.kind.kind != "Namespace")


def _recovers(
    environment: Environment, lifecycle: Lifecycle, reference: Reference
) -> Iterator[str]:
    """Created again without the fault: Ready, and its deletion leaves what it always leaves."""
    _let_go(environment)
    _install(environment, lifecycle)
    environment.instance.delete()
    environment.instance.goes()
    yield from environment.compare(reference, forgive_failures=True)


def _let_go(environment: Environment) -> None:
    """Take the finalizers of custom resources away that a definition waits for to go.

    Their controller is gone: only a user can do that now, who knows from the Warning.
    """
    cluster = environment.cluster
    for item in environment.reader.read().values():
        metadata = item["metadata"]
        if manifest.is_leaving(item) and FINALIZER in metadata.get("finalizers", ()):
            path = f"{item['kind'].lower()}.{item['apiVersion'].partition('/')[0]}"
            where = ("-n", metadata["namespace"], path, metadata["name"])
            patch = '{"metadata":{"finalizers":null}}'
            cluster.kubectl("patch", *where, "--type=merge", "-p", patch)
    until(lambda: not _ending(environment), "end of what was held", seconds=30)


def _ending(environment: Environment) -> list[str]:
    return [key for key, item in environment.reader.read().items() if manifest.is_leaving(item)]


def _await(environment: Environment, holds: Callable[[], bool], what: str) -> None:
    try:
        until(holds, what, seconds=30)
    except AssertionError as error:
        states = [item.dest for item in environment.operator.transitions()][-5:]
        raise AssertionError(
            f"{error}; the last states were {states}, {environment.operator.problems()[-2:]}"
        ) from None
