# SPDX-License-Identifier: Apache-2.0
"""Where distributions come from in a simulation: the starter one, or some of its versions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache

from fluxsm.adapters.folder import Folder, starter_folder
from fluxsm.api.objects import Manifest
from fluxsm.build.distribution import Distribution
from fluxsm.build.version import supported_minors
from fluxsm.core.ports import Fetched
from fluxsm.errors import UsageError
from fluxsm.simulation.faults import Faults


@cache
def _offering(versions: frozenset[str]) -> Distribution:
    """The starter distribution with some of its versions; parsed once for all worlds."""
    files = Folder(starter_folder())
    kept = {path: files[path] for path in files if path.split("/")[1] in versions}
    return Distribution(kept, source="simulated")


@cache
def _known() -> frozenset[str]:
    return frozenset(path.split("/")[1] for path in Folder(starter_folder()))


class Registry:
    """Implements `fluxsm.core.ports.Distributions`; every artifact holds what is on offer.

    Attributes:
        minors: the minors that the operator knows.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._offered = _offering(_known())
        self._release = 1
        self.minors = supported_minors(self._offered.versions())

    def offer(self, versions: Collection[str]) -> None:
        """Have only these versions from now on, in a new artifact and in the own folder.

        Raises:
            UsageError: the starter distribution lacks one of them.
        """
        unknown = sorted(set(versions) - _known())
        if unknown:
            raise UsageError(
                f"version {unknown[0]} is not simulated; there are {', '.join(sorted(_known()))}"
            )
        self._offered = _offering(frozenset(versions))
        self._release += 1

    def bundled(self) -> Distribution:
        """The operator's own distribution."""
        return self._offered

    def fetch(self, reference: str, pull_secret: Manifest | None) -> Fetched | None:  # noqa: ARG002
        """The distribution behind any reference.

        Raises:
            ArtifactError: a fault is set.
        """
        self._faults.inject("fetch")
        return Fetched(distribution=self._offered, digest=self._digest())

    def image_digests(
        self,
        images: Sequence[str],  # noqa: ARG002 part of the port
        pull_secret: Manifest | None,  # noqa: ARG002 the same
    ) -> Mapping[str, str] | None:
        """No image is known here, so none is pinned."""
        return {}

    def digest(self, reference: str, pull_secret: Manifest | None) -> str | None:  # noqa: ARG002
        """Its digest.

        Raises:
            ArtifactError: a fault is set.
        """
        self._faults.inject("digest")
        return self._digest()

    def _digest(self) -> str:
        return f"sha256:{self._release:064x}"
