# SPDX-License-Identifier: Apache-2.0
"""`fluxsm history`: what the instance went through, with how long each state lasted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from fluxsm.cli import target as cluster_of
from fluxsm.cli.instance import subject
from fluxsm.cli.target import Target
from fluxsm.errors import ForbiddenError

if TYPE_CHECKING:
    from fluxsm.adapters.kube.cluster import KubeCluster
    from fluxsm.api.objects import Manifest
    from fluxsm.core.timeline import Configuration, Moment

SHORT: Final = 19
"""Characters of a digest: the algorithm and twelve digits."""


@click.command("history", short_help="List the transitions of the instance, and its revisions.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="Tables, or one JSON object.",
)
@subject.argument
@cluster_of.options
def command(target: Target, name: str, output: str) -> None:
    """List what the FluxInstance went through, oldest first, and what became of its revisions.

    The transitions come from Kubernetes events, which most clusters keep for one hour, and from
    the status; a state is listed with how long it lasted. The revisions come from status.history,
    which keeps the last five. A state that lasts less than a second leaves no event.
    """
    from fluxsm.core.timeline import configurations, timeline
    from states.table import TABLE

    cluster = target.connect()
    found = subject.read(cluster, subject.ref_of(target.namespace, name))
    now = datetime.now(UTC)
    moments = timeline(found, _events(cluster, found), TABLE, now)
    revisions = configurations(found)
    if output == "json":
        click.echo(json.dumps(_data(moments, revisions), indent=2, ensure_ascii=False))
        return
    for line in (*_moments(moments, now), "", *_revisions(revisions, now)):
        click.echo(line)


def _events(cluster: KubeCluster, instance: Manifest) -> Iterable[Manifest]:
    """The Kubernetes events about the instance; without the right to read them, none."""
    from fluxsm.api.objects import Kind, ObjectRef
    from fluxsm.cli.failure import say

    ref = ObjectRef.of(instance)
    fields = f"involvedObject.kind={ref.kind.kind},involvedObject.name={ref.name}"
    try:
        return list(cluster.list(Kind("", "v1", "Event"), namespace=ref.namespace, fields=fields))
    except ForbiddenError as error:
        say(f"• transitions are not known in full: {error}")
        return []


def _moments(moments: Sequence[Moment], now: datetime) -> list[str]:
    from fluxsm.cli.text import span, table

    header = ("AGE", "STATE", "LASTED", "REASON", "MESSAGE")
    return table(
        header,
        [
            (
                f"{span(now - item.at)}{f' (x{item.count})' if item.count > 1 else ''}",
                item.state.value if item.state else "",
                span(item.lasted) if item.lasted is not None else "",
                item.reason,
                _one_line(item.message),
            )
            for item in moments
        ],
    )


def _one_line(message: str) -> str:
    first, *more = message.splitlines() or [""]
    return f"{first} (and {len(more)} more lines)" if more else first


def _revisions(revisions: Sequence[Configuration], now: datetime) -> list[str]:
    from fluxsm.cli.text import span, table

    header = ("VERSION", "DIGEST", "RESULT", "FIRST", "LAST", "TOOK", "RUNS")
    return table(
        header,
        [
            (
                item.version or "-",
                item.digest[:SHORT],
                item.result,
                span(now - item.first) if item.first else "-",
                span(now - item.last) if item.last else "-",
                span(item.took) if item.took is not None else "-",
                str(item.runs),
            )
            for item in revisions
        ],
    )


def _data(moments: Sequence[Moment], revisions: Sequence[Configuration]) -> dict[str, Any]:
    from fluxsm.objects.timestamp import format_time

    return {
        "transitions": [
            {
                "at": format_time(item.at),
                "state": item.state.value if item.state else None,
                "seconds": item.lasted.total_seconds() if item.lasted is not None else None,
                "reason": item.reason,
                "message": item.message,
                "warning": item.is_warning,
                "count": item.count,
            }
            for item in moments
        ],
        "revisions": [
            {
                "version": item.version or None,
                "digest": item.digest,
                "result": item.result,
                "first": format_time(item.first) if item.first else None,
                "last": format_time(item.last) if item.last else None,
                "seconds": item.took.total_seconds() if item.took is not None else None,
                "runs": item.runs,
            }
            for item in revisions
        ],
    }
