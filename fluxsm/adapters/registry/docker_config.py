# SPDX-License-Identifier: Apache-2.0
"""Which login of a Docker configuration is meant for a registry.

The same document comes from a `kubernetes.io/dockerconfigjson` Secret and from a user's
`~/.docker/config.json`. A login is only ever given out for the host (and path) it was written
for. Nothing here shows a secret: not `repr`, not an error.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

from fluxsm.adapters.registry.reference import DOCKER_HUB, DOCKER_HUB_ALIASES
from fluxsm.errors import ArtifactError

IDENTITY_TOKEN_USER: Final = "<token>"  # noqa: S105
"""The user name by which credential helpers mark an identity token."""

SECRET_KEY: Final = ".dockerconfigjson"  # noqa: S105
"""The key of a `kubernetes.io/dockerconfigjson` Secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What proves to a registry who is asking.

    Attributes:
        username: account name; empty with an identity token.
        password: password or access token.
        identity_token: OAuth2 refresh token, exchanged for a bearer token; empty if there is none.
    """

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerConfig:
    """The logins and credential helpers of one Docker configuration.

    Attributes:
        source: where it came from, for messages.
        auths: raw entries by registry key.
        helpers: credential helper by registry key.
        store: credential helper for every other registry, or the empty string.
    """

    source: str
    auths: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    helpers: Mapping[str, str] = field(default_factory=dict)
    store: str = ""

    @classmethod
    def parse(cls, text: str | bytes, source: str) -> DockerConfig:
        """Read a Docker configuration.

        Args:
            text: the JSON document.
            source: what to call it in messages, for example `Secret flux-system/regcred`.

        Returns:
            The configuration; unknown keys are ignored.

        Raises:
            ArtifactError: not a Docker configuration. The content is not repeated.
        """
        try:
            document = json.loads(text)
        except ValueError as error:
            # The decoder's message may quote the document, so only the place is named.
            where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
            raise ArtifactError(
                f"{source} is not a Docker configuration: not JSON{where}"
            ) from None
        if not isinstance(document, dict):
            raise ArtifactError(f"{source} is not a Docker configuration: not a JSON object")
        auths = _section(document, "auths", dict, source)
        helpers = _section(document, "credHelpers", str, source)
        store = document.get("credsStore") or ""
        if not isinstance(store, str):
            raise ArtifactError(f"{source} is not a Docker configuration: credsStore is not a name")
        return cls(source=source, auths=auths, helpers=helpers, store=store)

    @classmethod
    def from_secret(cls, secret: Mapping[str, Any]) -> DockerConfig:
        """Read the Docker configuration of a Kubernetes Secret.

        Args:
            secret: the Secret's manifest.

        Returns:
            The configuration, named after the Secret.

        Raises:
            ArtifactError: it is not of type kubernetes.io/dockerconfigjson or cannot be read.
        """
        metadata = secret.get("metadata") or {}
        source = f"Secret {metadata.get('namespace', '')}/{metadata.get('name', '')}"
        encoded = (secret.get("data") or {}).get(SECRET_KEY)
        if not isinstance(encoded, str):
            raise ArtifactError(
                f"{source} has no key {SECRET_KEY}: it must be of type "
                "kubernetes.io/dockerconfigjson (kubectl create secret docker-registry)"
            )
        try:
            text = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            raise ArtifactError(f"the key {SECRET_KEY} of {source} is not base64") from None
        return cls.parse(text, source)

    def for_host(self, host: str, repository: str) -> Login | None:
        """The login for a repository, the most specific entry first.

        `host/org/app` beats `host/org`, which beats `host`; only then come entries with
        wildcards (`*.example.com`), as Kubernetes reads them for image pulls.

        Args:
            host: registry with its port, as in `Reference.host`.
            repository: path inside the registry.

        Returns:
            The login, or None where the configuration has none for it.

        Raises:
            ArtifactError: the entry for this registry cannot be read.
        """
        for key, entry in _matches(self.auths, host, repository):
            login = self._login(key, entry)
            if login is not None:
                return login
        return None

    def helper_for(self, host: str, repository: str) -> tuple[str, str] | None:
        """The credential helper to ask, and the name under which it knows the registry."""
        for key, helper in _matches(self.helpers, host, repository):
            return helper, key
        if not self.store:
            return None
        for key, _ in _matches(self.auths, host, repository):
            return self.store, key
        return self.store, "https://index.docker.io/v1/" if host == DOCKER_HUB else host

    def _login(self, key: str, entry: Mapping[str, Any]) -> Login | None:
        token = str(entry.get("identitytoken") or "")
        username, password = str(entry.get("username") or ""), str(entry.get("password") or "")
        if encoded := entry.get("auth"):
            username, password = self._decode(key, encoded)
        if not (token or username or password):
            return None
        if username == IDENTITY_TOKEN_USER:
            return Login(identity_token=token or password)
        return Login(username=username, password=password, identity_token=token)

    def _decode(self, key: str, encoded: object) -> tuple[str, str]:
        try:
            text = base64.b64decode(str(encoded), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            text = ""
        username, colon, password = text.partition(":")
        if not colon:
            raise ArtifactError(
                f"the auth of {key} in {self.source} is not base64 of USERNAME:PASSWORD"
            )
        return username, password.rstrip("\0")


def _section(
    document: Mapping[str, Any], name: str, kind: type[Any], source: str
) -> dict[str, Any]:
    section = document.get(name) or {}
    if not isinstance(section, dict) or not all(isinstance(v, kind) for v in section.values()):
        raise ArtifactError(f"{source} is not a Docker configuration: {name} has a wrong form")
    return section


def _matches(entries: Mapping[str, Any], host: str, repository: str) -> Iterator[tuple[str, Any]]:
    """Entries that cover the repository: exact ones by length of path, then wildcards."""
    keyed = [(key, *_normalize(key)) for key in entries]
    covering = [
        (key, pattern, path)
        for key, pattern, path in keyed
        if (pattern == host or _glob(host, pattern))
        and (not path or f"{repository}/".startswith(f"{path}/"))
    ]
    covering.sort(key=lambda match: (match[1] != host, -len(match[2])))
    for key, _, _ in covering:
        yield key, entries[key]


def _normalize(key: str) -> tuple[str, str]:
    """Host and path of a key such as `https://index.docker.io/v1/` or `ghcr.io/org`."""
    bare = key.strip().removeprefix("https://").removeprefix("http://")
    host, _, path = bare.partition("/")
    host = host.lower()
    path = path.strip("/")
    if path in {"v1", "v2"}:
        path = ""
    return DOCKER_HUB if host in DOCKER_HUB_ALIASES else host, path


def _glob(host: str, pattern: str) -> bool:
    """Whether a wildcard pattern covers the host: label by label, and the same port."""
    if "*" not in pattern:
        return False
    name, _, port = host.partition(":")
    pattern_name, _, pattern_port = pattern.partition(":")
    labels, patterns = name.split("."), pattern_name.split(".")
    return (
        port == pattern_port
        and len(labels) == len(patterns)
        and all(map(fnmatchcase, labels, patterns))
    )
