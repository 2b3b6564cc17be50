"""Fabric → DOT text of its picture: kept edges bold and coloured, removed ones pale and
dashed, a band for each resolution.

In: a fabric and, as far as they are known, the edges kept, shapes, costs and
probabilities. Out: DOT text for `render_dot`. Data flows downwards; nodes of one
resolution share a band. The same input gives the same text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from bsngraph.draw.parts.edge_looks import REMOVED, edge_looks
from bsngraph.draw.parts.label_text import escaped
from bsngraph.draw.parts.legend import LegendEntry, family_entries, foot
from bsngraph.draw.parts.node_text import node_label, node_tooltip
from bsngraph.draw.parts.outline import frame, outline_of
from bsngraph.draw.parts.view import View
from bsngraph.fabric.model import Edge, Fabric, Node
from bsngraph.fabric.writing import dot_text
from bsngraph.ops import Shape

_FAINT_TEXT = "#9A9A9A"


def fabric_drawing(
    fabric: Fabric,
    *,
    kept: Collection[int] | None = None,
    shapes: Sequence[Shape | None] | None = None,
    edge_costs: Sequence[float | None] | None = None,
    cost_name: str = "macs",
    probabilities: Sequence[float] | None = None,
    caption: Sequence[str] = (),
) -> str:
    """DOT text of the picture of a fabric, or of an architecture over the fabric that
    it came from.

    `kept` are the architecture's edges, as indices. Without them all of the fabric is
    drawn, and `probabilities` (one an edge) then set width and opacity. `shapes` (one a
    node) and `edge_costs` (one an edge, of the cost `cost_name`) are by default what
    the file carries; None in them is unknown. Widths are shares of the kept edges'
    total cost. `caption` goes below, line by line.
    """
    if edge_costs is None:
        edge_costs = [_written_cost(edge, cost_name) for edge in fabric.edges]
    view = View(
        outline_of(fabric, shapes),
        kept=frozenset(range(len(fabric.edges)) if kept is None else kept),
        overlay=kept is not None,
        costs=tuple(edge_costs),
        cost_name=cost_name,
        probabilities=tuple(probabilities) if probabilities is not None and kept is None else None,
    )
    return dot_text.digraph(fabric.name, _statements(view, caption), indent="  ")


def _written_cost(edge: Edge, name: str) -> float | None:
    return edge.computed.get(name, edge.costs.get(name))


def _statements(view: View, caption: Sequence[str]) -> Iterator[str]:
    outline = view.outline
    families = {view.families[index] for index in view.kept}
    yield from frame(outline, foot(caption, family_entries(families), _stroke_entries(view)))
    for node, shape in zip(outline.nodes, outline.shapes, strict=True):
        yield dot_text.node(node.name, _node_looks(view, node, shape))
    for index, edge in enumerate(outline.edges):
        looks = {"key": edge.key, **edge_looks(view, index, edge)}
        yield dot_text.edge(edge.source, edge.target, looks)


def _node_looks(view: View, node: Node, shape: Shape | None) -> dot_text.Attributes:
    here = node.name in view.touched or not view.overlay
    colour, small_colour = ("#000000", "#555555") if here else (_FAINT_TEXT, _FAINT_TEXT)
    merges = node.name in view.outline.merging
    looks = {
        "label": node_label(node, shape, merges=merges, colour=colour, small_colour=small_colour),
        "tooltip": escaped(node_tooltip(node, shape)),
        "fillcolor": "#DDE6EE" if node.name in view.outline.ends and here else "white",
        "color": "#333333" if here else REMOVED,
    }
    return looks | ({} if here else {"style": "filled,rounded,dashed"})


def _stroke_entries(view: View) -> list[LegendEntry]:
    """What widths and dashes mean."""
    if view.probabilities is not None:
        return [LegendEntry("#444444", "width and opacity: probability", 2)]
    entries = [LegendEntry("#444444", f"width: share of {view.cost_name}", 2)] if view.total else []
    return entries + ([LegendEntry(REMOVED, "removed", 1, dashed=True)] if view.overlay else [])
