# SPDX-License-Identifier: Apache-2.0
"""JSON, for programs."""

from __future__ import annotations

import json
from typing import Any

from fluxsm.machine.graph import GONE, Graph, Node
from fluxsm.machine.table import Row, StateDef, guard_name, guard_words


def render(graph: Graph) -> str:
    """States and rows as data."""
    data = {
        "initial": graph.initial,
        **({"current": graph.current} if graph.current else {}),
        "states": [_state(node, node.definition) for node in graph.nodes if node.definition],
        "rows": [_row(row) for row in graph.rows],
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _state(node: Node, definition: StateDef) -> dict[str, Any]:
    return {
        "name": node.name,
        "kind": node.kind.value if node.kind else None,
        "meaning": definition.meaning,
        "ready": definition.ready,
        "moving": definition.moving,
        "answers": sorted(event.value for event in definition.answers),
        "advice": definition.advice,
    }


def _row(row: Row) -> dict[str, Any]:
    found: dict[str, Any] = {
        "source": row.source.value,
        "event": row.event.value,
        "dest": row.dest.value if row.dest else GONE,
    }
    if row.guard:
        found["guard"] = {"name": guard_name(row.guard), "words": guard_words(row.guard)}
    return found
