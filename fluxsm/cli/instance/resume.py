# SPDX-License-Identifier: Apache-2.0
"""`fluxsm resume instance`: have the operator go on with an instance."""

from __future__ import annotations

import click

from fluxsm.cli import talk, wait_option
from fluxsm.cli import target as cluster_of
from fluxsm.cli.instance import subject
from fluxsm.cli.target import Target


@click.command("instance", cls=wait_option.Waiting, short_help="Resume a FluxInstance.")
@subject.argument
@wait_option.option
@cluster_of.options
def command(target: Target, name: str, wait: bool) -> None:
    """Resume a FluxInstance that is suspended, and wait until it is Ready."""
    from fluxsm.cli import request
    from fluxsm.cli.waits import readiness
    from fluxsm.cli.waits.wait import wait as wait_for

    cluster = target.connect()
    ref = subject.ref_of(target.namespace, name)
    with subject.found(cluster, ref):
        token = request.resume(cluster, ref)
    if not wait:
        talk.done("Reconciliation resumed")
        return
    title = "Waiting for reconciliation"
    wait_for(cluster, ref, readiness.ready(ref, token), title=title, limit=target.timeout)
