# SPDX-License-Identifier: Apache-2.0
"""`fluxsm wait instance`: wait until an instance is Ready."""

from __future__ import annotations

import click

from fluxsm.cli import target as cluster_of
from fluxsm.cli.instance import subject
from fluxsm.cli.target import Target


@click.command("instance", short_help="Wait until a FluxInstance is Ready.")
@subject.argument
@cluster_of.options
def command(target: Target, name: str) -> None:
    """Wait until a FluxInstance is Ready at its newest spec; it need not exist yet.

    It ends with an error at once when the instance has failed or is suspended.
    """
    from fluxsm.cli.waits import readiness
    from fluxsm.cli.waits.wait import wait

    ref = subject.ref_of(target.namespace, name)
    title = "Waiting for instance to become ready"
    wait(target.connect(), ref, readiness.ready(ref), title=title, limit=target.timeout)
