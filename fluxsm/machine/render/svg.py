# SPDX-License-Identifier: Apache-2.0
"""An SVG picture, the same for the same table, without any other program.

Where everything is comes from `layout`; here it gets its looks, for light and for dark pages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final
from xml.sax.saxutils import escape

from fluxsm.machine.graph import Graph, Kind, Node, Role, kinds
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


def render(graph: Graph) -> str:
    """The picture as a document."""
    drawing = arrange(graph)
    legend = list(_legend(graph, drawing))
    extent = drawing.extent()
    left, top = extent.left - _MARGIN, extent.top - _MARGIN
    width = max(extent.right, *(x for x, _ in legend)) + _MARGIN - left
    height = extent.height + _LEGEND + 2 * _MARGIN
    size = f'width="{width:.0f}" height="{height:.0f}"'
    view = f'viewBox="{left:.0f} {top:.0f} {width:.0f} {height:.0f}"'
    ground = f'<rect class="ground" x="{left:.0f}" y="{top:.0f}" width="100%" height="100%"/>'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view} role="img">',
        "<title>The state machine of a FluxInstance</title>",
        f"<style>{_SHAPES}{_colours(LIGHT)}",
        f"@media(prefers-color-scheme:dark){{{_colours(DARK)}}}</style>",
        f"<defs>{_TIP}</defs>",
        ground,
        *map(_arrow, drawing.arrows),
        *map(_stub, drawing.stubs),
        *(_node(node, drawing, graph.current) for node in graph.nodes),
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


def _arrow(arrow: Arrow) -> str:
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


def _node(node: Node, drawing: Drawing, current: str) -> str:
    """A state, or the end, which has a double border; many states are drawn as stubs."""
    if node.role is Role.MANY or node.kind is None:
        return ""
    box, style = drawing.boxes[node.name], _class(node.kind)
    tip = f"<title>{escape(node.definition.meaning)}</title>" if node.definition else ""
    chosen = node.name == current
    shape = _rectangle(box, f"box {style} current" if chosen else f"box {style}")
    if node.role is Role.END:
        inner = Box(left=box.left + 4, top=box.top + 4, width=box.width - 8, height=box.height - 8)
        shape += _rectangle(inner, f"ring {style}")
    mark = ' aria-current="true"' if chosen else ""
    name = _text([node.name], box.middle, "name chosen" if chosen else "name")
    return f"<g{mark}>{tip}{shape}{name}</g>"


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
        f"{escape(line)}</text>"
        for number, line in enumerate(lines)
    )
