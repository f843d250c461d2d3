# SPDX-License-Identifier: Apache-2.0
"""Fields that people add to our objects by hand: which stay, and who has added the others.

What we apply is ours; what somebody changes in it is repaired at once. What people add beside it
stays until the next run, which takes it over and so removes it, whether or not the operator was
restarted before. Some of it is not meant as a change of the object and stays: the moment of a
restart, a suspension, a request to Flux, an opt-out, and whatever a Namespace carries besides.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from fluxsm.api import names
from fluxsm.api.objects import Kind, Manifest
from fluxsm.objects import manifest
from fluxsm.objects.drift import Drift
from fluxsm.objects.manifest import Fields

Keys: TypeAlias = tuple[str, ...]
"""A way from the root of such a tree."""

RESTARTED_AT: Final = "kubectl.kubernetes.io/restartedAt"
FLUX_GROUPS: Final = ".fluxcd.io"
"""How the groups of Flux end."""

_SELF: Final = "."
"""The key that says that a field with sub-fields is itself a member of the set."""

_METADATA: Final = (("f:metadata", "f:annotations"), ("f:metadata", "f:labels"))
_OPT_OUTS: Final[tuple[Keys, ...]] = tuple(
    (*holder, f"f:{key}") for holder in _METADATA for key in (names.PRUNE, names.RECONCILE)
)
_RESTART: Final[Keys] = (
    *("f:spec", "f:template", "f:metadata", "f:annotations"),
    f"f:{RESTARTED_AT}",
)
_ASKED: Final[tuple[Keys, ...]] = (
    ("f:spec", "f:suspend"),
    *(
        ("f:metadata", "f:annotations", f"f:{key}")
        for key in (names.REQUESTED_AT, names.FORCE_AT, names.RESET_AT)
    ),
)


def kept(kind: Kind) -> tuple[Keys, ...]:
    """The fields of a kind that stay with who has set them."""
    if (kind.group, kind.kind) == ("", "Namespace"):
        return _METADATA
    if kind.group.endswith(FLUX_GROUPS):
        return (*_OPT_OUTS, *_ASKED)
    return (*_OPT_OUTS, _RESTART)


def divide(fields: Fields, ways: Sequence[Keys]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the fields outside of some ways, and those at their ends.

    A mapping of which nothing is left but itself goes with what was in it.

    Args:
        fields: of one record of ownership; not changed.
        ways: where the fields are that go into the second set.
    """
    outside: dict[str, Any] = {}
    inside: dict[str, Any] = {}
    for key, below in fields.items():
        tails = [way[1:] for way in ways if way[:1] == (key,)]
        if () in tails:
            inside[key] = below
            continue
        out, within = divide(below, tails) if tails else (below, {})
        if within and not out.keys() - {_SELF}:
            inside[key] = {**out, **within}
            continue
        outside[key] = out
        if within:
            inside[key] = within
    return outside, inside


def added(live: Manifest, taken: Iterable[Mapping[str, Any]]) -> list[Drift]:
    """Return the fields that others have added to what we apply, and that we take over.

    Args:
        live: the object, at least its metadata.
        taken: the records of ownership that become ours.

    Raises:
        MalformedError: the records do not make sense.
    """
    own: Fields = {}
    for entry in manifest.managed_fields_of(live):
        if entry.get("manager") == names.MANAGER and entry.get("operation") == "Apply":
            own = own if entry.get("subresource") else manifest.mapping(entry, "fieldsV1")
    found: dict[str, set[str]] = {}
    for entry in taken:
        manager = manifest.text(entry, "manager")
        for path in _beyond(manifest.mapping(entry, "fieldsV1"), own, ""):
            if manager != names.MANAGER:
                found.setdefault(path, set()).add(manager)
    return [
        Drift(path=path, managers=tuple(sorted(managers)), added=True)
        for path, managers in found.items()
    ]


def _beyond(fields: Fields, own: Fields, path: str) -> Iterator[str]:
    """The paths of the leaves that are not in our own set."""
    for key, below in fields.items():
        if key == _SELF:
            continue
        here = _join(path, key)
        if below.keys() - {_SELF}:
            yield from _beyond(below, own.get(key, {}), here)
        elif key not in own:
            yield here


def _join(path: str, key: str) -> str:
    """A path and one more key, as people write it."""
    kind, _, name = key.partition(":")
    if kind == "f":
        return f"{path}.{name}" if path else name
    value = json.loads(name) if kind in {"k", "v"} else name
    if isinstance(value, Mapping):
        return f"{path}[{','.join(f'{part}={text}' for part, text in value.items())}]"
    return f"{path}[{value}]"
