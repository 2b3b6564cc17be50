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


def island(subject: PictureSubject) -> str:
    """The facts of all edges, in the fabric's order."""
    rows = [_row(subject, index, edge) for index, edge in enumerate(subject.fabric.edges)]
    text = json.dumps({"edges": rows}, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def edge_told(subject: PictureSubject, index: int) -> str:
    """An edge in one line, for screen readers: `a->b#0, conv 3×3, kept, 37 % of
    macs`.
    """
    edge = subject.fabric.edges[index]
    share = subject.share(index)
    parts = [edge.name, short_label(edge), _state(subject, index)]
    parts += [f"{percent(share)} of {subject.main_cost}"] if share else []
    return printable(", ".join(parts))


def _row(subject: PictureSubject, index: int, edge: Edge) -> dict[str, object]:
    """Ends as indices of nodes, then what the panel says line by line."""
    fabric = subject.fabric
    return {
        "ends": fabric.endpoints[index],
        "kept": index in subject.shown,
        "name": printable(edge.name),
        "facts": [[label, printable(text)] for label, text in _facts(subject, index, edge)],
        "costs": [_cost_row(subject, index, name) for name in subject.costs],
    }


def _facts(subject: PictureSubject, index: int, edge: Edge) -> list[tuple[str, str]]:
    facts = [("operation", short_label(edge))]
    if edge.arguments:
        facts.append(("arguments", long_label(edge).removeprefix(edge.op).strip()))
    facts.append(("shapes", f"{_shape(subject.fabric, edge.source)} → {_shape(subject.fabric, edge.target)}"))
    if subject.probabilities is not None and not edge.fixed:
        facts.append(("Γ", f"{subject.probabilities[index]:.3f}"))
    decision = edge_decision(edge)
    if decision and not edge.fixed:
        facts.append(("decided by", decision))
    return [*facts, ("state", _state(subject, index))]


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


def _cost_row(subject: PictureSubject, index: int, name: str) -> list[str]:
    """Name, value, share of the network (of a kept edge), share of the whole fabric."""
    value, whole = subject.costs[name][index], sum(subject.costs[name])
    total = subject.totals[name]
    in_network = percent(value / total) if total and index in subject.shown else "–"
    amount = f"{quantity(value)} {subject.unit(name)}".strip()
    return [printable(name), amount, in_network, percent(value / whole) if whole else "–"]
