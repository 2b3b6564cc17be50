"""Fabric → DOT text of its picture: kept edges bold and coloured, removed ones pale and
dashed, a band for each resolution.

In: a fabric and, as far as they are known, the edges kept, shapes, costs and
probabilities. Out: DOT text for `render_dot`. Data flows downwards; nodes of one
resolution share a band. The same input gives the same text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from bsngraph.draw.dot_text import Html, attributes, escaped, html_escaped, quoted
from bsngraph.draw.legend import Entry, family_entries, foot
from bsngraph.draw.palette import Family, family_of, long_label, short_label
from bsngraph.fabric.model import Edge, Fabric, Node
from bsngraph.ops import Shape
from bsngraph.wording import percent, quantity, shape_text, shortened

FONT = "Helvetica"
MOST_LABELS = 80
REMOVED = "#B4B4B4"
FAINT_TEXT = "#9A9A9A"
BANDS = ("#EEF3F8", "#F8F2E9")
THINNEST, THICKEST = 1.4, 6.5


@dataclass(frozen=True)
class View:
    """What is drawn. Sequences run over the fabric's nodes or edges; None is
    unknown.
    """

    fabric: Fabric
    kept: frozenset[int]
    overlay: bool
    shapes: tuple[Shape | None, ...]
    costs: tuple[float | None, ...]
    cost_name: str
    probabilities: tuple[float, ...] | None

    @cached_property
    def kept_costs(self) -> Mapping[int, float]:
        """Edge index → cost, of what is kept and costs something."""
        costs = {index: self.costs[index] or 0.0 for index in sorted(self.kept)}
        return {index: cost for index, cost in costs.items() if cost > 0}

    @cached_property
    def total(self) -> float:
        return sum(self.kept_costs.values())

    @cached_property
    def largest(self) -> float:
        return max(self.kept_costs.values(), default=0.0)

    @cached_property
    def touched(self) -> frozenset[str]:
        """Names of the nodes that a kept edge touches."""
        kept = [self.fabric.edges[index] for index in self.kept]
        return frozenset(name for edge in kept for name in (edge.source, edge.target))

    @cached_property
    def families(self) -> tuple[Family, ...]:
        return tuple(family_of(edge.op, edge.arguments) for edge in self.fabric.edges)

    @cached_property
    def labelled(self) -> bool:
        return len(self.kept) <= MOST_LABELS

    def share(self, index: int) -> float:
        """The edge's share of what everything kept costs."""
        return self.kept_costs.get(index, 0.0) / self.total if self.total else 0.0


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

    `kept` are the architecture's edges; without it all of the fabric is drawn, and
    `probabilities` (one an edge) then set width and opacity. `shapes` (one a node) and
    `edge_costs` (one an edge, of the cost `cost_name`) are by default what the file
    carries; None in them is unknown. Widths are shares of the kept edges' total cost.
    `caption` goes below, line by line.
    """
    view = View(
        fabric,
        kept=frozenset(range(len(fabric.edges)) if kept is None else kept),
        overlay=kept is not None,
        shapes=tuple(shapes)
        if shapes is not None
        else tuple(node.tensor or node.input for node in fabric.nodes),
        costs=tuple(edge_costs)
        if edge_costs is not None
        else tuple(_written_cost(edge, cost_name) for edge in fabric.edges),
        cost_name=cost_name,
        probabilities=tuple(probabilities) if probabilities is not None and kept is None else None,
    )
    return "\n".join([f"digraph {quoted(fabric.name)} {{", *_statements(view, caption), "}", ""])


def _written_cost(edge: Edge, name: str) -> float | None:
    return edge.computed.get(name, edge.costs.get(name))


def _statements(view: View, caption: Sequence[str]) -> Iterator[str]:
    families = {view.families[index] for index in view.kept}
    label = foot(caption, family_entries(families), _stroke_entries(view))
    yield from opening(label)
    for position, (resolution, members) in enumerate(resolution_bands(view).items()):
        yield from band_statements(view, position, resolution, members)
    for index, node in enumerate(view.fabric.nodes):
        yield f"  {quoted(node.name)} {attributes(_node_style(view, index, node))};"
    for index, edge in enumerate(view.fabric.edges):
        style = {"key": edge.key} | _edge_style(view, index, edge)
        yield f"  {quoted(edge.source)} -> {quoted(edge.target)} {attributes(style)};"


def opening(label: Html | None) -> Iterator[str]:
    """The statements that every drawing begins with: how graph, nodes and edges look
    unless they say otherwise.
    """
    yield f"  graph {attributes(graph_style(label))};"
    box = {
        "fontname": FONT,
        "fontsize": "13",
        "shape": "box",
        "style": "filled,rounded",
        "margin": "0.12,0.05",
    }
    yield f"  node {attributes(box)};"
    yield f"  edge {attributes({'fontname': FONT, 'fontsize': '11', 'arrowsize': '0.7'})};"


def graph_style(label: Html | None) -> dict[str, str]:
    """The graph's own attributes."""
    style = {
        "rankdir": "TB",
        "fontname": FONT,
        "bgcolor": "white",
        "pad": "0.25",
        "nodesep": "0.28",
        "ranksep": "0.28",
        "tooltip": " ",
    }
    return style | ({"label": label, "labelloc": "b", "labeljust": "c"} if label else {})


