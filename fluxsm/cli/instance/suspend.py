# SPDX-License-Identifier: Apache-2.0
"""`fluxsm suspend instance`: have the operator leave Flux alone."""

from __future__ import annotations

import click

from fluxsm.cli import talk
from fluxsm.cli import target as cluster_of
from fluxsm.cli.instance import subject
from fluxsm.cli.target import Target


@click.command("instance", short_help="Suspend a FluxInstance.")
@subject.argument
@cluster_of.options
def command(target: Target, name: str) -> None:
    """Suspend a FluxInstance: Flux goes on, and the operator neither repairs nor upgrades it."""
    from fluxsm.cli import request

    cluster = target.connect()
    ref = subject.ref_of(target.namespace, name)
    with subject.found(cluster, ref):
        request.suspend(cluster, ref)
    talk.done("Reconciliation suspended")
