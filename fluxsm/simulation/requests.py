# SPDX-License-Identifier: Apache-2.0
"""What a server was asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fluxsm.api.objects import Kind, ObjectRef

READS: Final = frozenset({"get", "list", "watch", "version", "discover", "fetch", "digest"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request.

    Attributes:
        verb: `get`, `list`, `watch`, `create`, `update`, `patch`, `apply`, `delete`, ...
        kind: of the object or collection.
        ref: the object, None for a collection.
        subresource: such as `status`.
        dry_run: whether nothing is stored.
    """

    verb: str
    kind: Kind
    ref: ObjectRef | None = None
    subresource: str = ""
    dry_run: bool = False

    @property
    def call(self) -> str:
        """The verb; `status` for any write of a status."""
        return self.subresource or self.verb

    @property
    def mutates(self) -> bool:
        """Whether it may change what is stored."""
        return self.verb not in READS and not self.dry_run

    def __str__(self) -> str:
        """As in messages: `patch FluxInstance/flux-system/flux/status`."""
        tail = f"/{self.subresource}" if self.subresource else ""
        return f"{self.verb} {self.ref or self.kind}{tail}"
