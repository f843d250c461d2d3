# SPDX-License-Identifier: Apache-2.0
"""An SVG picture, the same for the same table, without any other program.

Where everything is comes from `layout`; here it gets its looks, for light and for dark pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from fluxsm.machine.graph import Edge, Graph, Kind, Node, Role, kinds
from fluxsm.machine.render.geometry import (
    LINE_HEIGHT,
    Arrow,
    Box,
    Drawing,
    Point,
    Stub,
    text_width,
)
from fluxsm.machine.render.layout import arrange
from fluxsm.machine.render.palette import DARK, LIGHT, Palette
from fluxsm.machine.table import StateDef

_MARGIN: Final = 16.0
_ROUND: Final = 8.0
_LEGEND, _SWATCH = 46.0, 16.0
_SHAPES: Final = (
    "text{font:13px -apple-system,'Segoe UI','Noto Sans',Helvetica,Arial,sans-serif}"
    ".name{font-size:14px;font-weight:600;text-anchor:middle}"
    ".many{font-style:italic;text-anchor:middle}.end{text-anchor:end}"
    ".line{fill:none;stroke-width:1.4}.box{stroke-width:1.4}.stub{stroke-dasharray:5 3}"
    ".current{stroke-width:4}.ring{fill:none;stroke-width:1.4}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What a picture within a page has besides.

    Attributes:
        states: names of states that were passed.
        edges: source and dest of arrows that were passed.
        link: where the name of a state leads to.
        tip: what there is to say about an arrow.
    """

    states: frozenset[str] = frozenset()
    edges: frozenset[tuple[str, str]] = frozenset()
    link: Callable[[str], str]
    tip: Callable[[Edge], str]


def render(graph: Graph) -> str:
    """The picture as a document."""
    style = [
        f"<style>{_SHAPES}{_colours(LIGHT)}",
        f"@media(prefers-color-scheme:dark){{{_colours(DARK)}}}</style>",
    ]
    return _picture(graph, arrange(graph), 'role="img"', style, None)


def embed(graph: Graph, drawing: Drawing, marks: Marks) -> str:
    """The picture as a part of a page, which has the style of it: states are links.

    Args:
        graph: what is drawn.
        drawing: where everything is.
        marks: what is lit, and where links lead.
    """
    return _picture(graph, drawing, 'role="group" aria-labelledby="machine-name"', [], marks)


def _picture(
    graph: Graph, drawing: Drawing, role: str, style: Sequence[str], marks: Marks | None
) -> str:
    legend = list(_legend(graph, drawing))
    extent = drawing.extent()
    left, top = extent.left - _MARGIN, extent.top - _MARGIN
    width = max(extent.right, *(x for x, _ in legend)) + _MARGIN - left
    height = extent.height + _LEGEND + 2 * _MARGIN
    size = f'width="{width:.0f}" height="{height:.0f}"'
    view = f'viewBox="{left:.0f} {top:.0f} {width:.0f} {height:.0f}"'
    ground = f'<rect class="ground" x="{left:.0f}" y="{top:.0f}" width="100%" height="100%"/>'
    name = ' id="machine-name"' if marks else ""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view} {role}>',
        f"<title{name}>The state machine of a FluxInstance</title>",
        *style,
        f"<defs>{_TIP}</defs>",
        ground,
        *(_arrow(arrow, marks) for arrow in drawing.arrows),
        *map(_stub, drawing.stubs),
        *(_node(node, drawing, graph.current, marks) for node in graph.nodes),
        *_beginning(drawing),
        *(part for _, part in legend),
        "</svg>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


_TIP = (
    '<marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7"'
    ' orient="auto"><path class="solid" d="M0 0L10 5L0 10z"/></marker>'
)


def _colours(palette: Palette) -> str:
    rules = [
        f".ground{{fill:{palette.ground}}}text{{fill:{palette.text}}}",
        f".line{{stroke:{palette.line}}}.solid{{fill:{palette.line}}}",
        f".stub{{fill:{palette.ground};stroke:{palette.line}}}",
    ]
    for kind, tone in palette.tones.items():
        rules.append(f".{_class(kind)}{{fill:{tone.fill};stroke:{tone.stroke}}}")
        rules.append(f".ring.{_class(kind)}{{fill:none}}")
        rules.append(f".current.{_class(kind)}{{fill:{tone.stroke}}}")
    rules.append(f".chosen{{fill:{palette.ground}}}")
    return "".join(rules)


def _class(kind: Kind) -> str:
    return kind.name.lower()


