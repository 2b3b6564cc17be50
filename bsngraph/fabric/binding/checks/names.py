"""Names that DOT cannot write, or that cannot be told apart."""

from __future__ import annotations

from collections.abc import Iterable

from bsngraph.errors import Problem
from bsngraph.fabric.model import Edge

_PRINTABLE = "use printable characters without a backslash"


def name_problems(nodes: Iterable[str], edges: Iterable[Edge]) -> list[Problem]:
    """What is wrong with the names of nodes and edges."""
    return [*_node_problems(nodes), *_edge_problems(edges)]


def _node_problems(names: Iterable[str]) -> list[Problem]:
    problems = []
    for name in names:
        what, where = f"{name!r} cannot name a node", f"node {name!r}"
        if not name or "\\" in name or not name.isprintable():
            problems.append(Problem(what, where, _PRINTABLE))
        elif name.startswith("%"):
            cure = "put another character before %: to Graphviz such a node is a new one wherever it is named"
            problems.append(Problem(what, where, cure))
    return problems


def _edge_problems(edges: Iterable[Edge]) -> list[Problem]:
    problems = []
    seen: set[str] = set()
    for edge in edges:
        where = f"edge {edge.name}"
        if edge.name in seen:
            cure = "avoid -> and # in node names and keys, and give each edge a key of its own"
            problems.append(Problem("two edges bear this name", where, cure))
        seen.add(edge.name)
        if not edge.key.isprintable() or "\\" in edge.key:
            problems.append(Problem(f"{edge.key!r} cannot be a key", where, _PRINTABLE))
    return problems
