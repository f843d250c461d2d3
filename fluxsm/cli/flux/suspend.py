# SPDX-License-Identifier: Apache-2.0
"""`fluxsm suspend KIND/NAME`: switch one object of Flux off."""

from __future__ import annotations

import click

from fluxsm.cli import talk
from fluxsm.cli import target as cluster_of
from fluxsm.cli.flux import kinds
from fluxsm.cli.target import Target
from fluxsm.errors import NotFoundError, UsageError


@click.command("resource", short_help="Suspend an object of Flux.")
@kinds.argument
@cluster_of.options
def command(target: Target, words: tuple[str, ...]) -> None:
    """Suspend an object of Flux: its controller leaves it, and what it manages, as it is.

    The operator's own kinds are suspended by annotation, those of Flux by spec.suspend.
    """
    from fluxsm.cli import request

    kind, name = kinds.parse(words)
    if not kind.suspends:
        raise UsageError(f"a {kind.kind} cannot be suspended")
    cluster = target.connect()
    served = kinds.Served(cluster)
    ref = served.ref(kind, target.namespace, name)
    try:
        request.suspend(cluster, ref)
    except NotFoundError:
        raise served.missing(ref) from None
    talk.done("Reconciliation suspended")
