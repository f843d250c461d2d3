# SPDX-License-Identifier: Apache-2.0
"""What patches make of objects that the API server would refuse, and which patch did it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from fluxsm.api.objects import Manifest
from fluxsm.build.resource import Resource
from fluxsm.build.validation.custom import Schemas, check_custom
from fluxsm.build.validation.finding import Path, write_path
from fluxsm.build.validation.objects import check_object
from fluxsm.build.validation.unions import unions


@dataclass(slots=True)
class Problems:
    """What was found after each patch; what a later patch puts right does not count.

    Attributes:
        schemas: those of the CRDs that are built.
        found: the path of the patch and its remedy, by object and by what is wrong.
    """

    schemas: Schemas = field(default_factory=dict)
    found: dict[int, tuple[Resource, dict[str, str]]] = field(default_factory=dict)

    def look(self, item: Resource, before: Manifest, where: str) -> None:
        """Look at an object after a patch.

        Args:
            item: the object, as it is now.
            before: as it was before the patch.
            where: path of the patch.
        """
        now = _problems(item.manifest, before, self.schemas)
        if not now:
            self.found.pop(id(item), None)
            return
        _, known = self.found.get(id(item), (item, {}))
        old = {} if known else _problems(before, before, self.schemas)
        name = f"{where}: {item.kind}/{item.name}"
        lines = {
            key: known.get(key, f"{name}: {text}") for key, text in now.items() if key not in old
        }
        self.found[id(item)] = (item, lines)

    def lines(self, left: Collection[int]) -> tuple[str, ...]:
        """What is wrong in the end: each patch, the object, and what is wrong with it.

        Args:
            left: the ids of the objects that no patch has deleted.
        """
        return tuple(
            line for key, (_, lines) in self.found.items() if key in left for line in lines.values()
        )


def _problems(manifest: Manifest, before: Manifest, schemas: Schemas) -> dict[str, str]:
    """What is wrong, in words, by something that does not depend on the object before."""
    findings = (*check_object(manifest), *check_custom(manifest, schemas))
    found = {str(finding): str(finding) for finding in findings}
    old: dict[Path, tuple[str, ...]] = {item.path: item.members for item in unions(before)}
    for union in unions(manifest):
        if len(union.members) > 1:
            both = f"{write_path(union.path)} has {' and '.join(union.members)}"
            found[both] = (
                f"{both}, of which one is allowed; {_remedy(union.members, old, union.path)}"
            )
    return found


def _remedy(members: tuple[str, ...], old: dict[Path, tuple[str, ...]], path: Path) -> str:
    """How to get rid of the members that were there before, or of all but one."""
    replaced = tuple(_fields(old.get(path, ())))
    chosen = replaced if 0 < len(replaced) < len(members) else tuple(_fields(members))
    nulls = ", ".join(f"`{name}: null`" for name in chosen)
    if chosen == replaced:
        return f"write {nulls} beside it (in JSON 6902: remove it)"
    return f"leave one, or write one of {nulls} beside it"


def _fields(members: tuple[str, ...]) -> Iterator[str]:
    yield from (name for name in members if ":" not in name)
