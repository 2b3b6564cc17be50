"""Gates whose edges disagree, and choices that leave nothing to choose."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bsngraph.errors import Problem
from bsngraph.fabric.model import Edge


def group_problems(edges: Iterable[Edge]) -> list[Problem]:
    """What is wrong with gates and choices."""
    problems: list[Problem] = []
    gates: dict[str, Edge] = {}
    options: dict[str, set[str]] = {}
    for edge in edges:
        if edge.fixed:
            continue
        if edge.choice is not None:
            option = f"edge {edge.name}" if edge.gate is None else f"gate {edge.gate}"
            options.setdefault(edge.choice, set()).add(option)
        if edge.gate is not None:
            problems += _disagreements(edge, gates.setdefault(edge.gate, edge))
    for choice, among in options.items():
        if len(among) < 2:
            cure = "give the same choice to the edges it is between, or remove it"
            problems.append(Problem(f"choice {choice} has a single option", next(iter(among)), cure))
    return problems


def _disagreements(edge: Edge, first: Edge) -> Iterator[Problem]:
    """How an edge differs from the first one of its gate."""
    for word, here, there in (
        ("choice", edge.choice, first.choice),
        ("probability", edge.probability, first.probability),
    ):
        if here != there:
            what = (
                f"gate {edge.gate} has edges of different {word} ({here or 'none'} here, "
                f"{there or 'none'} on {first.name})"
            )
            cure = "edges of one gate are kept or dropped together: give them the same"
            yield Problem(what, f"edge {edge.name}", cure)
