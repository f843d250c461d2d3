# SPDX-License-Identifier: Apache-2.0
"""Plays a scenario in a world."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, TypeAlias

from fluxsm.api import duration, names
from fluxsm.api.instance import InvalidInstanceError, parse_instance
from fluxsm.api.objects import CRD, ObjectRef
from fluxsm.build.version import supported_minors
from fluxsm.core import conditions
from fluxsm.core.step import Behaviour
from fluxsm.errors import ClusterError, UsageError
from fluxsm.simulation.faults import FOREVER, REASONS, missing_permission, refusal
from fluxsm.simulation.patches import merge_patch
from fluxsm.simulation.registry import starter
from fluxsm.simulation.scenario import Scenario
from fluxsm.simulation.world import INSTANCE, World
from states.behaviour import BEHAVIOUR

GONE: Final = "Gone"
"""The state of an instance that does not exist."""

CLUSTER_CALLS: Final = (
    *("get", "list", "watch", "discover", "create", "update", "patch", "apply", "delete"),
    "status",
)
REGISTRY_CALLS: Final = ("fetch", "digest")
CALLS: Final = (*CLUSTER_CALLS, *REGISTRY_CALLS)
"""Calls that can fail: `status` saves a status, `fetch` and `digest` ask the registry."""


class ExpectationError(Exception):
    """The story did not go as its scenario expects."""


def stage(behaviour: Behaviour = BEHAVIOUR) -> World:
    """A world for one scenario: every artifact holds the starter distribution."""
    versions = starter().versions()
    world = World(
        behaviour, supported_minors=supported_minors(versions), notifications_disabled=True
    )
    world.distributions.offer(versions)
    return world


@dataclass(slots=True)
class Player:
    """Plays a scenario in a world.

    Attributes:
        world: where it is played.
        spec: the spec as edited so far.
        annotations: the annotations as edited so far.
        path: the states that were entered since the last expectation.
    """

    world: World
    spec: dict[str, Any]
    annotations: dict[str, Any]
    path: list[str] = field(default_factory=list)

    def apply(self) -> None:
        """Write the instance as it is wanted now."""
        found = self.world.read()
        if found is None:
            self.world.user.create(
                {
                    "apiVersion": names.API_VERSION,
                    "kind": INSTANCE.kind.kind,
                    "metadata": {
                        "name": INSTANCE.name,
                        "namespace": INSTANCE.namespace,
                        "annotations": dict(self.annotations),
                    },
                    "spec": dict(self.spec),
                }
            )
            return
        metadata = {**found["metadata"], "annotations": dict(self.annotations)}
        self.world.user.replace({**found, "metadata": metadata, "spec": dict(self.spec)})


def play(
    scenario: Scenario, world: World, announce: Callable[[str], None] = lambda _: None
) -> None:
    """Play a scenario from the beginning.

    Args:
        scenario: the story.
        world: a fresh world.
        announce: called with what is about to happen, before it does.

    Raises:
        ExpectationError: something did not come as expected.
        WorldError: the machine did what it must never do.
        UsageError: an action makes no sense.
    """
    player = Player(world=world, spec=dict(scenario.spec), annotations=dict(scenario.annotations))
    announce("apply the instance")
    player.apply()
    _settle(player, timedelta(0))
    for index, (action, value) in enumerate(scenario.story):
        announce(_heading(action, value))
        try:
            within = _ACTIONS[action](player, value)
        except ExpectationError as error:
            raise ExpectationError(f"{scenario.name}: story[{index}]: {error}") from None
        except (TypeError, ValueError, KeyError, AttributeError, UsageError, ClusterError) as error:
            raise UsageError(
                f"{scenario.name}: story[{index}]: {action} {value!r} makes no sense: {error}"
            ) from None
        if action != "expect":
            _settle(player, within or timedelta(0))


def _heading(action: str, value: Any) -> str:
    text = json.dumps(value) if isinstance(value, dict | list) else str(value or "")
    return f"{action} {text}".strip()


def _settle(player: Player, within: timedelta) -> None:
    world = player.world
    begin = len(world.moments)
    world.pass_time(within)
    steps = [moment.step for moment in world.moments[begin:] if moment.step]
    player.path += [str(step.row.dest or GONE) for step in steps if step.moved]


# What can happen


def _wait(_: Player, value: Any) -> timedelta:
    return duration.parse(str(value))


def _edit(player: Player, value: Any) -> None:
    spec = merge_patch(player.spec, value)
    try:
        parse_instance({"spec": spec})
    except InvalidInstanceError as error:
        raise UsageError(str(error)) from None
    player.spec = spec
    player.apply()


def _annotate(player: Player, value: Any) -> None:
    player.annotations = merge_patch(player.annotations, value)
    player.apply()


def _delete(player: Player, _: Any) -> None:
    if player.world.read() is not None:
        player.world.delete()


def _restart(player: Player, _: Any) -> None:
    player.world.boot()


def _fail(player: Player, value: Any) -> None:
    call = value["call"]
    if call not in CALLS:
        raise UsageError(f"{call} is not one of {', '.join(CALLS)}")
    asks_registry = call in REGISTRY_CALLS
    name = value.get("error", "ArtifactFailed" if asks_registry else "ServiceUnavailable")
    errors = {reason: error for error, reason in REASONS.items()}
    if name not in errors:
        raise UsageError(f"{name} is not one of {', '.join(errors)}")
    fault = refusal(
        call,
        kinds=value.get("kinds", ()),
        error=errors[name],
        message=str(value.get("says", f"{call} does not work")),
        when="after" if value.get("after") else "before",
        times=int(value["times"]) if "times" in value else FOREVER,
    )
    server = player.world.distributions if asks_registry else player.world.cluster
    server.gate.faults.append(fault)


def _forbid(player: Player, value: Any) -> None:
    verbs, kinds = list(value["verbs"]), list(value["kinds"])
    unknown = sorted(set(verbs) - set(CALLS))
    if unknown:
        raise UsageError(f"{unknown[0]} is not one of {', '.join(CALLS)}")
    player.world.cluster.gate.faults.append(missing_permission(*verbs, kinds=kinds))


def _hang(player: Player, value: Any) -> None:
    player.world.controllers.hanging |= set(value)


def _linger(player: Player, value: Any) -> None:
    player.world.controllers.pods.termination = duration.parse(str(value))


def _clear(player: Player, _: Any) -> None:
    world = player.world
    world.cluster.gate.clear()
    world.distributions.gate.clear()
    world.controllers.hanging.clear()
    world.process.wake()


def _clock(player: Player, value: Any) -> None:
    unknown = sorted(value.keys() - {"operator", "server"})
    if unknown:
        raise UsageError(f"{unknown[0]} is not one of operator, server")
    player.world.clock.shift(duration.parse(str(value.get("operator", "0s"))))
    player.world.server_clock.offset += duration.parse(str(value.get("server", "0s")))


def _offer(player: Player, value: Any) -> None:
    player.world.distributions.offer(value)


def _remove(player: Player, value: Any) -> None:
    kind, _, name = str(value).partition("/")
    found = [
        item
        for item in player.world.cluster.store.everything()
        if (item["kind"], item["metadata"]["name"]) == (kind, name)
    ]
    if not found:
        raise UsageError("there is no such object")
    player.world.user.delete(ObjectRef.of(found[0]))


def _stored(player: Player, value: Any) -> None:
    """CRDs say that objects are still stored in some versions."""
    for name, versions in value.items():
        patch = {"status": {"storedVersions": list(versions)}}
        player.world.user.patch(ObjectRef(CRD, "", name), patch, subresource="status")


def _expect(player: Player, value: Any) -> None:
    wanted: Mapping[str, Any] = {"state": value} if isinstance(value, str) else dict(value)
    state = str(player.world.state or GONE)
    if wanted.get("state", state) != state:
        raise ExpectationError(f"in {state}, not in {wanted['state']} (came by {player.path})")
    if wanted.get("path", player.path) != player.path:
        raise ExpectationError(f"came by {player.path}, not by {wanted['path']}")
    player.path = []
    found = ((player.world.read() or {}).get("status") or {}).get("conditions") or []
    for type_, status in (wanted.get("conditions") or {}).items():
        has = (conditions.find(found, type_) or {}).get("status", "absent")
        if has != str(status):
            raise ExpectationError(f"{type_} is {has}, not {status}")
    events = wanted.get("events") or []
    reasons = {moment.event.reason for moment in player.world.moments if moment.event}
    for reason in events:
        if reason not in reasons:
            raise ExpectationError(f"no event {reason}, only {', '.join(sorted(reasons))}")


Action: TypeAlias = Callable[[Player, Any], timedelta | None]

_ACTIONS: Final[Mapping[str, Action]] = {
    "wait": _wait,
    "edit": _edit,
    "annotate": _annotate,
    "delete": _delete,
    "restart": _restart,
    "fail": _fail,
    "forbid": _forbid,
    "hang": _hang,
    "linger": _linger,
    "clear": _clear,
    "clock": _clock,
    "offer": _offer,
    "remove": _remove,
    "stored": _stored,
    "expect": _expect,
}
