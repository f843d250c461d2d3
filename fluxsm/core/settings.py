# SPDX-License-Identifier: Apache-2.0
"""What the flags of the operator say, as far as the machine needs it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from fluxsm.api import names


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of one operator process.

    Attributes:
        namespace: the only namespace whose instance is reconciled.
        jitter: share of the reconcile interval that chance may add or take, 0 to 0.99.
        min_retry: delay before the first retry; doubled after each further failure.
        max_retry: the longest delay between retries.
        override_managers: further field managers whose fields are taken over.
        supported_minors: `major.minor` texts that may be installed; empty means those of the
            bundled distribution.
        resolve_digests: ask the registry for image digests that the distribution does not list.
        notification_address: where notified events are sent; empty means that it is derived.
        notifications_disabled: send no notification at all.
        stage_timeout: how long one wait for the API server may take, such as that for a stage of
            objects to become current.
        uninstall_timeout: how long the whole uninstallation may take.
        reporting_interval: how often the report is made; zero or less means that there is none.
    """

    namespace: str = names.DEFAULT_NAMESPACE
    jitter: float = 0.05
    min_retry: timedelta = timedelta(milliseconds=750)
    max_retry: timedelta = timedelta(minutes=15)
    override_managers: tuple[str, ...] = ()
    supported_minors: frozenset[str] = frozenset()
    resolve_digests: bool = False
    notification_address: str = ""
    notifications_disabled: bool = False
    stage_timeout: timedelta = timedelta(seconds=60)
    uninstall_timeout: timedelta = timedelta(minutes=5)
    reporting_interval: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyPolicy:
    """Whose signature an artifact must have: that of a key, or that of an identity.

    Attributes:
        key: PEM file of a public key; None for an identity.
        identity: e-mail address or URI in the certificate, exactly.
        issuer: the OpenID Connect issuer that vouched for it.
        trusted_root: JSON file of Sigstore's roots of trust.
    """

    key: Path | None = None
    identity: str = ""
    issuer: str = ""
    trusted_root: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySettings:
    """How registries are reached.

    Attributes:
        ca_file: PEM file of authorities that are trusted besides the public ones.
        plain_http: registries (`host` or `host:port`) that are spoken to without TLS.
        cache: folder where fetched content is kept; None keeps nothing.
        verify: whose signature artifacts must have; None asks for none.
    """

    ca_file: Path | None = None
    plain_http: frozenset[str] = frozenset()
    cache: Path | None = None
    verify: VerifyPolicy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFiles:
    """A certificate with its chain and its key, PEM files that may be renewed at any time."""

    chain: Path
    key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """Where and to whom the page is served.

    Attributes:
        address: such as `:9080`; empty means nowhere.
        certificate: for TLS; None is plain HTTP.
        require_token: only who has a token that the API server knows and may get the instance.
    """

    address: str = ""
    certificate: CertificateFiles | None = None
    require_token: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsSettings:
    """Where and to whom the metrics are served.

    Attributes:
        address: such as `:8080`; empty means nowhere.
        certificate: for TLS; None is plain HTTP, as in the reference.
        require_token: only readers whom the API server knows and allows may read.
    """

    address: str = ""
    certificate: CertificateFiles | None = None
    require_token: bool = False
