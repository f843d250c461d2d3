# SPDX-License-Identifier: Apache-2.0
"""The FluxInstance as it was read, each part parsed when it is asked for.

Metadata can always be read, so a deletion and a suspension are never missed. A spec that another
CRD has admitted may not be readable: whoever asks for it gets a BuildError, which the table
answers like any other. A status that makes no sense counts as lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from fluxsm.api.instance import (
    FluxInstance,
    InvalidInstanceError,
    Metadata,
    Spec,
    parse_instance,
    parse_metadata,
    parse_status,
)
from fluxsm.api.objects import Manifest
from fluxsm.api.status import Condition, Status
from fluxsm.errors import BuildError


@dataclass(frozen=True)
class Instance:
    """One version of the instance.

    Attributes:
        manifest: as the API server returned it.
    """

    manifest: Manifest

    @cached_property
    def metadata(self) -> Metadata:
        """Names, generation, annotations, finalizers, deletion."""
        return parse_metadata(self.manifest)

    @cached_property
    def status(self) -> Status:
        """The saved status, empty where it is missing or makes no sense."""
        return parse_status(self.manifest)

    @property
    def saved(self) -> Manifest:
        """The saved status as it was read."""
        return self.manifest.get("status") or {}

    @property
    def spec(self) -> Spec:
        """What is wanted.

        Raises:
            BuildError: it cannot be read; the message names the field.
        """
        return self.parsed.spec

    @property
    def parsed(self) -> FluxInstance:
        """The whole instance.

        Raises:
            BuildError: it cannot be read; the message names the field.
        """
        found = self._parsed
        if isinstance(found, InvalidInstanceError):
            raise BuildError(str(found))
        return found

    @cached_property
    def _parsed(self) -> FluxInstance | InvalidInstanceError:
        try:
            return parse_instance({**self.manifest, "status": {}})
        except InvalidInstanceError as error:
            return error

    @property
    def is_deleted(self) -> bool:
        """Whether somebody has asked for its deletion."""
        return bool(self.metadata.deletion_timestamp)

    def condition(self, type_: str) -> Condition | None:
        """The saved condition of a type, None when there is none."""
        found = (item for item in self.status.conditions or () if item.type == type_)
        return next(found, None)
