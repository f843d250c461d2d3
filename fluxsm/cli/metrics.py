# SPDX-License-Identifier: Apache-2.0
"""The flags of the metrics endpoint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from fluxsm.cli.addresses import Address
from fluxsm.core.settings import CertificateFiles, MetricsSettings
from fluxsm.errors import UsageError

Command = TypeVar("Command", bound=Callable[..., Any])

_FILE: Final = click.Path(path_type=Path, exists=True, dir_okay=False)
_OPTIONS: Final = (
    click.option(
        "--metrics-addr",
        type=Address(),
        default=":8080",
        show_default=True,
        help="Address of the metrics; empty: none.",
    ),
    click.option(
        "--metrics-cert-file",
        type=_FILE,
        metavar="FILE",
        help="Serve the metrics by TLS with this certificate and its chain (PEM); renewed when the"
        " file changes.",
    ),
    click.option("--metrics-key-file", type=_FILE, metavar="FILE", help="The key to it (PEM)."),
    click.option(
        "--metrics-require-token",
        is_flag=True,
        help="Serve the metrics only to readers whose bearer token the API server knows and who may"
        " `get` the path /metrics.",
    ),
)


def options(command: Command) -> Command:
    """Add the flags to a command; it reads them by `settings`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def settings(flags: dict[str, Any]) -> MetricsSettings:
    """What the flags say.

    Raises:
        UsageError: they do not go together.
    """
    chain, key = flags["metrics_cert_file"], flags["metrics_key_file"]
    if (chain is None) != (key is None):
        raise UsageError("--metrics-cert-file and --metrics-key-file go together")
    if flags["metrics_require_token"] and chain is None:
        raise UsageError(
            "--metrics-require-token needs --metrics-cert-file: tokens are not sent in the clear"
        )
    return MetricsSettings(
        address=flags["metrics_addr"],
        certificate=CertificateFiles(chain=chain, key=key) if chain else None,
        require_token=flags["metrics_require_token"],
    )
