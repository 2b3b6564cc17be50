"""The nodes and edges of a drawing, and the frame around them: bands of one resolution,
and how everything looks unless it says otherwise.

In: an `Outline` and a label for the foot. Out: statements of DOT.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from bsngraph.draw.parts.label_text import EDGE_POINTS
from bsngraph.draw.parts.node_text import NAME_POINTS
from bsngraph.fabric.model import Edge, Fabric, Node
from bsngraph.fabric.writing.dot_text import Html, defaults, node, subgraph
from bsngraph.ops import Shape
from bsngraph.wording import shape_text

FONT = "Helvetica"
MOST_LABELS = 80
BANDS = ("#EEF3F8", "#F8F2E9")

_GRAPH = {
    "rankdir": "TB",
    "fontname": FONT,
    "bgcolor": "white",
    "pad": "0.25",
    "nodesep": "0.28",
    "ranksep": "0.28",
    "tooltip": " ",
}
_NODES = {
    "fontname": FONT,
    "fontsize": str(NAME_POINTS),
    "shape": "box",
    "style": "filled,rounded",
    "margin": "0.12,0.05",
}
_EDGES = {"fontname": FONT, "fontsize": str(EDGE_POINTS), "arrowsize": "0.7"}
_BAND = {
    "labeljust": "l",
    "labelloc": "t",
    "fontname": FONT,
    "fontsize": "12",
    "fontcolor": "#5A6B7B",
    "style": "filled,rounded",
}


@dataclass(frozen=True)
class Outline:
    """Nodes and edges to draw. It may have cycles, so it need not be a fabric.

    `ends` are the names of sources and targets; `shapes` has one a node, None if
    unknown.
    """

    name: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    ends: frozenset[str]
    shapes: tuple[Shape | None, ...]

    @cached_property
    def merging(self) -> frozenset[str]:
        """Names of the nodes that more than one edge leads into."""
        incoming = Counter(edge.target for edge in self.edges)
        return frozenset(name for name, count in incoming.items() if count > 1)


def outline_of(fabric: Fabric, shapes: Sequence[Shape | None] | None = None) -> Outline:
    """All of a fabric; without `shapes`, with those that its file carries."""
    return Outline(
        name=fabric.name,
        nodes=fabric.nodes,
        edges=fabric.edges,
        ends=frozenset((*fabric.sources, *fabric.targets)),
        shapes=known_shapes(fabric.nodes) if shapes is None else tuple(shapes),
    )


def known_shapes(nodes: Sequence[Node]) -> tuple[Shape | None, ...]:
    """The shapes that a file says of its nodes."""
    return tuple(node.tensor or node.input for node in nodes)


def frame(outline: Outline, foot: Html | None) -> Iterator[str]:
    """The statements that a drawing begins with: looks, foot, bands."""
    label = {"label": foot, "labelloc": "b", "labeljust": "c"} if foot else {}
    yield defaults("graph", _GRAPH | label)
    yield defaults("node", _NODES)
    yield defaults("edge", _EDGES)
    for position, (resolution, names) in enumerate(resolution_bands(outline).items()):
        yield from _band(position, resolution, names)


def resolution_bands(outline: Outline) -> Mapping[Shape, Sequence[str]]:
    """Resolution → names of the nodes that have it, in their order. Sources and targets
    stand outside.
    """
    bands: dict[Shape, list[str]] = {}
    for item, shape in zip(outline.nodes, outline.shapes, strict=True):
        if shape is not None and len(shape) > 1 and item.name not in outline.ends:
            bands.setdefault(tuple(shape[1:]), []).append(item.name)
    return bands


def _band(position: int, resolution: Shape, names: Sequence[str]) -> Iterator[str]:
    colour = BANDS[position % len(BANDS)]
    text = shape_text(resolution)
    style = {
        "label": text,
        **_BAND,
        "color": colour,
        "margin": "14",
        "tooltip": f"nodes of {text}",
    }
    members = [node(name, {}) for name in names]
    return subgraph(f"cluster_{position}", [defaults("graph", style), *members])
