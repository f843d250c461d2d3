# SPDX-License-Identifier: Apache-2.0
"""The flags of commands that talk to a registry."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from fluxsm.core.settings import RegistrySettings, VerifyPolicy

_KEY: Final = "fluxsm.registry"
_IDENTITY: Final = {"identity", "issuer", "trusted-root"}
_HOST: Final = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_FORMS: Final = "it is key=FILE, or identity=ID,issuer=URL,trusted-root=FILE"

Command = TypeVar("Command", bound=Callable[..., Any])


def settings() -> RegistrySettings:
    """What the flags of the running command say about registries."""
    context = click.get_current_context(silent=True)
    found: RegistrySettings = (context.meta if context else {}).get(_KEY) or RegistrySettings()
    return found


def options(command: Command) -> Command:
    """Add the flags to a command; it reads them by `settings`."""
    for option in (_PLAIN_HTTP, _CA_FILE):
        command = option(command)
    return command


def verify_option(command: Command) -> Command:
    """Add the flag that asks for signatures."""
    return _VERIFY(command)


def _policy(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    if not value:
        return
    parts = [part.partition("=") for part in value.split(",")]
    given = {name.strip(): text.strip() for name, _, text in parts}
    complete = len(given) == len(parts) and all(given.values())
    if complete and given.keys() == {"key"}:
        policy = VerifyPolicy(key=Path(given["key"]))
    elif complete and given.keys() == _IDENTITY:
        policy = VerifyPolicy(
            identity=given["identity"],
            issuer=given["issuer"],
            trusted_root=Path(given["trusted-root"]),
        )
    else:
        raise click.BadParameter(_FORMS, ctx=ctx)
    ctx.meta[_KEY] = replace(ctx.meta.get(_KEY) or RegistrySettings(), verify=policy)


def _keep(field: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def callback(ctx: click.Context, _: click.Parameter, value: Any) -> None:
        if value:
            before = ctx.meta.get(_KEY) or RegistrySettings()
            kept = frozenset(value) if isinstance(value, tuple) else value
            ctx.meta[_KEY] = replace(before, **{field: kept})

    return callback


def _authorities(ctx: click.Context, param: click.Parameter, value: Path | None) -> None:
    """Keep a file with certificates; one without any would fail each download."""
    if value is not None:
        import ssl

        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(value)
        except OSError as error:
            why = error.reason if isinstance(error, ssl.SSLError) else error.strerror
            raise click.BadParameter(f"{str(value)!r} has no certificates (PEM): {why}") from None
    _keep("ca_file")(ctx, param, value)


def _hosts(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> None:
    """Keep registries; with a scheme or a path, none would ever be recognized."""
    for host in value:
        if not _HOST.fullmatch(host):
            raise click.BadParameter(f"{host!r} is not HOST[:PORT], such as registry.local:5000")
    _keep("plain_http")(ctx, param, value)


_CA_FILE = click.option(
    "--registry-ca-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    expose_value=False,
    callback=_authorities,
    help="Certificates (PEM) of authorities that registries may be signed by besides public ones.",
)
_PLAIN_HTTP = click.option(
    "--registry-plain-http",
    multiple=True,
    metavar="HOST[:PORT]",
    expose_value=False,
    callback=_hosts,
    help="Registry that is spoken to without TLS; repeatable. Loopback and private addresses"
    " without TLS are recognized.",
)
_VERIFY = click.option(
    "--verify-artifact",
    metavar="POLICY",
    expose_value=False,
    callback=_policy,
    help="Take only artifacts that are signed with cosign: key=FILE, or"
    " identity=ID,issuer=URL,trusted-root=FILE. Verified offline.",
)
