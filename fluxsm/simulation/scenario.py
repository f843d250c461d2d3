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

To read one loads nothing of the world in which it can be played.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fluxsm.api.instance import InvalidInstanceError, parse_instance
from fluxsm.build import yaml
from fluxsm.errors import BuildError, UsageError

ACTIONS: Final = (
    "wait",
    "edit",
    "annotate",
    "delete",
    "restart",
    "fail",
    "forbid",
    "hang",
    "linger",
    "clear",
    "clock",
    "offer",
    "remove",
    "stored",
    "expect",
)
"""What can stand in a story: let time pass; change the spec or annotations; delete the instance;
start a new operator; let calls fail, or forbid them, or Deployments never get ready, or their pods
live on; clear all of that; set clocks; offer other versions; take an object away; say in which
versions CRDs have stored objects; expect a state, the path to it, conditions and events."""

_SPEC: Final = {"distribution": {"version": "2.x", "registry": "ghcr.io/fluxcd"}}


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
