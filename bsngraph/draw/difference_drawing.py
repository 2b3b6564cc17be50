"""Two fabrics → DOT text of one picture: what B adds is green, what it lacks red and
dashed, what it changes orange, the rest grey.

In: the two fabrics; shapes are drawn where they carry them. Out: DOT text for
`render_dot`, in the style of `fabric_drawing`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bsngraph.draw.palette import long_label, short_label
from bsngraph.draw.parts.label_text import edge_label, escaped
from bsngraph.draw.parts.legend import LegendEntry, foot
from bsngraph.draw.parts.node_text import node_label, node_tooltip
from bsngraph.draw.parts.outline import MOST_LABELS, Outline, frame, known_shapes
from bsngraph.fabric.difference import Changed, FabricDifference, difference
from bsngraph.fabric.model import Edge, Fabric, Node
from bsngraph.fabric.writing import dot_text
from bsngraph.ops import Shape, Value

ADDED, GONE, CHANGED, SAME = "#117733", "#CC3311", "#E67300", "#9A9A9A"
_FILLS = {ADDED: "#E3F2E6", GONE: "#FBE9E6", CHANGED: "#FDF0E0", SAME: "white"}
_MOST_CHANGES = 2


def difference_drawing(a: Fabric, b: Fabric, *, caption: Sequence[str] = ()) -> str:
    """DOT text of the picture of what changed from fabric `a` to fabric `b`.

    An edge that is searchable in one and fixed in the other, and otherwise the same,
    counts as the same.
    """
    outline = _union(a, b)
    marks = _marks(difference(a, b))
    before = {edge.name: edge for edge in a.edges}
    return dot_text.digraph(outline.name, _statements(outline, marks, before, caption), indent="  ")


def spoken(change: Value | None) -> str:
    """A value as a change says it."""
    if isinstance(change, float):
        return f"{change:.4g}"
    if change is None:
        return "unset"
    return str(change).lower() if isinstance(change, bool) else str(change)


def _union(a: Fabric, b: Fabric) -> Outline:
    """B, and what only A has."""
    nodes = {node.name: node for node in (*a.nodes, *b.nodes)}
    edges = {edge.name: edge for edge in (*a.edges, *b.edges)}
    return Outline(
        name=b.name,
        nodes=tuple(nodes.values()),
        edges=tuple(edges.values()),
        ends=frozenset((*a.sources, *a.targets, *b.sources, *b.targets)),
        shapes=known_shapes(tuple(nodes.values())),
    )


@dataclass(frozen=True)
class _Marks:
    """Names of edges and of nodes → their colours, and what changed about them. What is
    not named is the same.
    """

    edge_colours: Mapping[str, str]
    node_colours: Mapping[str, str]
    edge_changes: Mapping[str, Changed]
    node_changes: Mapping[str, Changed]


def _marks(found: FabricDifference) -> _Marks:
    edge_changes = {one.name: one for one in found.changed if not one.decided}
    node_changes = {one.name: one for one in found.nodes_changed if not one.decided}
    return _Marks(
        edge_colours=_colours(edge_changes, found.only_a, found.only_b),
        node_colours=_colours(node_changes, found.nodes_only_a, found.nodes_only_b),
        edge_changes=edge_changes,
        node_changes=node_changes,
    )


def _colours(
    changed: Mapping[str, Changed], only_a: Sequence[Edge | Node], only_b: Sequence[Edge | Node]
) -> dict[str, str]:
    colours = dict.fromkeys(changed, CHANGED)
    return colours | {one.name: ADDED for one in only_b} | {one.name: GONE for one in only_a}


def _statements(
    outline: Outline, marks: _Marks, before: Mapping[str, Edge], caption: Sequence[str]
) -> Iterator[str]:
    """`before` are A's edges by name."""
    used = {*marks.edge_colours.values(), *marks.node_colours.values()}
    yield from frame(outline, foot(caption, [], _entries(used)))
    for node, shape in zip(outline.nodes, outline.shapes, strict=True):
        yield dot_text.node(node.name, _node_looks(outline, node, shape, marks))
    labelled = len(outline.edges) <= MOST_LABELS
    for edge in outline.edges:
        looks = {"key": edge.key, **_edge_looks(edge, before.get(edge.name), marks, labelled)}
        yield dot_text.edge(edge.source, edge.target, looks)


def _node_looks(outline: Outline, node: Node, shape: Shape | None, marks: _Marks) -> dot_text.Attributes:
    colour = marks.node_colours.get(node.name, SAME)
    name_colour, small_colour = ("#333333", "#777777") if colour == SAME else (colour, colour)
    merges = node.name in outline.merging
    told = _told(marks.node_changes.get(node.name))
    looks: dict[str, str] = {
        "label": node_label(node, shape, merges=merges, colour=name_colour, small_colour=small_colour),
        "tooltip": escaped("\n".join([node_tooltip(node, shape), *told])),
        "fillcolor": _FILLS[colour],
        "color": colour,
    }
    if colour == GONE:
        looks["style"] = "filled,rounded,dashed"
    if colour != SAME:
        looks["penwidth"] = "2"
    return looks


def _edge_looks(edge: Edge, before: Edge | None, marks: _Marks, labelled: bool) -> dot_text.Attributes:
    """A changed edge always has a label, the others if all edges are `labelled`."""
    colour = marks.edge_colours.get(edge.name, SAME)
    changed = marks.edge_changes.get(edge.name)
    fixed = " (fixed)" if edge.fixed else ""
    tooltip = escaped("\n".join([edge.name, long_label(edge) + fixed, *_told(changed)]))
    looks = {
        "color": colour,
        "style": "dashed" if colour == GONE else "solid",
        "penwidth": "1.2" if colour == SAME else "2.6",
    }
    if labelled or colour != SAME:
        looks |= {"label": edge_label(_edge_text(edge, before, changed), 2), "fontcolor": colour}
    return looks | {"tooltip": tooltip, "labeltooltip": tooltip}


def _edge_text(edge: Edge, before: Edge | None, changed: Changed | None) -> str:
    """What the edge does. A changed one has what it did before it, or the words that
    changed if both read alike.
    """
    if changed is None or before is None:
        return short_label(edge)
    then, now = short_label(before), short_label(edge)
    if then != now:
        return f"{then} → {now}"
    told = _told(changed)
    return "\n".join([now, *told[:_MOST_CHANGES], *(["…"] if len(told) > _MOST_CHANGES else [])])


def _told(changed: Changed | None) -> list[str]:
    """`channels 16 → 32`, one a change."""
    changes = changed.changes if changed else ()
    return [f"{change.what} {spoken(change.before)} → {spoken(change.after)}" for change in changes]


def _entries(colours: set[str]) -> list[LegendEntry]:
    """What the colours mean, those that are used and the grey of the rest."""
    entries = [
        LegendEntry(ADDED, "added", 3),
        LegendEntry(GONE, "removed", 3, dashed=True),
        LegendEntry(CHANGED, "changed", 3),
    ]
    return [*(entry for entry in entries if entry.colour in colours), LegendEntry(SAME, "the same", 2)]
