"""The facts of a picture's edges, as JSON that stands in the page for its script.

In: a subject. Out: text for a `<script type="application/json">`. It has plain text
alone, and cannot end the element that it stands in.
"""

from __future__ import annotations

import json

from bsngraph.draw.palette import long_label, short_label
from bsngraph.draw.parts.decision_texts import edge_decision
from bsngraph.fabric import Edge, Fabric
from bsngraph.reporting.picture.subject import PictureSubject
from bsngraph.wording import percent, printable, quantity, shape_text

#: What the panel says of an edge, line by line.
FACTS = ("operation", "arguments", "shapes", "Γ", "decided by", "state")


def island(subject: PictureSubject) -> str:
    """The facts of all edges, in the fabric's order."""
    rows = [_row(subject, index, edge) for index, edge in enumerate(subject.fabric.edges)]
    said = {"facts": FACTS, "costs": [printable(name) for name in subject.costs], "edges": rows}
    text = json.dumps(said, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def edge_told(subject: PictureSubject, index: int) -> str:
    """An edge in one line: `a->b#0, conv 3×3, kept, 37 % of macs`."""
    edge = subject.fabric.edges[index]
    share = subject.share(index)
    parts = [edge.name, short_label(edge), _state(subject, index)]
    parts += [f"{percent(share)} of {subject.main_cost}"] if share else []
    return printable(", ".join(parts))


def _row(subject: PictureSubject, index: int, edge: Edge) -> dict[str, object]:
    """Ends as indices of nodes, and what the panel says: a text for each of `FACTS`,
    empty if it has nothing to say, and three for each cost.
    """
    return {
        "ends": subject.fabric.endpoints[index],
        "kept": index in subject.shown,
        "name": printable(edge.name),
        "facts": [printable(text) for text in _facts(subject, index, edge)],
        "costs": [_cost_texts(subject, index, name) for name in subject.costs],
    }


def _facts(subject: PictureSubject, index: int, edge: Edge) -> tuple[str, ...]:
    return (
        short_label(edge),
        long_label(edge).removeprefix(edge.op).strip(),
        f"{_shape(subject.fabric, edge.source)} → {_shape(subject.fabric, edge.target)}",
        "" if subject.probabilities is None or edge.fixed else f"{subject.probabilities[index]:.3f}",
        "" if edge.fixed else edge_decision(edge),
        _state(subject, index),
    )


def _state(subject: PictureSubject, index: int) -> str:
    if subject.fabric.edges[index].fixed:
        return "fixed" if index in subject.shown else "fixed, but not on a path"
    if subject.kept is None:
        return "searchable"
    return "kept" if index in subject.kept else "removed"


def _shape(fabric: Fabric, name: str) -> str:
    node = fabric.nodes[fabric.node_index[name]]
    shape = node.tensor or node.input
    return "?" if shape is None else shape_text(shape)


def _cost_texts(subject: PictureSubject, index: int, name: str) -> list[str]:
    """Value, share of the network (of a kept edge), share of the whole fabric."""
    value, whole = subject.costs[name][index], sum(subject.costs[name])
    total = subject.totals[name]
    in_network = percent(value / total) if total and index in subject.shown else "–"
    amount = f"{quantity(value)} {subject.unit(name)}".strip()
    return [amount, in_network, percent(value / whole) if whole else "–"]
