# SPDX-License-Identifier: Apache-2.0
"""Scenarios: what happens to an instance, one thing after the other, as a small YAML file.

```yaml
spec: {distribution: {version: 2.x, registry: ghcr.io/fluxcd}}   # the default
annotations: {}
story:
  - expect: Ready
  - fail: {call: apply, says: etcd is away, times: 2}
  - edit: {wait: false}
  - wait: 1m
  - delete
```
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, TypeAlias

from fluxsm.api import duration
from fluxsm.api.instance import InvalidInstanceError, parse_instance
from fluxsm.api.objects import ObjectRef
from fluxsm.build import yaml
from fluxsm.core import conditions
from fluxsm.errors import BuildError, UsageError
from fluxsm.simulation.cluster import merged
from fluxsm.simulation.faults import CALLS, FOREVER, Fault
from fluxsm.simulation.world import World

GONE: Final = "Gone"
"""The state of an instance that does not exist."""

_SPEC: Final = {"distribution": {"version": "2.x", "registry": "ghcr.io/fluxcd"}}


class ExpectationError(Exception):
    """The story did not go as its scenario expects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A story to be played.

    Attributes:
        name: what it is called, for messages.
        about: what it shows.
        spec: of the instance.
        annotations: of the instance.
        story: what happens, as pairs of an action and what it is given.
    """

    name: str
    about: str
    spec: Mapping[str, Any]
    annotations: Mapping[str, str]
    story: tuple[tuple[str, Any], ...]


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
        self.world.apply(self.spec, self.annotations)


def load(text: str, name: str) -> Scenario:
    """Read a scenario.

    Raises:
        UsageError: it is not one; the message says where.
    """
    try:
        documents = yaml.load_mappings(text, name)
    except BuildError as error:
        raise UsageError(str(error)) from None
    if len(documents) != 1:
        raise UsageError(f"{name}: a scenario is one YAML document, not {len(documents)}")
    data = documents[0]
    unknown = sorted(data.keys() - {"about", "spec", "annotations", "story"})
    if unknown:
        raise UsageError(f"{name}: {unknown[0]} is not a part of a scenario")
    spec = data.get("spec") or _SPEC
    try:
        parse_instance({"spec": spec})
    except InvalidInstanceError as error:
        raise UsageError(f"{name}: {error}") from None
    story = data.get("story") or []
    if not isinstance(story, list):
        raise UsageError(f"{name}: story is not a list")
    return Scenario(
        name=name,
        about=str(data.get("about", "")).strip(),
        spec=spec,
        annotations=data.get("annotations") or {},
        story=tuple(_action(item, f"{name}: story[{index}]") for index, item in enumerate(story)),
    )


def _action(item: Any, where: str) -> tuple[str, Any]:
    pairs = list(item.items()) if isinstance(item, Mapping) else [(str(item), None)]
    if len(pairs) != 1 or pairs[0][0] not in ACTIONS:
        raise UsageError(f"{where} is not one of {', '.join(ACTIONS)}")
    name, value = pairs[0]
    return str(name), value


def play(scenario: Scenario, world: World, hear: Callable[[str], None] = lambda _: None) -> None:
    """Play a scenario from the beginning.

    Args:
        scenario: the story.
        world: a fresh world.
        hear: told what is about to happen, before it does.

    Raises:
        ExpectationError: something did not come as expected.
        WorldError: the machine did what it must never do.
        UsageError: an action makes no sense.
    """
    player = Player(world=world, spec=dict(scenario.spec), annotations=dict(scenario.annotations))
    hear("apply the instance")
    player.apply()
    _settle(player, timedelta(0))
    for index, (action, value) in enumerate(scenario.story):
        hear(_heading(action, value))
        try:
            within = ACTIONS[action](player, value)
        except ExpectationError as error:
            raise ExpectationError(f"{scenario.name}: story[{index}]: {error}") from None
        except (TypeError, ValueError, KeyError, AttributeError, UsageError) as error:
            raise UsageError(
                f"{scenario.name}: story[{index}]: {action} {value!r} makes no sense: {error}"
            ) from None
        if action != "expect":
            _settle(player, within or timedelta(0), woken=action != "wait")


def _heading(action: str, value: Any) -> str:
    text = json.dumps(value) if isinstance(value, dict | list) else str(value or "")
    return f"{action} {text}".strip()


def _settle(player: Player, within: timedelta, *, woken: bool = True) -> None:
    world = player.world
    begin = len(world.moments)
    world.cluster.refresh()
    world.settle(within, woken=woken)
    steps = [moment.step for moment in world.moments[begin:] if moment.step]
    player.path += [str(step.row.dest or GONE) for step in steps if step.moved]


# What can happen


def _wait(_: Player, value: Any) -> timedelta:
    return duration.parse(str(value))


def _edit(player: Player, value: Any) -> None:
    spec = merged(player.spec, value)
    try:
        parse_instance({"spec": spec})
    except InvalidInstanceError as error:
        raise UsageError(str(error)) from None
    player.spec = spec
    player.apply()


def _annotate(player: Player, value: Any) -> None:
    player.annotations = merged(player.annotations, value)
    player.apply()


def _delete(player: Player, _: Any) -> None:
    player.world.delete()


def _restart(player: Player, _: Any) -> None:
    player.world.restart()


def _fail(player: Player, value: Any) -> None:
    call = value["call"]
    if call not in CALLS:
        raise UsageError(f"{call} is not one of {', '.join(CALLS)}")
    message = str(value.get("says", f"{call} does not work"))
    player.world.faults.set[call] = Fault(message, int(value.get("times", FOREVER)))


def _clear(player: Player, _: Any) -> None:
    player.world.faults.set.clear()
    player.world.cluster.hanging.clear()


def _hang(player: Player, value: Any) -> None:
    player.world.cluster.hanging |= set(value)


def _offer(player: Player, value: Any) -> None:
    player.world.registry.offer(value)


def _remove(player: Player, value: Any) -> None:
    kind, _, name = str(value).partition("/")
    cluster = player.world.cluster
    found = [
        item
        for item in cluster.objects.values()
        if (item["kind"], item["metadata"]["name"]) == (kind, name)
    ]
    if not found:
        raise UsageError("there is no such object")
    cluster.remove(ObjectRef.of(found[0]))


def _stored(player: Player, value: Any) -> None:
    """CRDs say that objects are still stored in some versions."""
    for item in player.world.cluster.objects.values():
        if item["metadata"]["name"] in value:
            item["status"]["storedVersions"] = list(value[item["metadata"]["name"]])


def _expect(player: Player, value: Any) -> None:
    wanted: Mapping[str, Any] = {"state": value} if isinstance(value, str) else dict(value)
    state = str(player.world.state or GONE)
    if wanted.get("state", state) != state:
        raise ExpectationError(f"in {state}, not in {wanted['state']} (came by {player.path})")
    if wanted.get("path", player.path) != player.path:
        raise ExpectationError(f"came by {player.path}, not by {wanted['path']}")
    player.path = []
    found = ((player.world.current() or {}).get("status") or {}).get("conditions") or []
    for type_, status in (wanted.get("conditions") or {}).items():
        has = (conditions.find(found, type_) or {}).get("status", "absent")
        if has != str(status):
            raise ExpectationError(f"{type_} is {has}, not {status}")
    events = wanted.get("events") or []
    heard = {moment.notice.reason for moment in player.world.moments if moment.notice}
    for reason in events:
        if reason not in heard:
            raise ExpectationError(f"no event {reason}, only {', '.join(sorted(heard))}")


Action: TypeAlias = Callable[[Player, Any], timedelta | None]

ACTIONS: Final[Mapping[str, Action]] = {
    "wait": _wait,
    "edit": _edit,
    "annotate": _annotate,
    "delete": _delete,
    "restart": _restart,
    "fail": _fail,
    "hang": _hang,
    "clear": _clear,
    "offer": _offer,
    "remove": _remove,
    "stored": _stored,
    "expect": _expect,
}
"""What can stand in a story: let time pass; change the spec or annotations; delete the instance;
start a new operator; let calls fail, or Deployments never get ready; clear all of that; offer other
versions; take an object away; say in which versions CRDs have stored objects; expect a state, the
path to it, conditions and events."""
