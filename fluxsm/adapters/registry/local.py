# SPDX-License-Identifier: Apache-2.0
"""The logins of whoever calls the command line: their Docker configuration and its helpers."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Final

from fluxsm.adapters.registry.docker_config import IDENTITY_TOKEN_USER, DockerConfig, Login
from fluxsm.errors import ArtifactError

HELPER_SECONDS: Final = 20.0
"""How long a credential helper may take; some open a browser or ask a cloud."""

_HELPER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def docker_config() -> DockerConfig | None:
    """The Docker configuration in `$DOCKER_CONFIG` or `~/.docker`, None when there is none.

    Raises:
        ArtifactError: it cannot be read.
    """
    folder = os.environ.get("DOCKER_CONFIG")
    path = (Path(folder) if folder else Path.home() / ".docker") / "config.json"
    try:
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from None
    return DockerConfig.parse(text, str(path))


def run_helper(helper: str, registry: str) -> Login | None:
    """Ask a credential helper for a login.

    Args:
        helper: its name, as in `credHelpers`; the program is `docker-credential-NAME`.
        registry: the name under which it knows the registry.

    Returns:
        The login, None when the helper has none. What the helper prints is never shown.

    Raises:
        ArtifactError: the helper is missing, hangs, or answers with what is no login.
    """
    if not _HELPER.fullmatch(helper):
        raise ArtifactError(f"{helper!r} in the Docker configuration is no credential helper")
    program = f"docker-credential-{helper}"
    try:
        done = subprocess.run(
            [program, "get"],
            input=registry.encode(),
            capture_output=True,
            timeout=HELPER_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ArtifactError(f"{program} did not answer within {HELPER_SECONDS:g} s") from None
    except OSError as error:
        raise ArtifactError(
            f"{program}, which the Docker configuration names for {registry}, cannot be run:"
            f" {error.strerror}"
        ) from None
    if done.returncode:
        if b"not found" in done.stdout:  # the protocol's word for "no login here"
            return None
        raise ArtifactError(f"{program} failed for {registry} (exit code {done.returncode})")
    return _read(done.stdout, program)


def _read(answer: bytes, program: str) -> Login:
    try:
        document = json.loads(answer)
        username, secret = document["Username"], document["Secret"]
    except (ValueError, KeyError, TypeError):
        raise ArtifactError(f"{program} did not answer with a login") from None
    if username == IDENTITY_TOKEN_USER:
        return Login(identity_token=str(secret))
    return Login(username=str(username), password=str(secret))
