# SPDX-License-Identifier: Apache-2.0
"""The registry as the rest of fluxsm sees it: pull, ask for a digest, push.

Each call has its own deadline, connections and token, so calls from several threads do not
disturb each other and nothing is left over from an earlier one but the cache.
"""

from __future__ import annotations

import functools
import http.client
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import urllib3

from fluxsm.adapters.registry import diagnosis
from fluxsm.adapters.registry.archive import PackedFiles, unpack
from fluxsm.adapters.registry.cache import ContentCache, Proofs
from fluxsm.adapters.registry.deadline import Deadline, DeadlineExceededError, run_within
from fluxsm.adapters.registry.docker_config import DockerConfig, Login
from fluxsm.adapters.registry.exchange import Check, Exchange, ExchangeSettings
from fluxsm.adapters.registry.oci_manifest import (
    ARTIFACT_CONFIG,
    DEFAULT_PLATFORM,
    INDEXES,
    OCI_MANIFEST,
    Descriptor,
    artifact_manifest,
    digest_of,
    first_layer,
)
from fluxsm.adapters.registry.reference import parse_reference
from fluxsm.adapters.registry.transport import Trust, tls_context
from fluxsm.errors import ArtifactError

PULL_LIMIT: Final = timedelta(seconds=30)
"""How long a whole pull may take."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A distribution artifact.

    Attributes:
        digest: of the image manifest, `sha256:...`.
        files: content by POSIX path, for example `flux/v2.3.0/rbac.yaml`.
        verified: whose signature was checked, None when none was asked for.
    """

    digest: str
    files: Mapping[str, bytes]
    verified: str | None = None


