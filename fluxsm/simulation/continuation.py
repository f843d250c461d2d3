# SPDX-License-Identifier: Apache-2.0
"""Continue tokens: where the next page of a list begins, and of which moment."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from typing import Any

from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.errors import InvalidError


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Where a page begins.

    Attributes:
        revision: of the store when the first page was read.
        after: namespace and name of the last object of the page before.
    """

    revision: int
    after: tuple[str, str] = ("", "")

    @classmethod
    def of(cls, token: str, kind: Kind) -> Start:
        """What a token stands for.

        Raises:
            InvalidError: the API server has made no such token.
        """
        try:
            data: Any = json.loads(base64.urlsafe_b64decode(token))
            return cls(revision=int(data["rv"]), after=(str(data["namespace"]), str(data["name"])))
        except (ValueError, KeyError, TypeError):
            message = f"listing {kind} (BadRequest): continue key is not valid"
            raise InvalidError(message) from None

    def next(self, last: Manifest) -> Start:
        """Where the page after the one that ends with an object begins."""
        ref = ObjectRef.of(last)
        return replace(self, after=(ref.namespace, ref.name))

    @property
    def token(self) -> str:
        """The token."""
        namespace, name = self.after
        data = {"rv": self.revision, "namespace": namespace, "name": name}
        return base64.urlsafe_b64encode(json.dumps(data).encode()).decode()
