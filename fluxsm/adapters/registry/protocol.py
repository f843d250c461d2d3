# SPDX-License-Identifier: Apache-2.0
"""The registry protocol for one repository, within one deadline.

`oras` knows the addresses. Its requests are not used: they retry for two minutes, have no time-out,
send logins to whatever host an answer names, and check no digest.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urljoin, urlsplit

from oras.container import Container

from fluxsm.adapters.registry import diagnosis
from fluxsm.adapters.registry.archive import LIMITS
from fluxsm.adapters.registry.auth import RegistryAuth
from fluxsm.adapters.registry.deadline import Deadline
from fluxsm.adapters.registry.docker_config import Login
from fluxsm.adapters.registry.oci_manifest import ACCEPTED, Descriptor, digest_of
from fluxsm.adapters.registry.reference import DOCKER_HUB, Reference, is_digest
from fluxsm.adapters.registry.transport import (
    BODY_LIMIT,
    Response,
    TooLargeError,
    Transport,
    with_query,
)
from fluxsm.errors import AbsentArtifactError, ArtifactError

MAX_TRIES: Final = 5
"""Requests for one answer, as long as the deadline allows."""

FIRST_DELAY: Final = 0.25
"""Seconds before the second try; doubled for each further one, with jitter."""

TRANSIENT: Final = frozenset({408, 429, 500, 502, 503, 504})
"""Answers that may be better the next time."""

CHANGED: Final = (200, 201, 202)
"""Answers by which a registry accepts an upload."""

NO_REFERRERS: Final = (400, 404, 405, 406)
"""Answers of a registry that does not know the list of referrers."""


class Repository:
    """One repository of a registry.

    Every method raises `ArtifactError` for what the registry says, and lets errors of the
    connection and of the deadline through, for `diagnosis` to explain.

    Args:
        reference: the repository, and what is wanted of it.
        login: who we are there, or None.
        source: where logins were looked for, for messages.
        transport: how requests are sent.
        deadline: the time that all requests share.
    """

    def __init__(
        self,
        *,
        reference: Reference,
        login: Login | None,
        source: str,
        transport: Transport,
        deadline: Deadline,
    ) -> None:
        self._host = reference.host
        self._transport = transport
        self._deadline = deadline
        self._origin = f"{'http' if transport.plain else 'https'}://{reference.host}"
        self._auth = RegistryAuth(
            host=reference.host,
            plain=transport.plain,
            login=login,
            source=source,
            send=self._send,
        )
        # The library takes a host without a dot for a folder of another registry, so it is given
        # one with a dot, and the host afterwards.
        self._container = Container(f"{DOCKER_HUB}/{reference.repository}")
        self._container.registry = reference.host

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def head(self, selector: str) -> tuple[str, str]:
        """Ask what a tag or digest points to, without fetching it.

        Args:
            selector: tag or digest.

        Returns:
            Digest and media type; both empty where the registry does not answer such requests.
        """
        response = self._manifest_request("HEAD", selector)
        digest = response.headers.get("Docker-Content-Digest", "")
        if response.status != 200 or not is_digest(digest):
            return "", ""
        return digest, response.headers.get("Content-Type", "").partition(";")[0].strip()

    def manifest(self, selector: str) -> tuple[bytes, str]:
        """Fetch a manifest and check that it is the one asked for.

        Args:
            selector: tag or digest.

        Returns:
            Its bytes and media type.

        Raises:
            ArtifactError: refused, absent, or not the content of its digest.
        """
        response = self._manifest_request("GET", selector)
        self._expect(response, f"the manifest of {selector}", (200,))
        content = response.content
        promised = selector if is_digest(selector) else ""
        promised = promised or response.headers.get("Docker-Content-Digest", "")
        if promised and digest_of(content) != promised:
            raise ArtifactError(
                f"{self._host} sent a manifest with digest {digest_of(content)} where "
                f"{promised} was promised"
            )
        return content, response.headers.get("Content-Type", "")

    def find_manifest(self, selector: str) -> bytes | None:
        """Fetch a manifest by its tag; None when there is none.

        Raises:
            ArtifactError: refused.
        """
        response = self._manifest_request("GET", selector)
        return self._found(response, f"the manifest of {selector}", absent=(404,))

    def referrers(self, digest: str) -> bytes | None:
        """The index of what refers to a digest; None where the registry keeps no such list.

        Raises:
            ArtifactError: refused.
        """
        address = f"{self._host}/v2/{self._container.api_prefix}/referrers/{digest}"
        response = self._request("GET", address)
        return self._found(response, f"the referrers of {digest}", absent=NO_REFERRERS)

    def _found(self, response: Response, what: str, *, absent: tuple[int, ...]) -> bytes | None:
        if response.status in absent:
            return None
        self._expect(response, what, (200,))
        return response.content

    def blob(self, descriptor: Descriptor, limit: int = LIMITS.total) -> bytes:
        """Fetch content and check it.

        Args:
            descriptor: its digest and size.
            limit: bytes that are accepted.

        Returns:
            The content.

        Raises:
            ArtifactError: refused, absent, too large, or not the content of its digest.
        """
        if descriptor.size > limit:
            raise ArtifactError(
                f"the layer {descriptor.digest} has {descriptor.size} bytes; {limit} are accepted"
            )
        address = self._container.get_blob_url(descriptor.digest)
        response = self._request("GET", address, limit=descriptor.size)
        if response.status == 404 and descriptor.foreign:
            raise ArtifactError(
                f"the layer {descriptor.digest} is not in {self._host}; its manifest names "
                "addresses elsewhere, which are never followed: push the layer to the registry"
            )
        self._expect(response, f"the layer {descriptor.digest}", (200,))
        content = response.content
        if len(content) != descriptor.size or digest_of(content) != descriptor.digest:
            raise ArtifactError(
                f"{self._host} sent {len(content)} bytes with digest {digest_of(content)} for "
                f"the layer {descriptor.digest} of {descriptor.size} bytes"
            )
        return content

    def has_blob(self, digest: str) -> bool:
        """Whether the repository has this content."""
        return self._request("HEAD", self._container.get_blob_url(digest)).status == 200

    def upload(self, content: bytes) -> None:
        """Put content into the repository, unless it is there.

        Raises:
            ArtifactError: refused.
        """
        digest = digest_of(content)
        if self.has_blob(digest):
            return
        response = self._request("POST", self._container.upload_blob_url())
        self._expect(response, "an upload", CHANGED)
        location = urljoin(response.url, response.headers.get("Location", ""))
        response = self._ask(
            "PUT",
            with_query(location, {"digest": digest}),
            headers={"Content-Type": "application/octet-stream"},
            body=content,
        )
        self._expect(response, f"the upload of {digest}", CHANGED)

    def put_manifest(self, content: bytes, media_type: str, tag: str) -> None:
        """Put a manifest under a tag.

        Raises:
            ArtifactError: refused.
        """
        address = self._container.manifest_url(tag)
        headers = {"Content-Type": media_type}
        response = self._request("PUT", address, headers=headers, body=content)
        self._expect(response, f"the manifest of {tag}", CHANGED)

    def _request(
        self,
        method: str,
        address: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        limit: int = BODY_LIMIT,
    ) -> Response:
        """Send a request to the registry; the address is without a scheme, as `oras` has it."""
        scheme = self._origin.partition(":")[0]
        return self._ask(method, f"{scheme}://{address}", headers=headers, body=body, limit=limit)

    def _ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        limit: int = BODY_LIMIT,
    ) -> Response:
        """Send a request with our login, if the registry asks for it, and with retries.

        The login goes to the registry only: an upload address elsewhere gets none.

        Returns:
            The last answer, whatever its status.
        """
        own = self._is_own(url)
        for _ in range(2):
            sent = dict(headers or {}) | (self._auth.header() if own else {})
            response = self._send(method, url, headers=sent, body=body, limit=limit)
            if response.status != 401 or not own:
                break
            if not self._is_own(response.url):  # a redirect led elsewhere
                break
            self._auth.answer(response.headers.get("WWW-Authenticate", ""))
        return response

    def _is_own(self, url: str) -> bool:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc}" == self._origin

    def _manifest_request(self, method: str, selector: str) -> Response:
        address = self._container.manifest_url(selector)
        return self._request(method, address, headers={"Accept": ", ".join(ACCEPTED)})

    def _send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        limit: int = BODY_LIMIT,
    ) -> Response:
        """Send one request until it is answered for good, within the deadline."""
        shown = diagnosis.without_secrets(url)
        for attempt in range(1, MAX_TRIES + 1):
            self._deadline.doing = f"{method} {shown}" + (f", try {attempt}" if attempt > 1 else "")
            wait = FIRST_DELAY * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311 jitter
            try:
                response = self._transport.request(
                    method, url, headers=headers, body=body, limit=limit
                )
            except TooLargeError as error:
                raise ArtifactError(f"{shown} answers with {error}") from error
            except diagnosis.FAILURES as error:
                if attempt == MAX_TRIES or not diagnosis.is_transient(error):
                    raise
            else:
                if response.status not in TRANSIENT or attempt == MAX_TRIES:
                    return response
                wait = max(wait, _retry_after(response.headers.get("Retry-After", "")))
                if wait > self._deadline.remaining():
                    return response
            self._deadline.pause(wait)
        raise AssertionError  # the last try returned or raised

    def _expect(self, response: Response, what: str, statuses: tuple[int, ...]) -> None:
        if response.status in statuses:
            return
        text = diagnosis.refusal(response, self._host, what, self._auth.advice())
        raise (AbsentArtifactError if response.status == 404 else ArtifactError)(text)


def _retry_after(value: str) -> float:
    """Seconds that a registry asks to wait: a number or a date; 0 where it does not say."""
    if value.strip().isdecimal():
        return float(value)
    try:
        return (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError):
        return 0.0
