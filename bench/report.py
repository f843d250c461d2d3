# SPDX-License-Identifier: Apache-2.0
"""Print costs beside their targets."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from bench.measure import Cost


def show(costs: Sequence[Cost], *, details: bool = False) -> None:
    """Print a table; with details also what kind of requests were sent."""
    table = Table(title="Cost of the operator, with targets")
    table.add_column("work")
    for name in ("requests", "seconds", "resident MiB"):
        table.add_column(name, justify="right")
    table.add_column("met")
    for cost in costs:
        table.add_row(
            cost.work,
            _against(cost.requests, cost.most_requests, "d"),
            _against(cost.seconds, cost.most_seconds, ".2f"),
            _against(cost.resident, cost.most_resident, ".0f"),
            "yes" if cost.is_met else "NO",
        )
    console = Console(width=110)
    console.print(table)
    for cost in costs if details else ():
        console.print(f"{cost.work}:")
        for what, count in sorted(cost.by_verb.items()):
            console.print(f"  {count:5} {what}")


def _against(value: float | None, most: float | None, form: str) -> str:
    if value is None:
        return ""
    return f"{value:{form}}" if most is None else f"{value:{form}} / {round(most, 2):g}"
