"""RawGraph → Fabric: every word is given its meaning, and every mistake is found.

In: a graph as written, and parameters from outside (`--set`). Out: a `Draft`: the
Fabric as far as it could be made, the edges that could not be, and all problems, each
with its place and cure. A later pass (shapes) can add its own problems before all of
them are raised together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bsngraph.fabric.binding.checks.groups import group_problems
from bsngraph.fabric.binding.checks.names import name_problems
from bsngraph.fabric.binding.checks.paths import topological_order
from bsngraph.fabric.binding.checks.slots import slot_problems
from bsngraph.fabric.binding.draft import Draft
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
from bsngraph.fabric.reading.raw import RawGraph
from bsngraph.fabric.words.format_words import edge_style_words, node_style_words
from bsngraph.fabric.words.natural_order import natural_key
from bsngraph.ops import Value

MAX_PROBLEMS = 1000


def raw_to_fabric(raw: RawGraph, settings: Mapping[str, Value] | None = None) -> Draft:
    """Give a raw graph its meaning. `settings` override the graph's parameters."""
    problems = ProblemList(raw.origin, MAX_PROBLEMS)
    attributes = split_attributes(raw, problems)
    parameters = read_parameters(attributes.parameters, settings or {}, raw.origin, problems)
    check_format(raw, problems)
    sources, targets = (terminals(raw, word, problems) for word in ("source", "target"))
    check_defaults(raw, problems)
    of_nodes = ItemContext(node_style_words(), parameters, problems)
    of_edges = ItemContext(edge_style_words(), parameters, problems)
    ends = frozenset(sources)
    nodes = {
        node.name: raw_to_node(node, is_source=node.name in ends, context=of_nodes) for node in raw.nodes
    }
    bound = [raw_to_edge(edge, of_edges) for edge in raw.edges]
    report_unused(parameters, problems)
    edges = [edge for edge, _ in bound]
    names = name_problems(nodes, edges)
    problems.add([*names, *group_problems(edges), *slot_problems(nodes, edges)])
    order, path_problems = topological_order(raw, nodes, sources, targets)
    problems.add(path_problems)
    if order is None or names or not (sources and targets):
        return Draft(raw.origin, None, frozenset(), tuple(problems.found))
    bound = _in_canonical_order(bound, order)
    fabric = Fabric(
        name=raw.name,
        nodes=tuple(nodes[name] for name in order),
        edges=tuple(edge for edge, _ in bound),
        sources=tuple(sources),
        targets=tuple(targets),
        style=attributes.style,
    )
    broken = frozenset(index for index, (_, sound) in enumerate(bound) if not sound)
    return Draft(raw.origin, fabric, broken, tuple(problems.found))


def _in_canonical_order(bound: Sequence[BoundEdge], order: Sequence[str]) -> list[BoundEdge]:
    """The edges by the positions of their nodes, then by key."""
    index = {name: position for position, name in enumerate(order)}

    def place(one: BoundEdge) -> tuple[object, ...]:
        return index[one.edge.source], index[one.edge.target], natural_key(one.edge.key)

    return sorted(bound, key=place)
