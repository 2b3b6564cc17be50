"""The order of a graph's nodes, and what is wrong with the paths between them.

In: the raw graph, its nodes, its sources and targets. Out: the nodes in topological
order, and cycles, ends that are missing or misplaced, and nodes on no path.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import count, takewhile
from typing import TypeAlias

from bsngraph.errors import Problem
from bsngraph.fabric.binding.checks.ends import end_problems
from bsngraph.fabric.binding.cures.spelling import Spelling
from bsngraph.fabric.model import Node
from bsngraph.fabric.reading.raw import RawGraph, place
from bsngraph.fabric.words.natural_order import natural_key

_MOST_SHOWN = 20

# Each node with its neighbours on one side, in file order.
_Neighbours: TypeAlias = dict[str, dict[str, None]]


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
    before: _Neighbours = {name: {} for name in nodes}
    after: _Neighbours = {name: {} for name in nodes}
    for edge in raw.edges:
        before[edge.target][edge.source] = after[edge.source][edge.target] = None
    entered = frozenset(name for name, sources_of in before.items() if sources_of)
    places = {node.name: place(f"node {node.name}", node.line) for node in raw.nodes}
    problems = end_problems(raw, entered, nodes, places, sources, targets, spelling)
    try:
        levels = _levels(before)
    except CycleError:
        return None, [*problems, _cycle_problem(after)]
    problems += _path_problems(before, after, places, sources, targets)
    return sorted(nodes, key=lambda name: (levels[name], natural_key(name))), problems


def _levels(before: _Neighbours) -> dict[str, int]:
    """The longest path to each node, in edges.

    Raises:
        CycleError: there is a cycle.
    """
    sorter = TopologicalSorter(before)
    sorter.prepare()
    levels: dict[str, int] = {}
    for level in takewhile(lambda _: sorter.is_active(), count()):
        group = sorter.get_ready()
        levels.update(dict.fromkeys(group, level))
        sorter.done(*group)
    return levels


def _cycle_problem(after: _Neighbours) -> Problem:
    import networkx as nx  # takes longer to import than reading a fabric takes

    cycle = [edge[0] for edge in nx.find_cycle(nx.from_dict_of_lists(after, create_using=nx.DiGraph))]
    shown = cycle if len(cycle) <= _MOST_SHOWN else [*cycle[:10], "…", *cycle[-9:]]
    where = " -> ".join([*shown, cycle[0]])
    return Problem("the graph has a cycle", where, "remove or turn round one of these edges")


def _path_problems(
    before: _Neighbours,
    after: _Neighbours,
    places: Mapping[str, str],
    sources: Sequence[str],
    targets: Sequence[str],
) -> list[Problem]:
    """Nodes on no path from a source to a target."""
    problems = []
    from_sources, to_targets = _reached(after, sources), _reached(before, targets)
    cure = "connect it, or remove it"
    for name, where in places.items():
        if sources and name not in from_sources and before[name]:
            problems.append(Problem("no path leads from a source to the node", where, cure))
        if targets and name not in to_targets:
            problems.append(Problem("no path leads from the node to a target", where, cure))
    return problems


def _reached(neighbours: Mapping[str, Iterable[str]], start: Sequence[str]) -> set[str]:
    reached, ahead = set(start), list(start)
    while ahead:
        new = [name for name in neighbours[ahead.pop()] if name not in reached]
        reached.update(new)
        ahead += new
    return reached
