# SPDX-License-Identifier: Apache-2.0
"""`fluxsm resume KIND/NAME`: switch one object of Flux on again."""

from __future__ import annotations

import click

from fluxsm.cli import talk, wait_option
from fluxsm.cli import target as cluster_of
from fluxsm.cli.flux import kinds
from fluxsm.cli.target import Target
from fluxsm.errors import NotFoundError, UsageError


@click.command("resource", cls=wait_option.Waiting, short_help="Resume an object of Flux.")
@kinds.argument
@wait_option.option
@cluster_of.options
def command(target: Target, words: tuple[str, ...], wait: bool) -> None:
    """Resume an object of Flux that is suspended, and wait until it is ready."""
    from fluxsm.cli import request
    from fluxsm.cli.waits import readiness
    from fluxsm.cli.waits.wait import wait as wait_for

    kind, name = kinds.parse(words)
    if not kind.suspends:
        raise UsageError(f"a {kind.kind} cannot be suspended")
    cluster = target.connect()
    served = kinds.Served(cluster)
    ref = served.ref(kind, target.namespace, name)
    try:
        token = request.resume(cluster, ref)
    except NotFoundError:
        raise served.missing(ref) from None
    if not (wait and kind.answers):
        talk.done("Reconciliation resumed")
        return
    judge = readiness.ready(ref, token)
    wait_for(cluster, ref, judge, title="Waiting for reconciliation", limit=target.timeout)
