# SPDX-License-Identifier: Apache-2.0
"""`fluxsm doctor`: whether all is there that the operator needs, and what to do if not."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

import click

from fluxsm.cli import output as out
from fluxsm.cli import registry
from fluxsm.cli import target as cluster_of
from fluxsm.cli.exit_codes import Exit
from fluxsm.cli.target import Target

if TYPE_CHECKING:
    from fluxsm.core.checkup import Finding

_LABEL: Final = 28
"""Columns of what a line is about."""


@click.command("doctor", short_help="Look for what keeps the operator from working.")
@registry.options
@out.option(out.TEXT, out.JSON, out.YAML, default=out.TEXT)
@cluster_of.options
@click.pass_context
def command(ctx: click.Context, target: Target, output: str) -> None:
    """Look for what keeps the operator from working, and say what to do about it.

    The API server, its clock and the definitions; the operator, its rights, its leader and its
    proxies; the registry of the instance; what is stored in old versions; fields that others have
    set. Nothing is written: the clock and the rights are asked for by a dry run and by reviews.

    The exit code is 1 when something keeps the operator from working; advice alone is 0.
    """
    from fluxsm.cli.examination import Examination
    from fluxsm.core.checkup import Grade

    examination = Examination(target.connect(), target.operator_namespace, dict(os.environ))
    found = list(examination.findings())
    if output == out.TEXT:
        for line in _lines(found):
            click.echo(line)
    else:
        out.values({"findings": [_data(item) for item in found]}, output)
    bad = any(item.grade is Grade.PROBLEM for item in found)
    ctx.exit(Exit.FAILED if bad else Exit.DONE)


def _lines(found: Iterable[Finding]) -> Iterator[str]:
    from fluxsm.cli import text
    from fluxsm.cli.talk import Mark
    from fluxsm.core.checkup import Grade
    from fluxsm.objects.redaction import redact

    marks = {
        Grade.GOOD: Mark.DONE,
        Grade.UNKNOWN: Mark.NOTE,
        Grade.WARNING: Mark.NOTE,
        Grade.PROBLEM: Mark.FAILED,
    }
    for item in found:
        mark = marks[item.grade]
        first = f"{mark.value} {item.about + ': ':<{_LABEL}}"
        said = redact(" ".join(item.text.split()))
        head, *more = text.wrapped(said, text.width(), first=first, rest=" " * len(first))
        yield head.replace(mark.value, mark.colored, 1)
        yield from more
        if item.remedy:
            start = f"{' ' * len(first)}{Mark.TRIGGERED.value} "
            yield from text.wrapped(item.remedy, text.width(), first=start, rest=" " * len(start))


def _data(item: Finding) -> dict[str, Any]:
    return {
        "about": item.about,
        "grade": item.grade.value,
        "text": item.text,
        "remedy": item.remedy or None,
    }
