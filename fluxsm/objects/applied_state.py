# SPDX-License-Identifier: Apache-2.0
"""What was applied and what the API server made of it, so that a quiet pass asks nothing.

A server-side apply is answered with the live object, whose `managedFields` list the fields that
this operator owns. Whoever changes the value of such a field takes it out of that list, and
whoever deletes the object takes the list away. So as long as an object's own entry is the one
that was answered, nothing of ours was touched, and there is no need to apply it again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fluxsm.api import names
from fluxsm.api.objects import Manifest, ObjectRef

ObjectIdentity = tuple[str, str, str, str]
"""The `identity` of an ObjectRef: what stays the same when the served version changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One applied object.

    Attributes:
        wanted: digest of what was applied.
        owned: digest of the fields that the server says we own.
        uid: the incarnation that was applied.
    """

    wanted: str
    owned: str
    uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedState:
    """The records of all applied objects, by identity. Immutable; methods return a new one."""

    records: Mapping[ObjectIdentity, Record] = field(default_factory=dict)

    def with_answer(self, wanted: Manifest, live: Manifest) -> AppliedState:
        """The applied state after an object was applied and answered."""
        identity = ObjectRef.of(wanted).identity
        return AppliedState(records={**self.records, identity: record(wanted, live)})

    def without(self, refs: Iterable[ObjectRef]) -> AppliedState:
        """The applied state after objects were deleted."""
        gone = {ref.identity for ref in refs}
        return AppliedState(
            records={key: value for key, value in self.records.items() if key not in gone}
        )

    def is_up_to_date(self, wanted: Manifest, live: Manifest | None) -> bool:
        """Whether an object needs no apply: same wish, and nobody touched what we own."""
        known = self.records.get(ObjectRef.of(wanted).identity)
        return known is not None and live is not None and known == record(wanted, live)

    def has_drifted(self, wanted: Manifest, live: Manifest | None) -> bool:
        """Whether an object that was applied has been changed or deleted since."""
        known = self.records.get(ObjectRef.of(wanted).identity)
        return known is not None and not self.is_up_to_date(wanted, live)

    def outdated(
        self, wanted: Iterable[Manifest], live: Callable[[ObjectRef], Manifest | None]
    ) -> list[Manifest]:
        """The objects that must be applied, in their order."""
        return [item for item in wanted if not self.is_up_to_date(item, live(ObjectRef.of(item)))]


def record(wanted: Manifest, live: Manifest) -> Record:
    """What to remember of an object."""
    return Record(
        wanted=fingerprint(wanted),
        owned=fingerprint(owned_fields(live)),
        uid=str(live.get("metadata", {}).get("uid", "")),
    )


def owned_fields(live: Manifest) -> Any:
    """The `fieldsV1` of our own apply entry, None where there is none."""
    for entry in live.get("metadata", {}).get("managedFields") or []:
        if (
            entry.get("manager") == names.MANAGER
            and entry.get("operation") == "Apply"
            and not entry.get("subresource")
        ):
            return entry.get("fieldsV1")
    return None


def fingerprint(value: Any) -> str:
    """A digest of JSON-like data that does not depend on the order of keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
