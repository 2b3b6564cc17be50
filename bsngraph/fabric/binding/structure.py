"""What must hold of a fabric's graph as a whole: names that can be told apart, no
cycle, everything on a path.

In: the raw graph and what its nodes turned out to be. Out: the nodes in topological
order, and every problem found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import networkx as nx

from bsngraph.errors import Problem
from bsngraph.fabric.model import Edge, Node
from bsngraph.fabric.reading.raw import RawGraph, place
from bsngraph.ops.merges import MERGES


def natural_key(name: str) -> tuple[object, ...]:
    """Sorts `s2` before `s10`, and any two different names apart."""
    parts = re.split(r"([0-9]+)", name)
    # too long, maybe, for an int
    numbers = (part.lstrip("0") if part.isdecimal() and part.isascii() else None for part in parts)
    return (
        *((1, 0, part) if n is None else (0, len(n), n) for n, part in zip(numbers, parts, strict=True)),
        (2, 0, name),
    )


def edges_by_name(edges: Sequence[Edge]) -> list[int]:
    """Indices of edges by source, target and key: an order that survives pruning, as
    the index does not (nodes stand by level).
    """

    def names(index: int) -> tuple[tuple[object, ...], ...]:
        edge = edges[index]
        return natural_key(edge.source), natural_key(edge.target), natural_key(edge.key)

    return sorted(range(len(edges)), key=names)


def name_problems(nodes: Iterable[str], edges: Iterable[Edge]) -> list[Problem]:
    """Names that DOT cannot write or that cannot be told apart."""
    problems = []
    for name in nodes:
        where = f"node {name!r}"
        if not name or "\\" in name or not name.isprintable():
            problems.append(
                Problem(f"{name!r} cannot name a node", where, "use printable characters without a backslash")
            )
        elif name.startswith("%"):
            cure = "put another character before %: to Graphviz such a node is a new one wherever it is named"
            problems.append(Problem(f"{name!r} cannot name a node", where, cure))
    seen: set[str] = set()
    for edge in edges:
        where = f"edge {edge.name}"
        if edge.name in seen:
            cure = "avoid -> and # in node names and keys, and give each edge a key of its own"
            problems.append(Problem("two edges bear this name", where, cure))
        seen.add(edge.name)
        if not edge.key.isprintable() or "\\" in edge.key:
            problems.append(
                Problem(
                    f"{edge.key!r} cannot be a key", where, "use printable characters without a backslash"
                )
            )
    return problems


def group_problems(edges: Iterable[Edge]) -> list[Problem]:
    """Gates whose edges disagree, and choices between fewer than two."""
    problems = []
    gates: dict[str, Edge] = {}
    options: dict[str, set[str]] = {}
    for edge in edges:
        if edge.fixed:
            continue
        if edge.choice is not None:
            options.setdefault(edge.choice, set()).add(
                f"edge {edge.name}" if edge.gate is None else f"gate {edge.gate}"
            )
        first = gates.setdefault(edge.gate, edge) if edge.gate is not None else edge
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
                problems.append(Problem(what, f"edge {edge.name}", cure))
    for choice, among in options.items():
        if len(among) < 2:
            cure = "give the same choice to the edges it is between, or remove it"
            problems.append(Problem(f"choice {choice} has a single option", next(iter(among)), cure))
    return problems


def slot_problems(nodes: Mapping[str, Node], edges: Iterable[Edge]) -> list[Problem]:
    """Slots of concat nodes on nodes that are none."""
    problems = []
    cure = "set merge=concat on the node, or remove it"
    for node in nodes.values():
        if node.concat_channels is not None and not MERGES[node.merge].slots:
            problems.append(
                Problem(f"concat_channels has no meaning at merge={node.merge}", f"node {node.name}", cure)
            )
    for edge in edges:
        merge = nodes[edge.target].merge
        if edge.concat_offset is not None and not MERGES[merge].slots:
            what = f"concat_offset has no meaning on an edge into a node of merge={merge}"
            problems.append(Problem(what, f"edge {edge.name}", cure))
    return problems


def topological_order(
    raw: RawGraph, nodes: Mapping[str, Node], sources: Sequence[str], targets: Sequence[str]
) -> tuple[list[str] | None, list[Problem]]:
    """The nodes by level (longest path from a source) and name, None where there is a
    cycle; and what is wrong.
    """
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from((edge.source, edge.target) for edge in raw.edges)
    lines = {node.name: place(f"node {node.name}", node.line) for node in raw.nodes}
    problems = _end_problems(raw, graph, nodes, lines, sources)
    for name in sorted({*sources} & {*targets}):
        problems.append(
            Problem(
                "the source is a target too", lines[name], "name another target: it is reached over edges"
            )
        )
    if not nx.is_directed_acyclic_graph(graph):
        cycle = [edge[0] for edge in nx.find_cycle(graph)]
        shown = cycle if len(cycle) <= 20 else [*cycle[:10], "…", *cycle[-9:]]
        where = " -> ".join([*shown, cycle[0]])
        return None, [
            *problems,
            Problem("the graph has a cycle", where, "remove or turn round one of these edges"),
        ]
    problems += _path_problems(graph, lines, sources, targets)
    levels = {name: level for level, group in enumerate(nx.topological_generations(graph)) for name in group}
    return sorted(nodes, key=lambda name: (levels[name], natural_key(name))), problems


def _end_problems(
    raw: RawGraph,
    graph: nx.DiGraph[str],
    nodes: Mapping[str, Node],
    lines: Mapping[str, str],
    sources: Sequence[str],
) -> list[Problem]:
    """Sources that are none, and nodes that should be one."""
    problems = []
    ends = frozenset(sources)
    written = {
        node.name for node in raw.nodes if {**node.inherited, **node.own}.get("input") not in (None, "")
    }
    for name, node in nodes.items():
        if name in ends:
            if node.input is None and name not in written:
                cure = 'add input="3x32x32" (the sizes of one example, channels first)'
                problems.append(Problem("the source has no input shape", lines[name], cure))
            if graph.in_degree(name):
                problems.append(
                    Problem(
                        "the source has incoming edges", lines[name], "remove them, or name another source"
                    )
                )
            continue
        if not graph.in_degree(name):
            cure = (
                "add an edge into it, or name it in `graph [source=...]`, or remove it (sources: "
                f"{', '.join(sources) or 'none'})"
            )
            problems.append(Problem("the node has no incoming edge and is not a source", lines[name], cure))
        if node.input is not None:
            cure = "name it in `graph [source=...]`, or remove input"
            problems.append(Problem("the node has an input shape but is not a source", lines[name], cure))
    return problems


def _reached(neighbours: Mapping[str, Iterable[str]], start: Sequence[str]) -> set[str]:
    reached, ahead = set(start), list(start)
    while ahead:
        new = [name for name in neighbours[ahead.pop()] if name not in reached]
        reached.update(new)
        ahead += new
    return reached


def _path_problems(
    graph: nx.DiGraph[str], lines: Mapping[str, str], sources: Sequence[str], targets: Sequence[str]
) -> list[Problem]:
    """Nodes on no path from a source to a target."""
    problems = []
    forward = _reached(graph.succ, sources)
    backward = _reached(graph.pred, targets)
    for name, where in lines.items():
        if sources and name not in forward and graph.in_degree(name):
            problems.append(
                Problem("no path leads from a source to the node", where, "connect it, or remove it")
            )
        if targets and name not in backward:
            problems.append(
                Problem("no path leads from the node to a target", where, "connect it, or remove it")
            )
    return problems
