# SPDX-License-Identifier: Apache-2.0
"""State Chart XML (W3C), for tools that read or run it."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

from fluxsm.machine.graph import GONE, Graph, Role
from fluxsm.machine.table import Row, guard_name, guard_words

_NAMESPACE = "http://www.w3.org/2005/07/scxml"


def render(graph: Graph) -> str:
    """The document. A guard is a condition of its name; its words stand beside it."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<scxml xmlns="{_NAMESPACE}" version="1.0" initial={quoteattr(graph.initial)}>',
    ]
    for node in graph.nodes:
        if node.role is Role.END:
            lines.append(f"  <final id={quoteattr(node.name)}/>")
            continue
        lines.append(f"  <state id={quoteattr(node.name)}>")
        for row in graph.rows:
            if row.source.value == node.name:
                lines += _transition(row)
        lines.append("  </state>")
    return "\n".join([*lines, "</scxml>"]) + "\n"


def _transition(row: Row) -> list[str]:
    dest = row.dest.value if row.dest else GONE
    condition = f" cond={quoteattr(guard_name(row.guard))}" if row.guard else ""
    tag = (
        f"    <transition event={quoteattr(row.event.value)}{condition} target={quoteattr(dest)}/>"
    )
    return [f"    <!-- {guard_words(row.guard)} -->", tag] if row.guard else [tag]
