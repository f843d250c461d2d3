# SPDX-License-Identifier: Apache-2.0
"""What an artifact address means: `oci://host[:port]/repository[:tag][@digest]`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, TypeGuard

from fluxsm.errors import ArtifactError

SCHEME: Final = "oci://"
DEFAULT_TAG: Final = "latest"

DOCKER_HUB: Final = "index.docker.io"
DOCKER_HUB_ALIASES: Final = frozenset({"docker.io", "registry-1.docker.io", "index.docker.io"})
"""Names of Docker Hub; logins are kept under the first of all, `index.docker.io`."""

_HOST: Final = re.compile(
    r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::\d+)?"
)
_REPOSITORY: Final = re.compile(
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
)
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Where an artifact is.

    Attributes:
        host: the registry, with its port where one is given.
        repository: path inside it.
        tag: None where only a digest is given.
        digest: `sha256:...`, or empty.
    """

    host: str
    repository: str
    tag: str | None = None
    digest: str = ""

    @property
    def name(self) -> str:
        """Registry and repository."""
        return f"{self.host}/{self.repository}"

    @property
    def selector(self) -> str:
        """What is asked for: the digest, which cannot change its meaning, before the tag."""
        return self.digest or self.tag or DEFAULT_TAG

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{SCHEME}{self.name}{tag}{digest}"


def parse_reference(text: str) -> Reference:
    """Read an artifact address; neither tag nor digest means the tag `latest`.

    Args:
        text: the address, with or without `oci://`.

    Raises:
        ArtifactError: it is malformed. User information is not repeated.
    """
    rest, _, digest = text.strip().removeprefix(SCHEME).partition("@")
    if digest and not is_digest(digest):
        # What stands before an @ may as well be a user name and password.
        raise ArtifactError(
            "the artifact address has an @ that is not followed by sha256: and 64 hexadecimal"
            " digits; logins belong into .spec.distribution.artifactPullSecret"
        )
    front, slash, last = rest.rpartition("/")
    name, colon, tag = last.partition(":")
    host, _, repository = f"{front}{slash}{name}".partition("/")
    if not _HOST.fullmatch(host) or not _REPOSITORY.fullmatch(repository):
        raise ArtifactError(f"{text!r} is not an artifact address: {SCHEME}HOST/REPOSITORY:TAG")
    if colon and not _TAG.fullmatch(tag):
        raise ArtifactError(f"{text!r} is not an artifact address: the tag {tag!r} is malformed")
    host = host.lower()
    return Reference(
        host=DOCKER_HUB if host in DOCKER_HUB_ALIASES else host,
        repository=repository,
        tag=tag or (None if digest else DEFAULT_TAG),
        digest=digest,
    )


def is_digest(value: object) -> TypeGuard[str]:
    """Whether a value is a sha256 digest."""
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def host_name(host: str) -> str:
    """The host without its port and, for an IPv6 address, without its brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
