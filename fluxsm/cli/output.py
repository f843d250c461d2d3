# SPDX-License-Identifier: Apache-2.0
"""`-o`: objects as a table, JSON, YAML or names. Data goes to standard output and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

import click

from fluxsm.api.objects import Kind, Manifest
from fluxsm.cli import table

F = TypeVar("F", bound=Callable[..., Any])

TABLE: Final = "table"
WIDE: Final = "wide"
JSON: Final = "json"
YAML: Final = "yaml"
NAME: Final = "name"
TEXT: Final = "text"
ALL: Final = (TABLE, WIDE, JSON, YAML, NAME)

_HELP: Final = {
    TABLE: "table",
    WIDE: "a table with more columns, uncut",
    JSON: "JSON",
    YAML: "YAML",
    NAME: "one kind/name a line",
    TEXT: "lines",
}


def option(*formats: str, default: str = TABLE) -> Callable[[F], F]:
    """Give a command `-o`, as `output`.

    Args:
        formats: those that it has; all when none is named.
        default: the one that is used without.
    """
    offered = formats or ALL
    text = ", ".join(_HELP[name] for name in offered)
    return click.option(
        "-o",
        "--output",
        type=click.Choice(list(offered)),
        default=default,
        show_default=True,
        help=f"{text[0].upper()}{text[1:]}.",
    )


def rows(
    columns: Sequence[table.Column], cells: Iterable[Sequence[str]], *, wide: bool = False
) -> None:
    """Print a table, cut where standard output is a terminal that is too narrow."""
    found = table.Table(columns, wide=wide, width=table.terminal_width())
    for line in found.lines(cells):
        click.echo(line)


def objects(found: Sequence[Manifest], output: str, *, single: bool = False) -> None:
    """Print objects as JSON, YAML or names, without what only the API server needs.

    Args:
        found: the objects.
        output: one of `json`, `yaml`, `name`.
        single: whether one was asked for by name: then there is no list around it.
    """
    if output == NAME:
        for item in found:
            click.echo(name_of(item))
        return
    shown = [presentable(item) for item in found]
    data: Any = shown[0] if single else {"apiVersion": "v1", "kind": "List", "items": shown}
    values(data, output)


def values(data: Any, output: str) -> None:
    """Print any data as JSON or as one YAML document, without logins in URLs."""
    from fluxsm.objects.redaction import redact_all

    shown = redact_all(data)
    if output == JSON:
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    from fluxsm.build import yaml

    click.echo(yaml.dump_all([shown]).removeprefix("---\n"), nl=False)


def presentable(item: Manifest) -> Manifest:
    """An object without its managed fields, which are of use only to the API server."""
    metadata = {key: value for key, value in item["metadata"].items() if key != "managedFields"}
    return {**item, "metadata": metadata}


def name_of(item: Manifest) -> str:
    """An object as kubectl names it: `fluxinstance.fluxcd.controlplane.io/flux`."""
    kind = Kind.of(item)
    middle = f".{kind.group}" if kind.group else ""
    return f"{kind.kind.lower()}{middle}/{item['metadata']['name']}"
