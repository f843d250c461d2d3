# SPDX-License-Identifier: Apache-2.0
"""`fluxsm explain`: where the instance stands, why, and what would bring it on."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click

from fluxsm.cli import target as cluster_of
from fluxsm.cli.instance import subject
from fluxsm.cli.target import Target


@click.command("explain", short_help="Say where the instance stands, why, and what comes next.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Text for people, or one JSON object.",
)
@subject.argument
@cluster_of.options
def command(target: Target, name: str, output: str) -> None:
    """Say where the FluxInstance stands, why, and what would bring it on.

    Since when, which event led there, what it waits for and how long it may, the next timer, and
    what to do about the reasons that it shows.

    All of it is read off the instance, with one request. So it works beside an operator that is
    stopped, and says so when what was due has not happened. Beside the reference operator the
    state is worked out from the conditions.
    """
    show(target, name, output)


def show(target: Target, name: str, output: str = "text") -> None:
    """Print the explanation of an instance.

    Args:
        target: the cluster.
        name: of the instance.
        output: `text` or `json`.
    """
    from fluxsm.api.objects import ObjectRef
    from fluxsm.cli import explanation, text
    from fluxsm.core.explanation import explain
    from states.table import TABLE

    found = subject.read(target.connect(), subject.ref_of(target.namespace, name))
    title, now = str(ObjectRef.of(found)), datetime.now(UTC)
    explained = explain(found, TABLE)
    if output == "json":
        data = explanation.data(title, explained, now)
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))
        return
    for line in explanation.lines(title, explained, now, text.width()):
        click.echo(line)
