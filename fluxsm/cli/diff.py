# SPDX-License-Identifier: Apache-2.0
"""`fluxsm diff`: what is different between two FluxInstances, or two streams of objects."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

import click

from fluxsm.cli import color, distribution
from fluxsm.errors import UsageError
from fluxsm.objects.redaction import redact

if TYPE_CHECKING:
    from fluxsm.api.objects import Manifest
    from fluxsm.build.compare import FieldChange, ObjectChange

SHOWN: Final = 120
"""Characters of a value; a whole schema would hide what else is different."""

_COLORS: Final = {"+": "green", "-": "red", "~": "yellow"}


class _Diff(click.Command):
    """A command that keeps 1 for "there is a difference"."""

    failure_code: ClassVar[int] = 2


@click.command("diff", cls=_Diff, short_help="Compare two FluxInstances or streams of objects.")
@click.argument("old")
@click.argument("new")
@distribution.option
@click.option("--pin-digests", is_flag=True, help="Pin images to digests when building.")
@color.option
@click.pass_context
def command(ctx: click.Context, old: str, new: str, place: str | None, pin_digests: bool) -> None:
    """Print which objects and fields differ between the files OLD and NEW.

    A file with a FluxInstance is built first, as `fluxsm build` does; every other file is a stream
    of objects, as `fluxsm build` prints it. One of them may be -, which is standard input.

    The exit code is 0 when nothing is different, 1 when something is, and 2 after an error.
    """
    from fluxsm.build.compare import compare

    if old == new == "-":
        raise UsageError("only one of both files can be standard input")
    before, now = (_read(path, place, pin=pin_digests) for path in (old, new))
    changes = compare(before, now)
    for line in lines(changes):
        click.echo(line)
    click.echo(_summary(changes), err=True)
    ctx.exit(1 if changes else 0)


def _read(path: str, place: str | None, *, pin: bool) -> Sequence[Manifest]:
    """The objects of a file.

    Raises:
        UsageError: the file cannot be read, or has something else than objects.
        FluxsmError: the instance in it cannot be built.
    """
    from fluxsm.build.validation.structural import plain_data
    from fluxsm.cli.build import build_file, choose_place
    from fluxsm.cli.documents import STREAM_LIMIT, read_file
    from fluxsm.cli.instance_file import check_instance, find_instance

    file = read_file(path, limit=STREAM_LIMIT)
    document = find_instance(file)
    if document is not None:
        found = check_instance(file, document)
        source = distribution.open_distribution(choose_place(found.instance, place))
        return build_file(found, source, pin=pin).objects
    return _check_objects([plain_data(item.data) for item in file.documents], file.name)


def _check_objects(objects: list[Any], name: str) -> list[Manifest]:
    from fluxsm.api.objects import ObjectRef

    for number, item in enumerate(objects, start=1):
        metadata = item.get("metadata") if isinstance(item, dict) else None
        if not (isinstance(metadata, dict) and metadata.get("name") and item.get("kind")):
            raise UsageError(
                f"{name}: document {number} is not an object with kind and metadata.name"
            )
    counts = Counter(ObjectRef.of(item).identity for item in objects)
    for item in objects:
        if counts[ObjectRef.of(item).identity] > 1:
            raise UsageError(f"{name}: {ObjectRef.of(item)} is there more than once")
    return objects


def lines(changes: Sequence[ObjectChange]) -> Iterator[str]:
    """The changes for people: a line for each object, and one for each field of it."""
    for item in changes:
        yield click.style(f"{item.change.value} {item.ref}", fg=_COLORS[item.change.value])
        yield from (f"    {_field(field)}" for field in item.fields)


def _field(field: FieldChange) -> str:
    from fluxsm.build.compare import Change

    mark = click.style(f"{field.change.value} {field.path}:", fg=_COLORS[field.change.value])
    match field.change:
        case Change.ADDED:
            return f"{mark} {value(field.new)}"
        case Change.REMOVED:
            return f"{mark} {value(field.old)}"
        case Change.CHANGED:
            return f"{mark} {value(field.old)} -> {value(field.new)}"


def value(found: Any) -> str:
    """A value as JSON, without a login, cut where it is long."""
    text = redact(json.dumps(found, ensure_ascii=False, sort_keys=True))
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def _summary(changes: Sequence[ObjectChange]) -> str:
    from fluxsm.build.compare import Change

    if not changes:
        return "• nothing is different"
    counts = Counter(item.change for item in changes)
    words = {Change.ADDED: "added", Change.REMOVED: "removed", Change.CHANGED: "changed"}
    return "• objects: " + ", ".join(f"{counts[change]} {word}" for change, word in words.items())
