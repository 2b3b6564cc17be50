"""RawGraph → Fabric: every word is given its meaning, and every mistake is found.

In: a graph as written, and parameters from outside (`--set`). Out: a `Draft`: the
Fabric as far as it could be made, the edges that could not be, and all problems, each
with its place and cure. A later pass (shapes) can add its own problems before all of
them are raised together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bsngraph.fabric.binding.checks.groups import group_problems
from bsngraph.fabric.binding.checks.names import name_problems
from bsngraph.fabric.binding.checks.paths import topological_order
from bsngraph.fabric.binding.checks.slots import slot_problems
from bsngraph.fabric.binding.cures.spelling import DOT, Spelling
from bsngraph.fabric.binding.draft import Draft, with_lines
from bsngraph.fabric.binding.graph_attributes import (
    check_defaults,
    check_format,
    split_attributes,
    terminals,
)
from bsngraph.fabric.binding.parameters import read_parameters, report_unused
from bsngraph.fabric.binding.raw_to_edge import BoundEdge, raw_to_edge
from bsngraph.fabric.binding.raw_to_node import raw_to_node
from bsngraph.fabric.binding.written_values import ItemContext
from bsngraph.fabric.model import Fabric
from bsngraph.fabric.reading.problem_list import ProblemList
from bsngraph.fabric.reading.raw import RawGraph, place
from bsngraph.fabric.words.format_words import edge_style_words, node_style_words
from bsngraph.fabric.words.natural_order import natural_key
from bsngraph.ops import Value

MAX_PROBLEMS = 1000


def raw_to_fabric(
    raw: RawGraph, settings: Mapping[str, Value] | None = None, spelling: Spelling = DOT
) -> Draft:
    """Give a raw graph its meaning. `settings` override the graph's parameters; cures
    say how to write something in the file's own `spelling`.
    """
    problems = ProblemList(raw.origin, MAX_PROBLEMS)
    attributes = split_attributes(raw, problems)
    parameters = read_parameters(attributes.parameters, settings or {}, raw.origin, spelling, problems)
    check_format(raw, problems)
    sources, targets = (terminals(raw, word, spelling, problems) for word in ("source", "target"))
    check_defaults(raw, spelling, problems)
    of_nodes = ItemContext(node_style_words(), parameters, problems, spelling)
    of_edges = ItemContext(edge_style_words(), parameters, problems, spelling)
    ends = frozenset(sources)
    nodes = {
        node.name: raw_to_node(node, is_source=node.name in ends, context=of_nodes) for node in raw.nodes
    }
    bound = [raw_to_edge(edge, of_edges) for edge in raw.edges]
    report_unused(parameters, problems)
    edges = [edge for edge, _ in bound]
    names = name_problems(nodes, edges)
    places = _places(raw)
    problems.add(with_lines([*names, *group_problems(edges), *slot_problems(nodes, edges)], places))
    order, path_problems = topological_order(raw, nodes, sources, targets, spelling)
    problems.add(path_problems)
    if order is None or names or not (sources and targets):
        return Draft(raw.origin, None, frozenset(), tuple(problems.found), places)
    bound = _in_canonical_order(bound, order)
    # shapes and costs that the file carries are those of its own parameters
    stale = bool(settings)
    fabric = Fabric(
        name=raw.name,
        nodes=tuple(replace(nodes[name], tensor=None) if stale else nodes[name] for name in order),
        edges=tuple(replace(edge, computed={}) if stale else edge for edge, _ in bound),
        sources=tuple(sources),
        targets=tuple(targets),
        style=attributes.style,
    )
    broken = frozenset(index for index, (_, sound) in enumerate(bound) if not sound)
    return Draft(raw.origin, fabric, broken, tuple(problems.found), places)


def _places(raw: RawGraph) -> dict[str, str]:
    """`node a` → `node a, line 3`, for nodes and edges of a format with lines."""
    items = [(f"node {node.name}", node.line) for node in raw.nodes]
    items += [(f"edge {edge.name}", edge.line) for edge in raw.edges]
    return {what: place(what, line) for what, line in items if line is not None}


def _in_canonical_order(bound: Sequence[BoundEdge], order: Sequence[str]) -> list[BoundEdge]:
    """The edges by the positions of their nodes, then by key."""
    index = {name: at for at, name in enumerate(order)}

    def position(one: BoundEdge) -> tuple[object, ...]:
        return index[one.edge.source], index[one.edge.target], natural_key(one.edge.key)

    return sorted(bound, key=position)
