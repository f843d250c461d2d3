# SPDX-License-Identifier: Apache-2.0
"""The way of a person to an API server: a kubeconfig, and what flags say instead of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from fluxsm.adapters.kube.client import REQUEST_SECONDS, KubeClient
from fluxsm.adapters.kube.configuration import (
    Configuration,
    read_kubeconfig,
    read_service_account,
)
from fluxsm.errors import UsageError

LEAST_SECONDS: Final = 1.0
"""A request is given so much time even where the whole command has less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where the API server is, and who asks.

    Attributes:
        kubeconfig: path, or several with colons; None for the default file, else the pod's account.
        context: of the kubeconfig; None for the current one.
        user: who to act as, None for oneself.
        groups: of the user to act as.
        uid: of the user to act as.
        server: address, instead of that of the kubeconfig.
        token: credentials, instead of those of the kubeconfig.
        tls_server_name: name in the certificate of the server.
        client_certificate: file.
        client_key: file.
        certificate_authority: file.
        insecure: whether the certificate of the server is not checked.
    """

    kubeconfig: str | None = None
    context: str | None = None
    user: str | None = None
    groups: tuple[str, ...] = ()
    uid: str | None = None
    server: str | None = None
    token: str | None = None
    tls_server_name: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    certificate_authority: str | None = None
    insecure: bool = False

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The headers that make the API server act for somebody else."""
        found = [("Impersonate-User", self.user or ""), ("Impersonate-Uid", self.uid or "")]
        found += [("Impersonate-Group", group) for group in self.groups]
        return tuple((name, value) for name, value in found if value)


def open_client(access: Access, seconds: float = REQUEST_SECONDS) -> KubeClient:
    """A client for an API server; nothing is sent yet.

    Args:
        access: where it is.
        seconds: limit of the command, and so of each request where that is shorter.

    Raises:
        UsageError: there is no usable kubeconfig, a file is missing, or groups are without a user.
    """
    if (access.groups or access.uid) and not access.user:
        raise UsageError("--as-group and --as-uid go with --as; add --as USER")
    load = partial(_load, access)
    limit = max(LEAST_SECONDS, min(seconds, REQUEST_SECONDS))
    return KubeClient(load(), reload=load, seconds=limit, headers=access.headers)


def _load(access: Access) -> Configuration:
    """The configuration, with what the flags say instead of it."""
    found = _source(access)()
    if access.server:
        found.host = access.server
    if access.token:
        found.api_key["authorization"] = f"Bearer {access.token}"
        found.refresh_api_key_hook = None
    if access.tls_server_name:
        found.tls_server_name = access.tls_server_name
    found.cert_file = _file(access.client_certificate, "--client-certificate") or found.cert_file
    found.key_file = _file(access.client_key, "--client-key") or found.key_file
    authority = _file(access.certificate_authority, "--certificate-authority")
    found.ssl_ca_cert = authority or found.ssl_ca_cert
    if access.insecure:
        found.verify_ssl = False
    return found


def _source(access: Access) -> Callable[[], Configuration]:
    """Where the configuration is read: flags alone can be enough, and a pod has its account."""
    there = access.kubeconfig or Path("~/.kube/config").expanduser().exists()
    if there or access.context:
        return partial(read_kubeconfig, access.kubeconfig, access.context)
    if access.server:
        return Configuration
    if os.environ.get("KUBERNETES_SERVICE_HOST"):
        return read_service_account
    return read_kubeconfig


def _file(path: str | None, flag: str) -> str | None:
    """A file that is there.

    Raises:
        UsageError: it is not.
    """
    if path is not None and not Path(path).is_file():
        raise UsageError(f"{flag}: {path} is not a file")
    return path
