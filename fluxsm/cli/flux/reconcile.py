# SPDX-License-Identifier: Apache-2.0
"""`fluxsm reconcile KIND/NAME`: have a controller look at one object now."""

from __future__ import annotations

import click

from fluxsm.cli import talk, wait_option
from fluxsm.cli import target as cluster_of
from fluxsm.cli.flux import kinds
from fluxsm.cli.target import Target
from fluxsm.errors import NotFoundError, UsageError


@click.command("resource", cls=wait_option.Waiting, short_help="Reconcile an object of Flux now.")
@kinds.argument
@click.option("--force", is_flag=True, help="Also set forceAt: a HelmRelease is upgraded again.")
@wait_option.option
@cluster_of.options
def command(target: Target, words: tuple[str, ...], force: bool, wait: bool) -> None:
    """Have its controller reconcile an object of Flux now, and wait until it is ready.

    KIND is the kind or its short name: `reconcile ks/apps`. An object that is suspended takes note
    of the request, and nothing happens before it is resumed.
    """
    from fluxsm.cli import request
    from fluxsm.cli.waits import readiness
    from fluxsm.cli.waits.wait import wait as wait_for

    kind, name = kinds.parse(words)
    if not kind.answers:
        raise UsageError(f"nothing reconciles a {kind.kind}: it is read where it is needed")
    cluster = target.connect()
    served = kinds.Served(cluster)
    ref = served.ref(kind, target.namespace, name)
    try:
        found, token = request.reconcile(cluster, ref, force=force)
    except NotFoundError:
        raise served.missing(ref) from None
    talk.triggered("Reconciliation triggered")
    if wait:
        judge = readiness.ready(ref, token)
        wait_for(cluster, ref, judge, title="Waiting for reconciliation", limit=target.timeout)
    elif readiness.is_disabled(found):
        talk.note(f"{ref} is suspended, so nothing happens yet; {readiness.resume_step(ref)}")
