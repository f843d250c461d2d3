# SPDX-License-Identifier: Apache-2.0
"""A registry in memory, and the starter distribution, parsed once for all tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from fluxsm.adapters.folder import starter_folder
from fluxsm.api.objects import Manifest
from fluxsm.build.distribution import Distribution
from fluxsm.core.ports import Fetched
from fluxsm.errors import ArtifactError, FluxsmError

OLD, MIDDLE, NEW = "v2.6.4", "v2.7.5", "v2.8.8"


@cache
def starter() -> Distribution:
    """The distribution that comes with the package."""
    return Distribution(starter_files(), source="/data")


@cache
def starter_files() -> Mapping[str, bytes]:
    """The files of the starter distribution."""
    root = starter_folder()
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for name in ("flux", "flux-images")
        for path in sorted((root / name).glob("*/*.yaml"))
    }


@cache
def only(*versions: str) -> Distribution:
    """The starter distribution with some of its versions only."""
    files = {path: data for path, data in starter_files().items() if path.split("/")[1] in versions}
    return Distribution(files, source="/data")


class FakeDistributions:
    """Implements `fluxsm.core.ports.Distributions`.

    Attributes:
        own: the bundled distribution, or the error that reading it ends with.
        registry: by reference, digest and distribution of the artifacts.
        cached: by reference with digest, what is known without the registry.
        down: what every call to the registry ends with, None while it works.
        slow: how many calls are answered with "on its way" before each answer.
        calls: what was asked of the registry.
    """

    def __init__(self, own: Distribution | FluxsmError | None = None) -> None:
        self.own: Distribution | FluxsmError = own or starter()
        self.registry: dict[str, Fetched] = {}
        self.cached: dict[str, Fetched] = {}
        self.down: FluxsmError | None = None
        self.slow = 0
        self.calls: list[str] = []
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
        if self.down is not None:
            raise self.down
        if reference not in self.registry:
            raise ArtifactError(f"{reference}: the registry does not have it")
        return self.registry[reference]
