# SPDX-License-Identifier: Apache-2.0
"""Artifacts as distributions.

The operator pulls with the login of a Secret, the command line with the logins of its user. This
is what the rest of fluxsm uses. It loads the HTTP client, so import it when an
artifact is really wanted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from fluxsm.adapters.registry import local
from fluxsm.adapters.registry.client import PULL_LIMIT, Artifact, OrasRegistry
from fluxsm.adapters.registry.docker_config import DockerConfig
from fluxsm.adapters.registry.exchange import Check
from fluxsm.api.objects import Manifest
from fluxsm.build.distribution import Distribution
from fluxsm.core.ports import Fetched
from fluxsm.core.settings import RegistrySettings


class ArtifactSource:
    """Pulls for the operator. Safe to use from several threads."""

    def __init__(self, settings: RegistrySettings, verify: Check | None = None) -> None:
        """Prepare.

        Args:
            settings: how registries are reached.
            verify: says who signed an artifact; None asks for no signature.

        Raises:
            ArtifactError: a file that the settings name cannot be read.
        """
        # No credential helper: a Secret must not choose a program that the operator runs.
        self._registry = OrasRegistry(
            cache_dir=settings.cache,
            plain_http_hosts=settings.plain_http,
            ca_file=settings.ca_file,
            environment_proxies=True,
            verify=verify,
        )

    def pull(self, reference: str, secret: Manifest | None) -> Fetched:
        """Fetch, check and unpack an artifact.

        Args:
            reference: `oci://host/repository[:tag][@digest]`.
            secret: the pull secret, None for an anonymous pull.

        Raises:
            ArtifactError: the artifact cannot be had, or the Secret is no Docker configuration.
        """
        return _fetched(reference, self._registry.pull(reference, _login(secret)))

    def digest(self, reference: str, secret: Manifest | None) -> str:
        """The digest that `pull` would return now; raises as `pull` does."""
        return self._registry.digest(reference, _login(secret))

    def image_digests(self, images: Sequence[str], secret: Manifest | None) -> Mapping[str, str]:
        """The digests by which images are pinned, by reference; raises as `pull` does."""
        login = _login(secret)
        return {image: self._registry.resolve_image_digest(image, login) for image in images}


def open_artifact(reference: str, settings: RegistrySettings) -> Fetched:
    """Pull an artifact with the logins of the local Docker configuration.

    Args:
        reference: `oci://host/repository[:tag][@digest]`.
        settings: how registries are reached.

    Raises:
        ArtifactError: the artifact cannot be had.
    """
    return _fetched(reference, local_registry(settings).pull(reference, local.docker_config()))


def local_registry(settings: RegistrySettings, deadline: timedelta = PULL_LIMIT) -> OrasRegistry:
    """A client for the command line, whose user may have credential helpers.

    Args:
        settings: how registries are reached.
        deadline: how long one call may take.

    Raises:
        ArtifactError: a file that the settings name cannot be read.
    """
    return OrasRegistry(
        cache_dir=settings.cache,
        plain_http_hosts=settings.plain_http,
        ca_file=settings.ca_file,
        environment_proxies=True,
        run_helper=local.run_helper,
        deadline=deadline,
    )


def _login(secret: Manifest | None) -> DockerConfig | None:
    return DockerConfig.from_secret(secret) if secret is not None else None


def _fetched(reference: str, artifact: Artifact) -> Fetched:
    return Fetched(
        distribution=Distribution(artifact.files, source=reference),
        digest=artifact.digest,
        verified=artifact.verified,
    )
