# SPDX-License-Identifier: Apache-2.0
"""Answering a registry that asks who we are.

Builds on the token backend of `oras`, which knows bearer tokens only, follows any realm and
loses the reason of a refusal: here both kinds of challenge are answered, an identity token is
exchanged, a password never travels over plain HTTP unless the whole registry does, and every
failure says who refused what.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

import oras.auth
import requests
from oras.auth.utils import authHeader, parse_auth_header

from fluxsm.adapters.registry.docker_config import DockerConfig, Login
from fluxsm.errors import ArtifactError

CLIENT_ID: Final = "fluxsm"

_SCHEME = re.compile(r"(?:^|,\s*)(bearer|basic)(?=\s|,|$)", re.IGNORECASE)

Send = Callable[..., requests.Response]
"""Sends a request with retries: method, address and keywords of requests.Session.request."""


class RegistryAuth(oras.auth.TokenAuth):  # type: ignore[misc] # oras is untyped
    """The login of one registry, and the token it was exchanged for.

    Args:
        host: the registry.
        login: who we are there, or None for anonymous.
        source: where logins were looked for, for messages.
        send: how to reach the token service.
    """

    def __init__(self, *, host: str, login: Login | None, source: str, send: Send) -> None:
        super().__init__()
        self._host = host
        self._login = login
        self._source = source
        self._send = send
        self._basic = ""

    def load_configs(self, container: Any, configs: Any = None) -> None:
        """Do not look for logins on this machine: the caller has chosen."""

    def get_auth_header(self) -> dict[str, str]:
        """The header for requests to the registry, empty before the first challenge."""
        if self.token:
            return {"Authorization": f"Bearer {self.token}"}
        return {"Authorization": self._basic} if self._basic else {}

    def answer(self, challenge: str) -> None:
        """Get ready for repeating a request that was answered by 401.

        Args:
            challenge: the WWW-Authenticate header.

        Raises:
            ArtifactError: there is no answer to it.
        """
        scheme, parameters = _choose(challenge)
        if scheme == "bearer" and parameters is not None:
            self._basic, self.token = "", self._fetch_token(parameters)
        elif scheme == "basic":
            self.token, self._basic = "", self._basic_header()
        else:
            raise ArtifactError(f"{self._host} asks for an unknown kind of authentication")

    def _basic_header(self) -> str:
        login = self._login
        if login is None or not login.password:
            raise ArtifactError(f"{self._host} asks for a user name and password; {self.advice()}")
        return _basic(login)

    def _fetch_token(self, challenge: authHeader) -> str:
        realm = str(challenge.realm or "")
        parts = urlsplit(realm)
        if parts.username or parts.password:
            raise ArtifactError(f"{self._host} names a token service with credentials in it")
        # `prefix` is how the registry itself is reached.
        if parts.scheme != "https" and not (parts.scheme == "http" and self.prefix == "http"):
            raise ArtifactError(
                f"{self._host} sends logins to {realm or 'nowhere'}, which is not an https address"
            )
        fields = {"service": challenge.service, "scope": challenge.scope}
        query = {name: value for name, value in fields.items() if value}
        response = self._ask(realm, query)
        if response.status_code != 200:
            raise ArtifactError(
                f"the token service {parts.netloc} of {self._host} refused the request "
                f"({response.status_code}); {self.advice()}"
            )
        return self._read_token(response, parts.netloc)

    def _ask(self, realm: str, query: dict[str, str]) -> requests.Response:
        login = self._login
        if login is not None and login.identity_token:
            form = {
                "grant_type": "refresh_token",
                "refresh_token": login.identity_token,
                "client_id": CLIENT_ID,
            }
            return self._send("POST", realm, data=form | query)
        headers = {"Authorization": _basic(login)} if login is not None else {}
        return self._send("GET", realm, params=query, headers=headers)

    def _read_token(self, response: requests.Response, service: str) -> str:
        try:
            document = response.json()
            token = document.get("token") or document.get("access_token")
        except (ValueError, AttributeError, RecursionError):
            token = None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise ArtifactError(f"the token service {service} of {self._host} sent no token")
        return token

    def advice(self) -> str:
        """Which setting to look at when the registry does not let us in."""
        if self._login is not None:
            return f"check the login for it in {self._source}"
        if self._source:
            return f"{self._source} holds no login for it"
        return "no login was given: see artifactPullSecret, or docker login on a command line"


def login_for(
    host: str,
    repository: str,
    config: DockerConfig | None,
    run_helper: Callable[[str, str], Login | None] | None,
) -> Login | None:
    """Find the login for a repository.

    Args:
        host: the registry.
        repository: path inside it.
        config: the Docker configuration, or None for anonymous.
        run_helper: runs a credential helper (name, registry); None where none may be run, as
            in the operator: a Secret must not choose programs.

    Returns:
        The login, or None.

    Raises:
        ArtifactError: the configuration or the helper's answer cannot be read.
    """
    if config is None:
        return None
    helper = config.helper_for(host, repository) if run_helper is not None else None
    if run_helper is not None and helper is not None:
        login = run_helper(*helper)
        if login is not None:
            return login
    return config.for_host(host, repository)


def _basic(login: Login) -> str:
    pair = f"{login.username}:{login.password}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"


def _choose(challenge: str) -> tuple[str, authHeader | None]:
    """The challenge to answer when there are several: bearer before basic."""
    starts = list(_SCHEME.finditer(challenge))
    found: dict[str, authHeader] = {}
    for match, following in zip(starts, [*starts[1:], None], strict=False):
        end = following.start() if following else len(challenge)
        found.setdefault(match[1].lower(), parse_auth_header(challenge[match.end() : end]))
    for scheme in ("bearer", "basic"):
        if scheme in found:
            return scheme, found[scheme]
    return "", None
