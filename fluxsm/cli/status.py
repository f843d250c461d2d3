# SPDX-License-Identifier: Apache-2.0
"""`fluxsm status`: where the instance stands, once, or on a page that changes as it happens."""

from __future__ import annotations

import threading
from typing import Final

import click

from fluxsm.api import names
from fluxsm.cli import target as cluster_of
from fluxsm.cli.addresses import Address
from fluxsm.cli.target import Target
from fluxsm.errors import UsageError

HERE: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""Names of this machine. A page of another site that a browser has open cannot ask by these."""


@click.command("status", short_help="Show where the instance stands, or serve a page about it.")
@click.option("--serve", is_flag=True, help="Serve the page of the operator, until Ctrl-C.")
@click.option(
    "--address",
    type=Address(),
    default="127.0.0.1:9080",
    show_default=True,
    help="With --serve, where.",
)
@cluster_of.options
def command(target: Target, serve: bool, address: str) -> None:
    """Show where the FluxInstance stands, or serve a page about it.

    The page is that of the operator, by the rights of the kubeconfig: get, list and watch on the
    instance; the report, events and managed objects are shown as far as they may be read. It works
    beside an operator that is stopped, and beside the reference operator: its state is worked out
    from the conditions.
    """
    if serve:
        _serve(target, address)
        return
    from fluxsm.cli.explain import show

    show(target, names.SINGLETON)


def _serve(target: Target, address: str) -> None:
    """Serve the page until somebody ends it.

    Raises:
        UsageError: the address cannot be listened on, or there is no usable kubeconfig.
    """
    from fluxsm.adapters.clock import SystemClock
    from fluxsm.cli.failure import say
    from fluxsm.runtime.listener import parse_address
    from fluxsm.web.service import Web
    from states.table import TABLE

    if not address:
        raise UsageError("--serve needs an --address such as 127.0.0.1:9080")
    host, _ = parse_address(address)
    is_private = host in {"127.0.0.1", "::1", "localhost"}
    namespace = target.namespace
    try:
        web = Web(
            target.open(),
            SystemClock(),
            TABLE,
            namespace,
            address,
            hosts=HERE if is_private else None,
        )
    except UsageError as error:
        raise UsageError(f"{error}; another one can be given with --address") from None
    if not is_private:
        say(f"• everybody who reaches {address} sees what your kubeconfig may see")
    web.start()
    shown = f"[{host}]" if ":" in host else host or "localhost"
    click.echo(f"http://{shown}:{web.port}/ shows FluxInstance/{namespace}/{names.SINGLETON}")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        return
    finally:
        web.stop()
