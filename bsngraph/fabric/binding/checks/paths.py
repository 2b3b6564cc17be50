"""The order of a graph's nodes, and what is wrong with the paths between them.

In: the raw graph, its nodes, its sources and targets. Out: the nodes in topological
order, and cycles, ends that are missing or misplaced, and nodes on no path.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import networkx as nx

from bsngraph.errors import Problem
from bsngraph.fabric.binding.checks.ends import end_problems
from bsngraph.fabric.binding.cures.spelling import Spelling
from bsngraph.fabric.model import Node
from bsngraph.fabric.reading.raw import RawGraph, place
from bsngraph.fabric.words.natural_order import natural_key

_MOST_SHOWN = 20


def topological_order(
    raw: RawGraph,
    nodes: Mapping[str, Node],
    sources: Sequence[str],
    targets: Sequence[str],
    spelling: Spelling,
) -> tuple[list[str] | None, list[Problem]]:
    """The nodes by level (longest path from a source) and name, or None if there is a
    cycle; and every problem.
    """
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from((edge.source, edge.target) for edge in raw.edges)
    places = {node.name: place(f"node {node.name}", node.line) for node in raw.nodes}
    problems = end_problems(raw, graph, nodes, places, sources, targets, spelling)
    if not nx.is_directed_acyclic_graph(graph):
        return None, [*problems, _cycle_problem(graph)]
    problems += _path_problems(graph, places, sources, targets)
    levels = {name: level for level, group in enumerate(nx.topological_generations(graph)) for name in group}
    return sorted(nodes, key=lambda name: (levels[name], natural_key(name))), problems


def _cycle_problem(graph: nx.DiGraph[str]) -> Problem:
    cycle = [edge[0] for edge in nx.find_cycle(graph)]
    shown = cycle if len(cycle) <= _MOST_SHOWN else [*cycle[:10], "…", *cycle[-9:]]
    where = " -> ".join([*shown, cycle[0]])
    return Problem("the graph has a cycle", where, "remove or turn round one of these edges")


def _path_problems(
    graph: nx.DiGraph[str], places: Mapping[str, str], sources: Sequence[str], targets: Sequence[str]
) -> list[Problem]:
    """Nodes on no path from a source to a target."""
    problems = []
    forward = _reached(graph.succ, sources)
    backward = _reached(graph.pred, targets)
    cure = "connect it, or remove it"
    for name, where in places.items():
        if sources and name not in forward and graph.in_degree(name):
            problems.append(Problem("no path leads from a source to the node", where, cure))
        if targets and name not in backward:
            problems.append(Problem("no path leads from the node to a target", where, cure))
    return problems


def _reached(neighbours: Mapping[str, Iterable[str]], start: Sequence[str]) -> set[str]:
    reached, ahead = set(start), list(start)
    while ahead:
        new = [name for name in neighbours[ahead.pop()] if name not in reached]
        reached.update(new)
        ahead += new
    return reached
