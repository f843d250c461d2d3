# SPDX-License-Identifier: Apache-2.0
"""One call's talk with one repository: cache first, then a connection with the right login."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from fluxsm.adapters.registry import diagnosis
from fluxsm.adapters.registry.auth import login_for
from fluxsm.adapters.registry.cache import ContentCache, Proofs
from fluxsm.adapters.registry.deadline import Deadline
from fluxsm.adapters.registry.docker_config import DockerConfig, Login
from fluxsm.adapters.registry.oci_manifest import (
    Descriptor,
    Image,
    Index,
    OciManifest,
    parse_manifest,
    select_platform,
)
from fluxsm.adapters.registry.protocol import Repository
from fluxsm.adapters.registry.reference import Reference, host_name, is_digest
from fluxsm.adapters.registry.transport import Transport, Trust
from fluxsm.errors import ArtifactError

Result = TypeVar("Result")

PRIVATE = tuple(
    map(
        ipaddress.ip_network,
        ("127.0.0.0/8", "::1", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
    )
)
"""Networks whose registries may speak plain HTTP without being listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeSettings:
    """What all exchanges of one operator share.

    The fields are those of `OrasRegistry`, and the private hosts that are known to speak TLS: they
    are not asked again.
    """

    cache: ContentCache
    proofs: Proofs
    plain_http_hosts: frozenset[str]
    trust: Trust
    platform: str
    run_helper: Callable[[str, str], Login | None] | None
    environment_proxies: bool
    tls_hosts: set[str] = field(default_factory=set)


class Exchange:
    """One call's talk with one repository. The connection is opened when first needed.

    Attributes:
        reference: what the call is about.
        deadline: when it must be over.
        digests: how the last image was reached: its index, if there is one, then its manifest.
        proofs: signatures that were accepted before.
    """

    def __init__(
        self,
        settings: ExchangeSettings,
        reference: Reference,
        credentials: DockerConfig | None,
        deadline: Deadline,
    ) -> None:
        self.reference = reference
        self.deadline = deadline
        self.digests: tuple[str, ...] = ()
        self.proofs = settings.proofs
        self._settings = settings
        self._credentials = credentials
        self._repository: Repository | None = None

    def run(self, work: Callable[[Exchange], Result]) -> Result:
        """Do the work and close the connections."""
        try:
            return work(self)
        finally:
            if self._repository is not None:
                self._repository.close()

    def manifest(self, selector: str) -> OciManifest:
        """A manifest, from the cache where it is known by its digest."""
        content = self._settings.cache.get(selector) if is_digest(selector) else None
        media_type = ""
        if content is None:
            content, media_type = self.repository().manifest(selector)
            self._settings.cache.put(content)
        return parse_manifest(content, media_type)

    def image(self, selector: str) -> Image:
        """The image manifest for our platform."""
        manifest = self.manifest(selector)
        first = manifest.digest
        if isinstance(manifest, Index):
            manifest = self.manifest(select_platform(manifest, self._settings.platform).digest)
        if isinstance(manifest, Index):
            raise ArtifactError("the index leads to another index")
        self.digests = tuple(dict.fromkeys((first, manifest.digest)))
        return manifest

    def blob(self, descriptor: Descriptor) -> bytes:
        """Content, from the cache where it is there."""
        content = self._settings.cache.get(descriptor.digest)
        if content is None:
            content = self.repository().blob(descriptor)
            self._settings.cache.put(content)
        return content

    def repository(self) -> Repository:
        """The repository, logged in to when it asks for that."""
        if self._repository is None:
            self._repository = self._connect()
        return self._repository

    def _connect(self) -> Repository:
        host, settings = self.reference.host, self._settings
        login = login_for(host, self.reference.repository, self._credentials, settings.run_helper)
        return Repository(
            reference=self.reference,
            login=login,
            source=self._credentials.source if self._credentials is not None else "",
            transport=self._transport(settings.trust, plain=self._speaks_plain()),
            deadline=self.deadline,
        )

    def _transport(self, trust: Trust, *, plain: bool = False) -> Transport:
        proxies = self._settings.environment_proxies
        return Transport(self.deadline, trust, environment_proxies=proxies, plain=plain)

    def _speaks_plain(self) -> bool:
        """Whether the registry is to be spoken to over plain HTTP.

        Public hosts never are unless listed. A private one may be either, so it is asked, and
        only an answer that is not TLS at all leads to plain HTTP: a certificate that is not
        trusted does not.
        """
        host = self.reference.host
        if {host, host_name(host)} & self._settings.plain_http_hosts:
            return True
        if not _is_private(host_name(host)):
            return False
        if host not in self._settings.tls_hosts:
            if self._hangs_up_on_tls(host):
                return True
            self._settings.tls_hosts.add(host)
        return False

    def _hangs_up_on_tls(self, host: str) -> bool:
        url = f"https://{host}/v2/"
        self.deadline.doing = f"HEAD {url}"
        # Nobody is trusted: the greeting is all that matters, and reading authorities takes long.
        transport = self._transport(lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        try:
            transport.request("HEAD", url)
        except diagnosis.FAILURES as error:
            return diagnosis.speaks_no_tls(error)
        finally:
            transport.close()
        return False


Check: TypeAlias = Callable[[Exchange], str]
"""Says who signed the image that was asked for last, or its index; or raises ArtifactError."""


def _is_private(name: str) -> bool:
    """Whether a host is this machine, or an address of a private network."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return any(address in network for network in PRIVATE)
