# SPDX-License-Identifier: Apache-2.0
"""A registry in memory, and the starter distribution, parsed once for all worlds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Final

from fluxsm.adapters.folder import Folder, starter_folder
from fluxsm.api.objects import Kind, Manifest
from fluxsm.build.distribution import STARTER_FILE, Distribution
from fluxsm.core.ports import Fetched
from fluxsm.errors import ArtifactError, FluxsmError, UsageError
from fluxsm.simulation.gate import Gate
from fluxsm.simulation.requests import Request

OLD, MIDDLE, NEW = "v2.6.4", "v2.7.5", "v2.8.8"

ARTIFACT: Final = Kind("", "v1", "Artifact")
"""What a registry is asked for, as the kind of a request."""


@cache
def starter() -> Distribution:
    """The distribution that comes with the package."""
    return Distribution(starter_files(), source="/data")


@cache
def starter_files() -> Mapping[str, bytes]:
    """The files of the starter distribution, without its mark: here it plays a real one."""
    files = Folder(starter_folder())
    return {path: files[path] for path in files if path != STARTER_FILE}


@cache
def only(*versions: str) -> Distribution:
    """The starter distribution with some of its versions only."""
    files = {path: data for path, data in starter_files().items() if path.split("/")[1] in versions}
    return Distribution(files, source="/data")


class Registry:
    """Implements `fluxsm.core.ports.Distributions`.

    Attributes:
        own: the bundled distribution, or the error that reading it ends with.
        registry: by reference, digest and distribution of the artifacts.
        offered: what every other reference stands for, None where there are no others.
        cached: by reference with digest, what is known without the registry.
        down: what every call to the registry ends with, None while it works.
        slow: how many calls are answered with "on its way" before each answer.
        calls: what was asked of the registry.
        gate: injects faults into the calls `fetch`, `digest` and `image`.
    """

    def __init__(self, own: Distribution | FluxsmError | None = None) -> None:
        self.own: Distribution | FluxsmError = own or starter()
        self.registry: dict[str, Fetched] = {}
        self.offered: Fetched | None = None
        self.cached: dict[str, Fetched] = {}
        self.down: FluxsmError | None = None
        self.slow = 0
        self.calls: list[str] = []
        self.gate = Gate()
        self._releases = 0
        self._pending: dict[str, int] = {}

    def bundled(self) -> Distribution:
        """The distribution on the operator's own disk."""
        if isinstance(self.own, FluxsmError):
            raise self.own
        return self.own

    def push(
        self,
        reference: str,
        digest: str,
        distribution: Distribution,
        *,
        verified: str | None = None,
    ) -> None:
        """Put an artifact into the registry, with whose signature is found when it is fetched."""
        self.registry[reference] = Fetched(
            distribution=distribution, digest=digest, verified=verified
        )

    def offer(self, versions: Collection[str]) -> None:
        """Have only these versions from now on, in a new artifact and in the own folder.

        Raises:
            UsageError: the starter distribution lacks one of them.
        """
        known = set(starter().versions())
        unknown = sorted(set(versions) - known)
        if unknown:
            raise UsageError(
                f"version {unknown[0]} is not simulated; there are {', '.join(sorted(known))}"
            )
        self._releases += 1
        self.own = only(*sorted(versions))
        self.offered = Fetched(distribution=self.own, digest=f"sha256:{self._releases:064x}")

    def fetch(self, reference: str, pull_secret: Manifest | None) -> Fetched | None:
        """The distribution behind a reference, or None while it is on its way."""
        del pull_secret
        return self._answer("fetch", reference)

    def digest(self, reference: str, pull_secret: Manifest | None) -> str | None:
        """The digest behind a reference, or None while the answer is on its way."""
        del pull_secret
        found = self._answer("digest", reference)
        return None if found is None else found.digest

    def image_digests(
        self, images: Sequence[str], pull_secret: Manifest | None
    ) -> Mapping[str, str] | None:
        """The digests of images, by reference, or None while the answer is on its way."""
        del pull_secret
        found = [self._answer("image", image) for image in images]
        if any(item is None for item in found):
            return None
        return {image: item.digest for image, item in zip(images, found, strict=True) if item}

    def _answer(self, verb: str, reference: str) -> Fetched | None:
        waited = self._pending.get(verb, 0)
        if waited < self.slow:
            self._pending[verb] = waited + 1
            return None
        self._pending[verb] = 0
        self.calls.append(f"{verb} {reference}")
        if reference in self.cached:
            return self.cached[reference]
        with self.gate.passing(Request(verb=verb, kind=ARTIFACT)):
            if self.down is not None:
                raise self.down
            found = self.registry.get(reference, self.offered)
        if found is None:
            raise ArtifactError(f"{reference}: the registry does not have it")
        return found
