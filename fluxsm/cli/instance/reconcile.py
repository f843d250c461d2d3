# SPDX-License-Identifier: Apache-2.0
"""`fluxsm reconcile instance`: have the operator look at an instance now."""

from __future__ import annotations

import click

from fluxsm.cli import talk, wait_option
from fluxsm.cli import target as cluster_of
from fluxsm.cli.instance import subject
from fluxsm.cli.target import Target


@click.command("instance", cls=wait_option.Waiting, short_help="Reconcile a FluxInstance now.")
@subject.argument
@click.option("--force", is_flag=True, help="Also migrate all Flux resources to stored versions.")
@wait_option.option
@cluster_of.options
def command(target: Target, name: str, force: bool, wait: bool) -> None:
    """Have the operator reconcile a FluxInstance now, and wait until it is Ready.

    An instance that is suspended takes note of the request, and does nothing before it is resumed.
    """
    from fluxsm.cli import request
    from fluxsm.cli.waits import readiness
    from fluxsm.cli.waits.wait import wait as wait_for

    cluster = target.connect()
    ref = subject.ref_of(target.namespace, name)
    with subject.found(cluster, ref):
        instance, token = request.reconcile(cluster, ref, force=force)
    talk.triggered("Reconciliation triggered")
    if wait:
        title = "Waiting for reconciliation"
        judge = readiness.ready(ref, token)
        wait_for(cluster, ref, judge, title=title, limit=target.timeout)
    elif readiness.is_disabled(instance):
        talk.note(f"{ref} is suspended, so nothing happens yet; {readiness.resume_step(ref)}")
