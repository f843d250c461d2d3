# SPDX-License-Identifier: Apache-2.0
"""`fluxsm events`: what the operator reported about an instance."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click

from fluxsm.api.objects import Kind, Manifest
from fluxsm.cli import output as out
from fluxsm.cli import target as cluster_of
from fluxsm.cli.instance import subject
from fluxsm.cli.table import Column
from fluxsm.cli.target import Target

if TYPE_CHECKING:
    from fluxsm.cli.follow import Followed

KIND: Final = Kind("", "v1", "Event")

COLUMNS: Final = (
    Column("LAST SEEN"),
    Column("TYPE"),
    Column("REASON"),
    Column("COUNT", wide=True),
    Column("SOURCE", wide=True),
    Column("MESSAGE", shrinks=True),
)


@click.command("events", short_help="List the events of an instance.")
@subject.argument
@click.option("-w", "--watch", is_flag=True, help="Go on with each event, until interrupted.")
@out.option()
@cluster_of.options
def command(target: Target, name: str, watch: bool, output: str) -> None:
    """List the Kubernetes events about a FluxInstance, oldest first.

    Most clusters keep events for one hour; `fluxsm history` shows in addition what the status
    remembers. That there is none is no error, and the instance need not exist any more.
    """
    from fluxsm.cli.follow import Followed

    cluster = target.connect()
    fields = f"involvedObject.kind={subject.KIND.kind},involvedObject.name={name}"
    followed = Followed(kind=KIND, namespace=target.namespace, fields=fields)
    if watch:
        _watch(target, followed, output)
        return
    found = sorted(cluster.list(KIND, namespace=followed.namespace, fields=fields), key=last_seen)
    if output in {out.TABLE, out.WIDE}:
        now = datetime.now(UTC)
        out.rows(COLUMNS, [cells(item, now) for item in found], wide=output == out.WIDE)
    else:
        out.objects(found, output)


def cells(event: Manifest, now: datetime) -> tuple[str, ...]:
    """The cells of an event.

    Raises:
        MalformedError: it lacks the shape that its kind promises.
    """
    from fluxsm.cli import ages
    from fluxsm.objects import manifest

    source = manifest.text(event, "source", "component")
    return (
        ages.since(last_seen(event), now),
        manifest.text(event, "type"),
        manifest.text(event, "reason"),
        str(manifest.number(event, "count", default=1)),
        source or manifest.text(event, "reportingComponent") or "-",
        manifest.text(event, "message"),
    )


def last_seen(event: Manifest) -> str:
    """When it happened, the last time; events of either API have another field for it."""
    series = event.get("series") or {}
    times = (event.get("lastTimestamp"), series.get("lastObservedTime"), event.get("eventTime"))
    return str(next((time for time in times if time), event["metadata"]["creationTimestamp"]))


def _watch(target: Target, followed: Followed, output: str) -> None:
    from fluxsm.cli import talk
    from fluxsm.cli.changes import Changes
    from fluxsm.cli.follow import follow

    show = Changes(COLUMNS, cells, output)
    first: list[Manifest] | None = []
    for event in follow(target.connect(), followed, on_break=talk.note):
        if event.type == "SYNCED":
            show.all(sorted(first or [], key=last_seen))
            first = None
        elif event.type == "DELETED":
            continue
        elif first is not None:
            first.append(event.manifest)
        else:
            show.all([event.manifest])