def _arrow(arrow: Arrow, marks: Marks | None) -> str:
    """An arrow; within a page with what there is to say about it."""
    if marks is None or arrow.edge is None:
        return _line(arrow)
    edge = arrow.edge
    style = "edge passed" if (edge.source, edge.dest) in marks.edges else "edge"
    tip = escape(marks.tip(edge), quote=False)
    return f'<g class="{style}"><title>{tip}</title>{_line(arrow)}</g>'


def _line(arrow: Arrow) -> str:
    """A line with round corners, and its label."""
    points = arrow.points
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        near, far = _towards(corner, before), _towards(corner, after)
        path += f"L{near[0]:.1f} {near[1]:.1f}Q{corner[0]:.1f} {corner[1]:.1f}"
        path += f" {far[0]:.1f} {far[1]:.1f}"
    path += f"L{points[-1][0]:.1f} {points[-1][1]:.1f}"
    line = f'<path class="line" d="{path}" marker-end="url(#tip)"/>'
    if arrow.label is None:
        return line
    ends = arrow.points[0][0] > arrow.label.right
    x = arrow.label.right if ends else arrow.label.left
    return line + _text(arrow.lines, (x, arrow.label.middle[1]), "label end" if ends else "label")


def _towards(corner: Point, other: Point) -> Point:
    """A point near a corner, where the line begins to turn."""
    distance = max(abs(other[0] - corner[0]) + abs(other[1] - corner[1]), 0.001)
    share = min(_ROUND, distance / 2) / distance
    return (
        corner[0] + (other[0] - corner[0]) * share,
        corner[1] + (other[1] - corner[1]) * share,
    )


def _beginning(drawing: Drawing) -> Iterator[str]:
    if drawing.beginning:
        x, y = drawing.beginning
        yield f'<circle class="solid" cx="{x:.1f}" cy="{y:.1f}" r="7"/>'


def _stub(stub: Stub) -> str:
    return _rectangle(stub.box, "stub") + _text(stub.lines, stub.box.middle, "many")


def _node(node: Node, drawing: Drawing, current: str, marks: Marks | None) -> str:
    """A state, or the end, which has a double border; many states are drawn as stubs."""
    if node.role is Role.MANY or node.kind is None:
        return ""
    box, style = drawing.boxes[node.name], _class(node.kind)
    tip = (
        f"<title>{escape(_about(node.definition, marks), quote=False)}</title>"
        if node.definition
        else ""
    )
    chosen = node.name == current
    shape = _rectangle(box, f"box {style} current" if chosen else f"box {style}")
    if node.role is Role.END:
        inner = Box(left=box.left + 4, top=box.top + 4, width=box.width - 8, height=box.height - 8)
        shape += _rectangle(inner, f"ring {style}")
    mark = ' aria-current="true"' if chosen else ""
    name = _text([node.name], box.middle, "name chosen" if chosen else "name")
    if marks is None:
        return f"<g{mark}>{tip}{shape}{name}</g>"
    passed = ' class="passed"' if node.name in marks.states else ""
    group = f"<g{passed}>{tip}{shape}{name}</g>"
    if node.definition is None:
        return group
    return f'<a href="{escape(marks.link(node.name))}"{mark}>{group}</a>'


def _about(definition: StateDef, marks: Marks | None) -> str:
    """What a state means; within a page also what ends it when a time has passed."""
    return definition.meaning if marks is None else f"{definition.meaning} {definition.timers}"


def _rectangle(box: Box, style: str) -> str:
    return (
        f'<rect class="{style}" x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}"'
        f' height="{box.height:.1f}" rx="9"/>'
    )


def _legend(graph: Graph, drawing: Drawing) -> Iterator[tuple[float, str]]:
    """Each entry below the picture, and where it ends on the right."""
    extent = drawing.extent()
    x, y = extent.left, extent.bottom + _LEGEND - _SWATCH
    entries = [(f"box {_class(kind)}", kind.value) for kind in kinds(graph)]
    current = [node.kind for node in graph.nodes if node.name == graph.current and node.kind]
    entries += [(f"box {_class(kind)} current", "current state") for kind in current]
    if drawing.stubs:
        entries.append(("stub", "several states"))
    for style, word in entries:
        swatch = Box(left=x, top=y, width=26, height=_SWATCH)
        text = _text([word], (swatch.right + 6, swatch.middle[1]), "legend")
        x = swatch.right + 6 + text_width((word,)) + 18
        yield x, _rectangle(swatch, style) + text


def _text(lines: Sequence[str], middle: Point, style: str) -> str:
    first = middle[1] - LINE_HEIGHT * (len(lines) - 1) / 2 + 4.3
    return "".join(
        f'<text class="{style}" x="{middle[0]:.1f}" y="{first + LINE_HEIGHT * number:.1f}">'
        f"{escape(line, quote=False)}</text>"
        for number, line in enumerate(lines)
    )
