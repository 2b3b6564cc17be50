"""Boxes and edges → where they stand in a picture, by Graphviz.

In: sizes alone, so that no name reaches Graphviz and no font is measured by it. Out: a
`PictureLayout`. All lengths are in points; x grows to the right and y downwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from bsngraph.draw.graphviz import graphviz_output
from bsngraph.errors import BsngraphError
from bsngraph.fabric.writing import dot_text
from bsngraph.fabric.writing.dot_text import Html

Point = tuple[float, float]


@dataclass(frozen=True)
class BoxSize:
    """Width and height."""

    width: float
    height: float


@dataclass(frozen=True)
class Link:
    """An edge from box to box, by their indices. `weight` says how straight and short
    it should be. `arrow` is the length of its head.
    """

    source: int
    target: int
    label: BoxSize | None = None
    weight: int = 1
    arrow: float = 7.0


@dataclass(frozen=True)
class Rectangle:
    """A placed box; x and y are those of its upper left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class EdgeRoute:
    """How an edge runs: a start and then three points for each cubic Bézier curve; the
    tip of its head; the centre of its label.
    """

    points: tuple[Point, ...]
    tip: Point
    label: Point | None


@dataclass(frozen=True)
class PictureLayout:
    """Where everything is: boxes, bands around some of them, routes, in the order in
    which they were given.
    """

    width: float
    height: float
    boxes: tuple[Rectangle, ...]
    bands: tuple[Rectangle, ...]
    routes: tuple[EdgeRoute, ...]


def place_boxes(
    boxes: Sequence[BoxSize], links: Sequence[Link], bands: Sequence[Sequence[int]], band_head: BoxSize
) -> PictureLayout:
    """Place boxes from top to bottom. Each of the `bands` is a group of boxes with room
    for a head above them.

    Raises:
        NoGraphvizError: no Graphviz is installed.
        BsngraphError: Graphviz failed, or took too long.
    """
    said = graphviz_output(dot_text.digraph("g", _statements(boxes, links, bands, band_head)), "json0")
    try:
        drawn = msgspec.json.decode(said, type=_Drawn)
    except msgspec.DecodeError as error:
        raise BsngraphError(f"Graphviz gave a layout that cannot be read ({error}): update it") from None
    return _placed(drawn, len(boxes), len(bands))


def _statements(
    boxes: Sequence[BoxSize], links: Sequence[Link], bands: Sequence[Sequence[int]], band_head: BoxSize
) -> Iterator[str]:
    yield dot_text.defaults("graph", {"rankdir": "TB", "nodesep": "0.28", "ranksep": "0.28", "pad": "0"})
    yield dot_text.defaults("node", {"shape": "box", "fixedsize": "true", "label": ""})
    for number, members in enumerate(bands):
        style = {"label": _room(band_head), "labeljust": "l", "labelloc": "t", "margin": "14"}
        inside = [dot_text.node(f"n{box}", {}) for box in members]
        yield from dot_text.subgraph(f"cluster_{number}", [dot_text.defaults("graph", style), *inside])
    for number, box in enumerate(boxes):
        size = {"width": f"{box.width / 72:.4f}", "height": f"{box.height / 72:.4f}"}
        yield dot_text.node(f"n{number}", size)
    for number, link in enumerate(links):
        looks = {"id": str(number), "weight": str(link.weight), "arrowsize": f"{link.arrow / 10:.2f}"}
        label = {} if link.label is None else {"label": _room(link.label)}
        yield dot_text.edge(f"n{link.source}", f"n{link.target}", looks | label)


def _room(size: BoxSize) -> Html:
    """A label without a text, of a size."""
    cell = f'<td fixedsize="true" width="{size.width:.0f}" height="{size.height:.0f}"></td>'
    return Html(f'<table border="0" cellborder="0" cellspacing="0" cellpadding="0"><tr>{cell}</tr></table>')


class _Object(msgspec.Struct):
    """A box, which has a place and a size in inches, or a band, which has bounds."""

    name: str
    pos: str = ""
    width: str = ""
    height: str = ""
    bb: str = ""


class _Line(msgspec.Struct):
    id: str
    pos: str
    lp: str = ""


class _Drawn(msgspec.Struct):
    bb: str
    objects: list[_Object] = []
    edges: list[_Line] = []


def _numbers(text: str) -> list[float]:
    return [float(number) for number in text.split(",")]


def _placed(drawn: _Drawn, box_count: int, band_count: int) -> PictureLayout:
    width, height = _numbers(drawn.bb)[2:]
    objects = {item.name: item for item in drawn.objects}
    lines = sorted(drawn.edges, key=lambda line: int(line.id))
    return PictureLayout(
        width=width,
        height=height,
        boxes=tuple(_box(objects[f"n{number}"], height) for number in range(box_count)),
        bands=tuple(_band(objects[f"cluster_{number}"], height) for number in range(band_count)),
        routes=tuple(_route(line, height) for line in lines),
    )


def _box(item: _Object, bottom: float) -> Rectangle:
    x, y = _numbers(item.pos)
    width, height = 72 * float(item.width), 72 * float(item.height)
    return Rectangle(x - width / 2, bottom - y - height / 2, width, height)


def _band(item: _Object, bottom: float) -> Rectangle:
    left, low, right, high = _numbers(item.bb)
    return Rectangle(left, bottom - high, right - left, high - low)


def _route(line: _Line, bottom: float) -> EdgeRoute:
    """`e,x,y` is the tip, the other pairs are the curves."""
    tip, *points = line.pos.removeprefix("e,").split()
    return EdgeRoute(
        points=tuple(_point(point, bottom) for point in points),
        tip=_point(tip, bottom),
        label=_point(line.lp, bottom) if line.lp else None,
    )


def _point(text: str, bottom: float) -> Point:
    x, y = _numbers(text)
    return x, bottom - y
