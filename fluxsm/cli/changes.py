# SPDX-License-Identifier: Apache-2.0
"""Objects as they change, for `--watch`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

import click

from fluxsm.api.objects import Manifest
from fluxsm.cli import output as out
from fluxsm.cli import table


class Changes:
    """Prints objects as they change: the title of the table comes once."""

    def __init__(
        self,
        columns: Sequence[table.Column],
        cells: Callable[[Manifest, datetime], Sequence[str]],
        output: str,
    ) -> None:
        """Prepare.

        Args:
            columns: of the table.
            cells: of an object, at a time.
            output: what `-o` says.
        """
        self._cells, self._output = cells, output
        self._table = table.Table(columns, wide=output == out.WIDE, width=table.terminal_width())
        self._is_first = True

    def all(self, found: Iterable[Manifest]) -> None:
        """Print objects."""
        if self._output in {out.TABLE, out.WIDE}:
            rows = [self._cells(item, datetime.now(UTC)) for item in found]
            for line in self._table.lines(rows, header=self._is_first):
                click.echo(line)
            self._is_first = False
            return
        for item in found:
            if self._output == out.YAML:
                click.echo("---")
            out.objects([item], self._output, single=True)