def resolution_bands(view: View) -> dict[Shape, list[int]]:
    """Resolution → the nodes that have it, in topological order; sources and targets
    stand outside.
    """
    ends = {*view.fabric.source_indices, *view.fabric.target_indices}
    bands: dict[Shape, list[int]] = {}
    for index, shape in enumerate(view.shapes):
        if shape is not None and len(shape) > 1 and index not in ends:
            bands.setdefault(tuple(shape[1:]), []).append(index)
    return bands


def band_statements(view: View, position: int, resolution: Shape, members: Sequence[int]) -> Iterator[str]:
    """The statements of one band."""
    style = {
        "label": shape_text(resolution),
        "labeljust": "l",
        "labelloc": "t",
        "fontname": FONT,
        "fontsize": "12",
        "fontcolor": "#5A6B7B",
        "style": "filled,rounded",
        "color": BANDS[position % len(BANDS)],
        "margin": "14",
        "tooltip": f"nodes of {shape_text(resolution)}",
    }
    yield f"  subgraph {quoted(f'cluster_{position}')} {{"
    yield f"    graph {attributes(style)};"
    yield from (f"    {quoted(view.fabric.nodes[member].name)};" for member in members)
    yield "  }"


def _node_style(view: View, index: int, node: Node) -> dict[str, str]:
    here = node.name in view.touched or not view.overlay
    end = node.name in view.fabric.sources or node.name in view.fabric.targets
    name_colour, shape_colour = ("#000000", "#555555") if here else (FAINT_TEXT, FAINT_TEXT)
    style = {
        "label": node_label(view, index, node, name_colour, shape_colour),
        "tooltip": escaped(node_tooltip(node, view.shapes[index])),
        "fillcolor": "#DDE6EE" if end and here else "white",
        "color": "#333333" if here else REMOVED,
    }
    return style | ({} if here else {"style": "filled,rounded,dashed"})


def node_label(view: View, index: int, node: Node, name_colour: str, shape_colour: str) -> Html:
    """A node's name, and below it its merge and shape."""
    shape = view.shapes[index]
    merges = node.merge != "sum" and len(view.fabric.incoming[index]) > 1
    small = [node.merge] if merges else []
    small += [shape_text(shape)] if shape is not None else []
    name = f'<font color="{name_colour}"><b>{html_escaped(shortened(node.name))}</b></font>'
    below = (
        f'<br/><font point-size="10" color="{shape_colour}">{html_escaped(" · ".join(small))}</font>'
        if small
        else ""
    )
    return Html(name + below)


def node_tooltip(node: Node, shape: Shape | None) -> str:
    """What a node's tooltip says."""
    does = [f"merge {node.merge}", *([f"then {node.activation}"] if node.activation != "none" else [])]
    return "\n".join([node.name, *([shape_text(shape)] if shape is not None else []), ", ".join(does)])


def _edge_style(view: View, index: int, edge: Edge) -> dict[str, str]:
    tooltip = escaped(_edge_tooltip(view, index, edge))
    told = {"tooltip": tooltip, "labeltooltip": tooltip}
    if index not in view.kept:
        return {
            "color": REMOVED,
            "style": "dashed",
            "penwidth": "0.8",
            "arrowsize": "0.5",
            "weight": "1",
        } | told
    probability = 1.0 if view.probabilities is None or edge.fixed else view.probabilities[index]
    colour = view.families[index].colour
    if view.probabilities is not None:
        colour += f"{round(255 * (0.12 + 0.88 * probability)):02X}"
    width = _width(view, index, probability)
    style = {
        "color": colour,
        "style": "solid",
        "penwidth": f"{width:.2f}",
        "arrowsize": f"{0.75 - 0.05 * width:.2f}",
        "weight": "3",
    }
    if view.labelled:
        clear_of_the_line = " " * (1 + round(width / 4))
        style |= {"label": clear_of_the_line + escaped(_edge_label(view, index, edge)), "fontcolor": colour}
    return style | told


def _width(view: View, index: int, probability: float) -> float:
    if view.probabilities is not None:
        return 0.6 + 3.0 * probability
    if not view.largest:
        return 2.0
    return THINNEST + (THICKEST - THINNEST) * view.kept_costs.get(index, 0.0) / view.largest


def _edge_label(view: View, index: int, edge: Edge) -> str:
    label = short_label(edge)
    if view.probabilities is not None:
        return label if edge.fixed else f"{label} · {view.probabilities[index]:.2f}"
    return f"{label} · {percent(view.share(index))}" if view.overlay and view.share(index) else label


def _edge_tooltip(view: View, index: int, edge: Edge) -> str:
    lines = [edge.name, long_label(edge) + (" (fixed)" if edge.fixed else "")]
    cost = view.costs[index]
    if cost is not None:
        share = f" ({percent(view.share(index))})" if view.share(index) else ""
        lines.append(f"{view.cost_name} {quantity(cost)}{share}")
    if view.probabilities is not None:
        lines.append(f"probability {view.probabilities[index]:.3f}")
    return "\n".join([*lines, *([] if index in view.kept else ["removed"])])


def _stroke_entries(view: View) -> list[Entry]:
    if view.probabilities is not None:
        return [Entry("#444444", "width and opacity: probability", 2)]
    entries = [Entry("#444444", f"width: share of {view.cost_name}", 2)] if view.total else []
    return entries + ([Entry(REMOVED, "removed", 1, dashed=True)] if view.overlay else [])
