"""How an edge of a view looks: colour, width, label and tooltip."""

from __future__ import annotations

from dataclasses import replace

from bsngraph.draw.palette import long_label, short_label
from bsngraph.draw.parts.decision_texts import edge_decision
from bsngraph.draw.parts.label_text import edge_label, escaped
from bsngraph.draw.parts.view import View
from bsngraph.fabric.model import Edge
from bsngraph.fabric.writing.dot_text import Attributes
from bsngraph.wording import percent, quantity

REMOVED = "#B4B4B4"
THINNEST, THICKEST = 1.4, 6.5


def edge_looks(view: View, index: int, edge: Edge) -> Attributes:
    """Bold and in its family's colour if it is kept, pale and dashed if not."""
    tooltip = escaped(_tooltip(view, index, edge))
    told = {"tooltip": tooltip, "labeltooltip": tooltip}
    return (_kept_looks(view, index, edge) if index in view.kept else _removed_looks()) | told


def _removed_looks() -> dict[str, str]:
    return {"color": REMOVED, "style": "dashed", "penwidth": "0.8", "arrowsize": "0.5", "weight": "1"}


def _kept_looks(view: View, index: int, edge: Edge) -> dict[str, str]:
    probability = 1.0 if view.probabilities is None or edge.fixed else view.probabilities[index]
    colour = view.families[index].colour
    if view.probabilities is not None:
        colour += f"{round(255 * (0.12 + 0.88 * probability)):02X}"
    width = _width(view, index, probability)
    looks = {
        "color": colour,
        "style": "solid",
        "penwidth": f"{width:.2f}",
        "arrowsize": f"{0.75 - 0.05 * width:.2f}",
        "weight": "3",
    }
    if view.labelled:
        clear_of_the_line = 1 + round(width / 4)
        looks |= {"label": edge_label(_label(view, index, edge), clear_of_the_line), "fontcolor": colour}
    return looks


def _width(view: View, index: int, probability: float) -> float:
    """In points: by probability, by share of the costs, or the same for all."""
    if view.probabilities is not None:
        return 0.6 + 3.0 * probability
    if not view.largest:
        return 2.0
    return THINNEST + (THICKEST - THINNEST) * view.kept_costs.get(index, 0.0) / view.largest


def _label(view: View, index: int, edge: Edge) -> str:
    label = short_label(edge)
    if view.probabilities is not None:
        return label if edge.fixed else " · ".join([label, *_group(edge), f"{view.probabilities[index]:.2f}"])
    if view.overlay:
        return f"{label} · {percent(view.share(index))}" if view.share(index) else label
    return label if edge.fixed or not (decides := edge_decision(edge)) else f"{label} · {decides}"


def _tooltip(view: View, index: int, edge: Edge) -> str:
    lines = [edge.name, long_label(edge) + (" (fixed)" if edge.fixed else "")]
    cost = view.costs[index]
    if cost is not None:
        share = f" ({percent(view.share(index))})" if view.share(index) else ""
        lines.append(f"{view.cost_name} {quantity(cost)}{share}")
    if view.probabilities is not None:
        lines += [*_group(edge), f"probability {view.probabilities[index]:.3f}"]
    elif not edge.fixed and (decides := edge_decision(edge)):
        lines.append(decides)
    return "\n".join([*lines, *([] if index in view.kept else ["removed"])])


def _group(edge: Edge) -> list[str]:
    """The gate and the choice that an edge is in, if any."""
    decides = edge_decision(replace(edge, probability=None))
    return [decides] if decides and not edge.fixed else []
