"""A subject and its layout → the elements of an SVG.

Colours are presentation attributes and classes, never `style`, so that a page needs no
permission for inline styles. The XML library escapes all text.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass

from bsngraph.draw.layout import BoxSize, EdgeRoute, Link, PictureLayout, Point, Rectangle, place_boxes
from bsngraph.draw.palette import short_label
from bsngraph.draw.parts.label_text import EDGE_POINTS
from bsngraph.draw.parts.node_text import NAME_POINTS, SHAPE_POINTS
from bsngraph.draw.parts.outline import MOST_LABELS, outline_of, resolution_bands
from bsngraph.draw.parts.text_width import FONT_FAMILY, text_width
from bsngraph.fabric import Edge, Node
from bsngraph.reporting.picture.colours import colour_class
from bsngraph.reporting.picture.island import edge_told
from bsngraph.reporting.picture.subject import PictureSubject
from bsngraph.wording import percent, printable, shape_text, shortened

BAND_POINTS = 12
GONE = "#7D858E"
_PAD = 10.0
_THINNEST, _THICKEST, _REMOVED_WIDTH = 1.4, 6.5, 1.0


@dataclass(frozen=True)
class TextLine:
    """A line of text in a size."""

    text: str
    points: float
    bold: bool = False

    @property
    def width(self) -> float:
        return text_width(self.text, self.points, bold=self.bold)


def picture_svg(subject: PictureSubject) -> ElementTree.Element:
    """The `<svg>` of a subject.

    Raises:
        NoGraphvizError: no Graphviz is installed.
        BsngraphError: Graphviz failed, or took too long.
    """
    outline = outline_of(subject.fabric)
    bands = resolution_bands(outline)
    texts = [_node_lines(node, node.name in outline.merging) for node in subject.fabric.nodes]
    labels = [_edge_label(subject, index, edge) for index, edge in enumerate(subject.fabric.edges)]
    layout = place_boxes(
        [_box_size(lines) for lines in texts],
        [_link(subject, index, label) for index, label in enumerate(labels)],
        [[subject.fabric.node_index[name] for name in names] for names in bands.values()],
        BoxSize(60, 14),
    )
    svg = _root(subject, layout)
    for number, (resolution, rectangle) in enumerate(zip(bands, layout.bands, strict=True)):
        svg.append(_band(shape_text(resolution), rectangle, number))
    for index, (label, route) in enumerate(zip(labels, layout.routes, strict=True)):
        svg.append(_edge(subject, index, label, route))
    for node, lines, rectangle in zip(subject.fabric.nodes, texts, layout.boxes, strict=True):
        svg.append(_node(subject, node, lines, rectangle))
    return svg


def _root(subject: PictureSubject, layout: PictureLayout) -> ElementTree.Element:
    width, height = layout.width + 2 * _PAD, layout.height + 2 * _PAD
    kept = f"{len(subject.shown)} of {len(subject.fabric.edges)} edges" if subject.kept is not None else ""
    label = f"Architecture over its fabric, {kept} kept" if kept else "The whole fabric"
    return ElementTree.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"{-_PAD:g} {-_PAD:g} {width:.1f} {height:.1f}",
            "width": f"{width:.0f}",
            "height": f"{height:.0f}",
            "role": "group",
            "aria-label": label,
            "font-family": FONT_FAMILY,
        },
    )


def _node_lines(node: Node, merges: bool) -> list[TextLine]:
    small = [node.merge] if merges and node.merge != "sum" else []
    shape = node.tensor or node.input
    small += [shape_text(shape)] if shape is not None else []
    lines = [TextLine(printable(shortened(node.name)), NAME_POINTS, bold=True)]
    return [*lines, TextLine(" · ".join(small), SHAPE_POINTS)] if small else lines


def _box_size(lines: list[TextLine]) -> BoxSize:
    width = max(line.width for line in lines) + 18
    return BoxSize(max(width, 54.0), sum(1.2 * line.points for line in lines) + 10)


def _edge_label(subject: PictureSubject, index: int, edge: Edge) -> TextLine | None:
    """What a shown edge does and its share of the cost, if not too many are shown."""
    if index not in subject.shown or len(subject.shown) > MOST_LABELS:
        return None
    share = subject.share(index)
    text = (
        f"{short_label(edge)} · {percent(share)}" if share and subject.kept is not None else short_label(edge)
    )
    return TextLine(printable(text), EDGE_POINTS)


def _link(subject: PictureSubject, index: int, label: TextLine | None) -> Link:
    source, target = subject.fabric.endpoints[index]
    clear = 14 + 1.5 * _stroke_width(subject, index)
    size = None if label is None else BoxSize(label.width + clear, 1.3 * label.points)
    shown = index in subject.shown
    return Link(source, target, size, 3 if shown else 1, _arrow(_stroke_width(subject, index)))


def _stroke_width(subject: PictureSubject, index: int) -> float:
    """In points, by share of the cost; by Γ if there is no architecture."""
    if index not in subject.shown:
        return _REMOVED_WIDTH
    if subject.kept is None and subject.probabilities is not None:
        return 0.6 + 3.0 * subject.probabilities[index]
    largest = max(map(subject.share, subject.shown), default=0.0)
    return _THINNEST + (_THICKEST - _THINNEST) * subject.share(index) / largest if largest else 2.0


def _arrow(width: float) -> float:
    return 5.0 + 1.2 * width


def _band(text: str, box: Rectangle, number: int) -> ElementTree.Element:
    group = ElementTree.Element("g", {"class": f"arch-band arch-band{number % 2}"})
    fill = ("#EEF3F8", "#F8F2E9")[number % 2]
    group.append(_rectangle(box, 8, {"fill": fill}))
    line = TextLine(text, BAND_POINTS)
    group.append(_text(line, (box.x + 12 + line.width / 2, box.y + 18), "#5A6B7B"))
    return group


def _edge(
    subject: PictureSubject, index: int, label: TextLine | None, route: EdgeRoute
) -> ElementTree.Element:
    shown = index in subject.shown
    colour = subject.families[index].colour if shown else GONE
    kind = colour_class(colour) if shown else "arch-removed"
    group = ElementTree.Element("g", {"class": f"arch-edge {kind}", "data-edge": str(index)})
    ElementTree.SubElement(group, "title").text = edge_told(subject, index)
    path = _path(route)
    width = _stroke_width(subject, index)
    line = {"class": "arch-line", "d": path, "fill": "none", "stroke": colour, "stroke-width": f"{width:.2f}"}
    group.append(ElementTree.Element("path", line if shown else line | {"stroke-dasharray": "5 3"}))
    group.append(
        ElementTree.Element("polygon", {"class": "arch-tip", "points": _tip(route, width), "fill": colour})
    )
    if label is not None and route.label is not None:
        group.append(_text(label, (route.label[0], route.label[1] + 0.35 * label.points), "#222222"))
    return group


def _path(route: EdgeRoute) -> str:
    start, *rest = (f"{x:.1f},{y:.1f}" for x, y in route.points)
    return f"M{start}C{' '.join(rest)}"


def _tip(route: EdgeRoute, width: float) -> str:
    """The head: from the end of the curve to the tip, wider than the line."""
    (x, y), (tip_x, tip_y) = route.points[-1], route.tip
    length = ((tip_x - x) ** 2 + (tip_y - y) ** 2) ** 0.5 or 1.0
    half = 2.0 + 0.8 * width
    across, along = half * (tip_y - y) / length, half * (tip_x - x) / length
    corners = ((tip_x, tip_y), (x - across, y + along), (x + across, y - along))
    return " ".join(f"{corner_x:.1f},{corner_y:.1f}" for corner_x, corner_y in corners)


def _node(subject: PictureSubject, node: Node, lines: list[TextLine], box: Rectangle) -> ElementTree.Element:
    here = node.name in subject.touched
    ends = {*subject.fabric.sources, *subject.fabric.targets}
    kind = ("arch-end" if node.name in ends else "arch-inner") if here else "arch-unused"
    group = ElementTree.Element(
        "g", {"class": f"arch-node {kind}", "data-node": str(subject.fabric.node_index[node.name])}
    )
    looks = {"fill": "#DDE6EE" if kind == "arch-end" else "#FFFFFF", "stroke": "#333333"}
    group.append(_rectangle(box, 8, looks if here else looks | {"stroke-dasharray": "5 3", "stroke": GONE}))
    top = box.y + (box.height - sum(1.2 * line.points for line in lines)) / 2
    for line in lines:
        colour = "#111111" if here else "#767676"
        group.append(_text(line, (box.x + box.width / 2, top + 0.95 * line.points), colour))
        top += 1.2 * line.points
    title = ElementTree.SubElement(group, "title")
    does = f", then {node.activation}" if node.activation != "none" else ""
    title.text = printable(f"{node.name}: merge {node.merge}{does}")
    return group


def _rectangle(box: Rectangle, radius: float, looks: Mapping[str, str]) -> ElementTree.Element:
    place = {"x": box.x, "y": box.y, "width": box.width, "height": box.height, "rx": radius}
    return ElementTree.Element("rect", {**{name: f"{value:.1f}" for name, value in place.items()}, **looks})


def _text(line: TextLine, centre: Point, colour: str) -> ElementTree.Element:
    """A line of text, centred, and as wide as its box expects whatever the font."""
    attributes = {
        "x": f"{centre[0]:.1f}",
        "y": f"{centre[1]:.1f}",
        "text-anchor": "middle",
        "font-size": f"{line.points:g}",
        "fill": colour,
        "textLength": f"{line.width:.1f}",
        "lengthAdjust": "spacingAndGlyphs",
    }
    element = ElementTree.Element("text", attributes | ({"font-weight": "bold"} if line.bold else {}))
    element.text = line.text
    return element
