"""Slots of a concat node, as pruning writes them, on nodes that have no slots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bsngraph.errors import Problem
from bsngraph.fabric.model import Edge, Node
from bsngraph.ops.merges import MERGES

_CURE = "set merge=concat on the node, or remove it"


def slot_problems(nodes: Mapping[str, Node], edges: Iterable[Edge]) -> list[Problem]:
    """What is wrong with `concat_channels` of nodes and `concat_offset` of edges."""
    problems = []
    for node in nodes.values():
        if node.concat_channels is not None and not MERGES[node.merge].slots:
            what = f"concat_channels has no meaning at merge={node.merge}"
            problems.append(Problem(what, f"node {node.name}", _CURE))
    for edge in edges:
        merge = nodes[edge.target].merge
        if edge.concat_offset is not None and not MERGES[merge].slots:
            what = f"concat_offset has no meaning on an edge into a node of merge={merge}"
            problems.append(Problem(what, f"edge {edge.name}", _CURE))
    return problems
