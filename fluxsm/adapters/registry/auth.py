# SPDX-License-Identifier: Apache-2.0
"""Answering a registry that asks who we are.

Both kinds of challenge are answered, an identity token is exchanged, a password never travels over
plain HTTP unless the whole registry does, and every failure says who refused what.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Final, Protocol
from urllib.parse import urlencode, urlsplit

from fluxsm.adapters.registry.docker_config import DockerConfig, Login
from fluxsm.adapters.registry.transport import Response, with_query
from fluxsm.errors import ArtifactError

CLIENT_ID: Final = "fluxsm"

_SCHEME = re.compile(r"(?:^|,\s*)(bearer|basic)(?=\s|,|$)", re.IGNORECASE)

_PARAMETER = re.compile(r'([A-Za-z_]+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))')
_FORM: Final = "application/x-www-form-urlencoded"


class Send(Protocol):
    """Sends a request, again where it fails for a moment."""

    def __call__(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Response:
        """The last answer."""


class RegistryAuth:
    """The login of one registry, and the token it was exchanged for.

    Args:
        host: the registry.
        plain: whether the registry is spoken to over plain HTTP.
        login: who we are there, or None for anonymous.
        source: where logins were looked for, for messages.
        send: how to reach the token service.
    """

    def __init__(
        self, *, host: str, plain: bool, login: Login | None, source: str, send: Send
    ) -> None:
        self._host = host
        self._plain = plain
        self._login = login
        self._source = source
        self._send = send
        self._proof = ""

    def header(self) -> dict[str, str]:
        """The header for requests to the registry, empty before the first challenge."""
        return {"Authorization": self._proof} if self._proof else {}

    def answer(self, challenge: str) -> None:
        """Get ready for repeating a request that was answered by 401.

        Args:
            challenge: the WWW-Authenticate header.

        Raises:
            ArtifactError: there is no answer to it.
        """
        scheme, parameters = _choose(challenge)
        if scheme == "bearer":
            self._proof = f"Bearer {self._fetch_token(parameters)}"
        elif scheme == "basic":
            self._proof = self._basic_header()
        else:
            raise ArtifactError(f"{self._host} asks for an unknown kind of authentication")

    def _basic_header(self) -> str:
        login = self._login
        if login is None or not login.password:
            raise ArtifactError(f"{self._host} asks for a user name and password; {self.advice()}")
        return _basic(login)

    def _fetch_token(self, challenge: Mapping[str, str]) -> str:
        realm = challenge.get("realm", "")
        parts = urlsplit(realm)
        if parts.username or parts.password:
            raise ArtifactError(f"{self._host} names a token service with credentials in it")
        if parts.scheme != "https" and not (parts.scheme == "http" and self._plain):
            raise ArtifactError(
                f"{self._host} sends logins to {realm or 'nowhere'}, which is not an https address"
            )
        query = {name: challenge[name] for name in ("service", "scope") if challenge.get(name)}
        response = self._ask(realm, query)
        if response.status != 200:
            raise ArtifactError(
                f"the token service {parts.netloc} of {self._host} refused the request "
                f"({response.status}); {self.advice()}"
            )
        return self._read_token(response, parts.netloc)

    def _ask(self, realm: str, query: dict[str, str]) -> Response:
        login = self._login
        if login is not None and login.identity_token:
            form = {
                "grant_type": "refresh_token",
                "refresh_token": login.identity_token,
                "client_id": CLIENT_ID,
            }
            body = urlencode(form | query).encode()
            return self._send("POST", realm, headers={"Content-Type": _FORM}, body=body)
        headers = {"Authorization": _basic(login)} if login is not None else {}
        return self._send("GET", with_query(realm, query), headers=headers)

    def _read_token(self, response: Response, service: str) -> str:
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


def _choose(challenge: str) -> tuple[str, dict[str, str]]:
    """The scheme to answer when there are several, bearer before basic, and its parameters."""
    starts = list(_SCHEME.finditer(challenge))
    found: dict[str, dict[str, str]] = {}
    for match, following in zip(starts, [*starts[1:], None], strict=False):
        end = following.start() if following else len(challenge)
        found.setdefault(match[1].lower(), _parameters(challenge[match.end() : end]))
    for scheme in ("bearer", "basic"):
        if scheme in found:
            return scheme, found[scheme]
    return "", {}


def _parameters(text: str) -> dict[str, str]:
    """The parameters of a challenge, with and without quotes."""
    return {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(text)}
