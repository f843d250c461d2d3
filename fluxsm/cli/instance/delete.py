# SPDX-License-Identifier: Apache-2.0
"""`fluxsm delete instance`: have the operator remove Flux, or let Flux go on without it."""

from __future__ import annotations

import click

from fluxsm.api.objects import ObjectRef
from fluxsm.cli import confirmation, talk, wait_option
from fluxsm.cli import target as cluster_of
from fluxsm.cli.instance import subject
from fluxsm.cli.target import Target


@click.command("instance", cls=wait_option.Waiting, short_help="Delete a FluxInstance.")
@subject.argument
@click.option("--with-suspend", is_flag=True, help="Suspend it first, so that Flux goes on.")
@wait_option.option
@confirmation.option
@cluster_of.options
def command(target: Target, name: str, with_suspend: bool, wait: bool, yes: bool) -> None:
    """Delete a FluxInstance, upon which the operator removes Flux and its custom resources.

    What Flux has deployed goes on running. With --with-suspend, and where the instance is suspended
    already, Flux goes on too, and nothing manages it. The command lists what goes, and asks.
    """
    from fluxsm.cli import removal, request
    from fluxsm.cli.waits import readiness
    from fluxsm.cli.waits.wait import wait as wait_for

    cluster = target.connect()
    ref = subject.ref_of(target.namespace, name)
    instance = subject.read(cluster, ref)
    detach = with_suspend or removal.is_suspended(instance)
    found = removal.look_up(cluster, target.namespace, (), keep_flux=detach)
    confirmation.confirm(found.lines(), _question(ref, cluster.host, detach=detach), yes=yes)
    with subject.found(cluster, ref):
        if with_suspend:
            request.suspend(cluster, ref)
            talk.done("Reconciliation suspended")
        cluster.delete(ref, uid=instance["metadata"]["uid"])
    if not wait:
        talk.done("Deletion initiated")
        return
    title = "Waiting for deletion"
    wait_for(cluster, ref, readiness.gone, title=title, limit=target.timeout)


def _question(ref: ObjectRef, host: str, *, detach: bool) -> str:
    """What is asked; it names the cluster, because people have several."""
    what = f"{ref} and leave Flux running" if detach else f"{ref} and Flux with it"
    return f"Delete {what}, from {host}?"
