"""Two fabrics → DOT text of one picture: what B adds is green, what it lacks red and
dashed, what it changes orange, the rest grey.

In: the two fabrics; shapes are drawn where they carry them. Out: DOT text for
`render_dot`, in the style of `fabric_drawing`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from bsngraph.draw.dot_text import attributes, escaped, quoted
from bsngraph.draw.fabric_drawing import (
    MOST_LABELS,
    View,
    band_statements,
    node_label,
    node_tooltip,
    opening,
    resolution_bands,
)
from bsngraph.draw.legend import Entry, foot
from bsngraph.draw.palette import long_label, short_label
from bsngraph.fabric.difference import Changed, FabricDifference, difference
from bsngraph.fabric.model import Edge, Fabric, Node
from bsngraph.ops import Value

ADDED, GONE, CHANGED, SAME = "#117733", "#CC3311", "#E67300", "#9A9A9A"
_FILLS = {ADDED: "#E3F2E6", GONE: "#FBE9E6", CHANGED: "#FDF0E0", SAME: "white"}
_MOST_CHANGES = 2


def difference_drawing(a: Fabric, b: Fabric, *, caption: Sequence[str] = ()) -> str:
    """DOT text of the picture of what changed from fabric `a` to fabric `b`.

    An edge that is searchable in one and fixed in the other, and else the same, counts
    as the same.
    """
    found = difference(a, b)
    both = _union(a, b)
    shapes = tuple(node.tensor or node.input for node in both.nodes)
    view = View(
        both, frozenset(range(len(both.edges))), False, shapes, (None,) * len(both.edges), "macs", None
    )
    return "\n".join(
        [
            f"digraph {quoted(both.name)} {{",
            *_statements(view, found, {edge.name: edge for edge in a.edges}, caption),
            "}",
            "",
        ]
    )


def spoken(change: Value | None) -> str:
    """A value as a change says it."""
    if isinstance(change, float):
        return f"{change:.4g}"
    if change is None:
        return "unset"
    return str(change).lower() if isinstance(change, bool) else str(change)


def _union(a: Fabric, b: Fabric) -> Fabric:
    """B, and what only A has. It may have cycles and need not be a fabric; it is only
    drawn.
    """
    nodes: dict[str, Node] = {node.name: node for node in (*a.nodes, *b.nodes)}
    edges: dict[str, Edge] = {edge.name: edge for edge in (*a.edges, *b.edges)}
    sources, targets = dict.fromkeys((*b.sources, *a.sources)), dict.fromkeys((*b.targets, *a.targets))
    return replace(
        b,
        nodes=tuple(nodes.values()),
        edges=tuple(edges.values()),
        sources=tuple(sources),
        targets=tuple(targets),
    )


def _statements(
    view: View, found: FabricDifference, before: Mapping[str, Edge], caption: Sequence[str]
) -> Iterator[str]:
    changed = {one.name: one for one in found.changed if not one.decided}
    nodes_changed = {one.name: one for one in found.nodes_changed if not one.decided}
    colours = (
        dict.fromkeys(changed, CHANGED)
        | {edge.name: ADDED for edge in found.only_b}
        | {edge.name: GONE for edge in found.only_a}
    )
    node_colours = dict.fromkeys(nodes_changed, CHANGED)
    node_colours |= {node.name: ADDED for node in found.nodes_only_b} | {
        node.name: GONE for node in found.nodes_only_a
    }
    yield from opening(foot(caption, [], _entries({*colours.values(), *node_colours.values()})))
    for position, (resolution, members) in enumerate(resolution_bands(view).items()):
        yield from band_statements(view, position, resolution, members)
    for index, node in enumerate(view.fabric.nodes):
        colour = node_colours.get(node.name, SAME)
        style = _node_style(view, index, node, colour, nodes_changed.get(node.name))
        yield f"  {quoted(node.name)} {attributes(style)};"
    labelled = len(view.fabric.edges) <= MOST_LABELS
    for edge in view.fabric.edges:
        colour = colours.get(edge.name, SAME)
        style = {"key": edge.key} | _edge_style(
            edge, before.get(edge.name), colour, changed.get(edge.name), labelled or colour != SAME
        )
        yield f"  {quoted(edge.source)} -> {quoted(edge.target)} {attributes(style)};"


def _node_style(view: View, index: int, node: Node, colour: str, changed: Changed | None) -> dict[str, str]:
    text = "#777777" if colour == SAME else colour
    tooltip = "\n".join([node_tooltip(node, view.shapes[index]), *_told(changed)])
    style = {
        "label": node_label(view, index, node, text if colour != SAME else "#333333", text),
        "tooltip": escaped(tooltip),
        "fillcolor": _FILLS[colour],
        "color": colour,
    }
    return (
        style
        | ({"style": "filled,rounded,dashed"} if colour == GONE else {})
        | ({} if colour == SAME else {"penwidth": "2"})
    )


def _edge_style(
    edge: Edge, before: Edge | None, colour: str, changed: Changed | None, labelled: bool
) -> dict[str, str]:
    tooltip = escaped(
        "\n".join([edge.name, long_label(edge) + (" (fixed)" if edge.fixed else ""), *_told(changed)])
    )
    style = {
        "color": colour,
        "style": "dashed" if colour == GONE else "solid",
        "penwidth": "1.2" if colour == SAME else "2.6",
    }
    if labelled:
        style |= {"label": "  " + escaped(_edge_label(edge, before, changed)), "fontcolor": colour}
    return style | {"tooltip": tooltip, "labeltooltip": tooltip}


def _edge_label(edge: Edge, before: Edge | None, changed: Changed | None) -> str:
    """What the edge does; of a changed one what it did, or the words that changed where
    both read alike.
    """
    if changed is None or before is None:
        return short_label(edge)
    then, now = short_label(before), short_label(edge)
    if then != now:
        return f"{then} → {now}"
    told = _told(changed)
    return "\n  ".join([now, *told[:_MOST_CHANGES], *(["…"] if len(told) > _MOST_CHANGES else [])])


def _told(changed: Changed | None) -> list[str]:
    """`channels 16 → 32`, one a change."""
    return (
        [f"{change.what} {spoken(change.before)} → {spoken(change.after)}" for change in changed.changes]
        if changed
        else []
    )


def _entries(colours: set[str]) -> list[Entry]:
    entries = [Entry(ADDED, "added", 3), Entry(GONE, "removed", 3, dashed=True), Entry(CHANGED, "changed", 3)]
    return [*(entry for entry in entries if entry.colour in colours), Entry(SAME, "the same", 2)]
