# SPDX-License-Identifier: Apache-2.0
"""The flags of the page."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from fluxsm.core.settings import CertificateFiles, WebSettings
from fluxsm.errors import UsageError

Command = TypeVar("Command", bound=Callable[..., Any])

PORT: Final = 9080
_VARIABLE: Final = "WEB_SERVER_PORT"
_MOST: Final = 65535
_FILE: Final = click.Path(path_type=Path, exists=True, dir_okay=False)
_OPTIONS: Final = (
    click.option(
        "--web-server-port",
        type=click.IntRange(0, _MOST),
        default=PORT,
        show_default=True,
        help="Port of the page and its API; 0: none.",
    ),
    click.option(
        "--web-auth",
        type=click.Choice(["none", "token"]),
        default="none",
        show_default=True,
        help="Who may look: everybody who reaches the port, or who has a token that the API server"
        " knows and may `get` the FluxInstance.",
    ),
    click.option(
        "--web-cert-file",
        type=_FILE,
        metavar="FILE",
        help="Serve the page by TLS with this certificate and its chain (PEM); renewed when the"
        " file changes.",
    ),
    click.option("--web-key-file", type=_FILE, metavar="FILE", help="The key to it (PEM)."),
)


def options(command: Command) -> Command:
    """Add the flags to a command; it reads them by `settings`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def settings(flags: dict[str, Any]) -> WebSettings:
    """What the flags say, and the environment, which wins as everywhere.

    Raises:
        UsageError: they do not go together.
    """
    chain, key = flags["web_cert_file"], flags["web_key_file"]
    if (chain is None) != (key is None):
        raise UsageError("--web-cert-file and --web-key-file go together")
    token = flags["web_auth"] == "token"
    if token and chain is None:
        raise UsageError("--web-auth=token needs --web-cert-file: tokens are not sent in the clear")
    port = _port(flags["web_server_port"])
    return WebSettings(
        address=f":{port}" if port else "",
        certificate=CertificateFiles(chain=chain, key=key) if chain else None,
        require_token=token,
    )


def _port(flag: int) -> int:
    text = os.environ.get(_VARIABLE)
    if not text:
        return flag
    if not text.isdecimal() or int(text) > _MOST:
        raise UsageError(
            f"the environment variable {_VARIABLE}, which wins over --web-server-port: {text!r} is"
            f" not a port from 0 to {_MOST}"
        )
    return int(text)