class OrasRegistry:
    """Pulls from OCI registries. Safe to use from several threads.

    Args:
        cache_dir: folder for fetched content, None for no cache.
        plain_http_hosts: registries (`host` or `host:port`) that are spoken to over plain HTTP.
            Loopback and private addresses are tried over HTTPS first, then over plain HTTP.
        ca_file: PEM file of authorities that are trusted beside the system's.
        deadline: how long one call may take.
        clock: seconds that only go forward.
        platform: which manifest of an index is meant, as `os/architecture`.
        run_helper: runs a credential helper (name, registry); None where none may be run.
        environment_proxies: whether HTTPS_PROXY, HTTP_PROXY and NO_PROXY apply.
        verify: says who signed an artifact; None asks for no signature.

    Raises:
        ArtifactError: the authorities cannot be read.
    """

    def __init__(
        self,
        *,
        cache_dir: Path | None,
        plain_http_hosts: Collection[str] = (),
        ca_file: Path | None = None,
        deadline: timedelta = PULL_LIMIT,
        clock: Callable[[], float] = time.monotonic,
        platform: str = DEFAULT_PLATFORM,
        run_helper: Callable[[str, str], Login | None] | None = None,
        environment_proxies: bool = False,
        verify: Check | None = None,
    ) -> None:
        self._settings = ExchangeSettings(
            cache=ContentCache(cache_dir),
            proofs=Proofs(cache_dir),
            plain_http_hosts=frozenset(host.lower() for host in plain_http_hosts),
            trust=_trust(ca_file),
            platform=platform,
            run_helper=run_helper,
            environment_proxies=environment_proxies,
        )
        self._limit = deadline
        self._clock = clock
        self._verify = verify
        self._unpacked: tuple[str, PackedFiles] | None = None

    def pull(self, reference: str, credentials: DockerConfig | None) -> Artifact:
        """Fetch, check and unpack an artifact.

        Args:
            reference: `oci://host/repository[:tag][@digest]`.
            credentials: logins, or None for anonymous.

        Returns:
            The artifact.

        Raises:
            ArtifactError: it could not be fetched, is not what its digest says, or is no
                distribution archive. The message names the artifact, the host, and which setting
                to look at.
        """

        def fetch(exchange: Exchange) -> Artifact:
            image = exchange.image(exchange.reference.selector)
            layer = first_layer(image)
            verified = self._verify(exchange) if self._verify else None
            files = self._files(layer, exchange)
            return Artifact(digest=image.digest, files=files, verified=verified)

        return self._within(reference, credentials, fetch)

    def digest(self, reference: str, credentials: DockerConfig | None) -> str:
        """Ask which digest `pull` would return now, without fetching content.

        Args:
            reference: as for `pull`.
            credentials: logins, or None for anonymous.

        Returns:
            `sha256:...` of the image manifest.

        Raises:
            ArtifactError: the registry does not tell.
        """

        def ask(exchange: Exchange) -> str:
            selector = exchange.reference.selector
            digest, media_type = exchange.repository().head(selector)
            if digest and media_type not in INDEXES:
                return digest
            return exchange.image(digest or selector).digest

        return self._within(reference, credentials, ask)

    def resolve_image_digest(self, reference: str, credentials: DockerConfig | None) -> str:
        """Ask for the digest by which a container image is pinned.

        Args:
            reference: `host/repository:tag`.
            credentials: logins, or None for anonymous.

        Returns:
            `sha256:...` of the index for an image of several platforms, else of its manifest.

        Raises:
            ArtifactError: the registry does not tell.
        """

        def ask(exchange: Exchange) -> str:
            selector = exchange.reference.selector
            digest, _ = exchange.repository().head(selector)
            return digest or digest_of(exchange.repository().manifest(selector)[0])

        return self._within(reference, credentials, ask)

    def push(
        self,
        reference: str,
        credentials: DockerConfig | None,
        layer: bytes,
        annotations: Mapping[str, str],
    ) -> str:
        """Upload an archive as a distribution artifact.

        Args:
            reference: `oci://host/repository:tag`.
            credentials: logins, or None for anonymous.
            layer: gzip-compressed tar.
            annotations: of the manifest.

        Returns:
            The artifact's digest.

        Raises:
            ArtifactError: the reference has a digest, or the registry refuses.
        """

        def upload(exchange: Exchange) -> str:
            tag = exchange.reference.tag
            if tag is None or exchange.reference.digest:
                raise ArtifactError("a push needs a tag, and no digest")
            manifest = artifact_manifest(layer, annotations)
            repository = exchange.repository()
            repository.upload(ARTIFACT_CONFIG)
            repository.upload(layer)
            repository.put_manifest(manifest, OCI_MANIFEST, tag)
            return digest_of(manifest)

        return self._within(reference, credentials, upload)

    def _files(self, layer: Descriptor, exchange: Exchange) -> PackedFiles:
        """The layer's files, unpacked again only when they are others than the last time."""
        last = self._unpacked
        if last is not None and last[0] == layer.digest:
            return last[1]
        content = exchange.blob(layer)
        exchange.deadline.doing = "unpacking the archive"
        files = unpack(content)
        self._unpacked = (layer.digest, files)
        return files

    def _within(
        self,
        reference: str,
        credentials: DockerConfig | None,
        work: Callable[[Exchange], Result],
    ) -> Result:
        """Do the work within the deadline and turn what goes wrong into one kind of error.

        Causes are cut off: their texts may hold addresses with signatures or tokens in them.
        """
        parsed = parse_reference(reference)
        deadline = Deadline(self._limit, self._clock)
        exchange = Exchange(self._settings, parsed, credentials, deadline)
        try:
            return run_within(deadline, lambda: exchange.run(work))
        except ArtifactError as error:
            raise type(error)(f"{parsed}: {error}") from None
        except DeadlineExceededError as error:
            raise ArtifactError(
                f"{parsed}: not finished within {self._limit.total_seconds():g} s; the last "
                f"thing tried was {error}: check that {parsed.host} is reachable and fast enough"
            ) from None
        except diagnosis.FAILURES as error:
            raise ArtifactError(f"{parsed}: {diagnosis.explain(error, parsed.host)}") from None
        except (ValueError, OSError, urllib3.exceptions.HTTPError, http.client.HTTPException) as e:
            raise ArtifactError(
                f"{parsed}: {parsed.host} sends what is no registry answer ({type(e).__name__})"
            ) from None


def _trust(ca_file: Path | None) -> Trust:
    """What servers are trusted, read when it is first needed; a file that is named, at once."""
    trust = functools.cache(partial(tls_context, ca_file))
    if ca_file is not None:
        trust()
    return trust
