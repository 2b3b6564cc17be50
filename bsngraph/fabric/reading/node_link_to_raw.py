"""Node-link JSON, as `nx.node_link_data` gives it → RawGraph.

Edges stand under `edges`, or under `links` as older networkx has it. An attribute whose
name is a word of the format itself (Graphviz has a `target` of edges and an `id` of
nodes) stands there with `@` before it. networkx takes anything for a name and drops
what is said twice, so the texts are checked here; tests compare the result with its
own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bsngraph.errors import nearest
from bsngraph.fabric.reading import bounds
from bsngraph.fabric.reading.edge_keys import numbered_keys
from bsngraph.fabric.reading.node_link.json_text import parse_node_link
from bsngraph.fabric.reading.node_link.json_values import attributes_of, mapping_of, mappings_of, name_of
from bsngraph.fabric.reading.problem_list import ProblemList
from bsngraph.fabric.reading.raw import RawDefault, RawEdge, RawGraph, RawNode
from bsngraph.ops import Value

NODE_FIELDS = ("id",)
EDGE_FIELDS = ("source", "target", "key")

_TOP = ("directed", "multigraph", "graph", "nodes", "edges", "links")
_MAX_PROBLEMS = 100


def node_link_to_raw(text: str, origin: str) -> RawGraph:
    """Read one node-link digraph.

    Raises:
        FabricError: it is not JSON or not a directed node-link graph, holds values that
            no fabric has, or passes a bound of `bounds.py`.
    """
    problems = ProblemList(origin, _MAX_PROBLEMS)
    meter = bounds.SizeMeter(origin, bounds.MAX_WORDS)
    top = mapping_of(parse_node_link(text, origin), "the file", problems)
    word = _check_top(top, problems)
    graph = mapping_of(top.get("graph", {}), "graph", problems)
    defaults = _defaults(graph, problems)
    own = {name: value for name, value in graph.items() if name not in defaults}
    attributes = attributes_of(own, (), "graph", problems)
    nodes = _nodes(top.get("nodes", []), defaults.get("node", {}), meter, problems)
    names = {node.name for node in nodes}
    edges = _edges(word, top.get(word, []), names, defaults.get("edge", {}), meter, problems)
    problems.raise_if_any()
    return RawGraph(
        origin=origin,
        name=str(attributes.pop("name", "")),
        attributes=attributes,
        nodes=tuple(nodes),
        edges=tuple(edges),
        defaults=tuple(RawDefault(kind, name) for kind, values in defaults.items() for name in values),
    )


def _check_top(top: Mapping[str, Any], problems: ProblemList) -> str:
    """Check the words of the whole file; the word that the edges stand under."""
    for word in top:
        if word not in _TOP:
            problems.report(f"a node-link graph has no {word!r}", word, nearest(word, _TOP))
    if top.get("directed") is not True:
        cure = 'write "directed": true: an edge of a fabric has a direction'
        problems.report("the graph is undirected", "directed", cure)
    if not isinstance(top.get("multigraph", True), bool):
        problems.report("must be true or false", "multigraph", 'write "multigraph": true')
    if ("edges" in top) == ("links" in top):
        both, neither = (
            "there are edges under both `edges` and `links`",
            "there is neither `edges` nor `links`",
        )
        cure = "give the edges as a list under `edges`"
        problems.report(both if "edges" in top else neither, "the file", cure)
    return "links" if "links" in top else "edges"


def _defaults(graph: Mapping[str, Any], problems: ProblemList) -> dict[str, dict[str, Value]]:
    """The defaults of nodes and of edges, as far as there are any."""
    return {
        kind: attributes_of(mapping_of(graph[kind], f"graph.{kind}", problems), (), f"graph.{kind}", problems)
        for kind in ("node", "edge")
        if kind in graph
    }


def _nodes(
    nodes: Any, inherited: Mapping[str, Value], meter: bounds.SizeMeter, problems: ProblemList
) -> list[RawNode]:
    found: dict[str, RawNode] = {}
    for where, node in mappings_of(nodes, "nodes", problems):
        meter.node(where)
        meter.spend(1 + len(node) + len(inherited), where)
        name = name_of(node, "id", where, problems)
        if name in found:
            problems.report(f"two nodes have the id {name!r}", where, "give each an id of its own")
        found[name] = RawNode(name, attributes_of(node, NODE_FIELDS, where, problems), inherited)
    return list(found.values())


def _edges(
    word: str,
    edges: Any,
    nodes: set[str],
    inherited: Mapping[str, Value],
    meter: bounds.SizeMeter,
    problems: ProblemList,
) -> list[RawEdge]:
    ends: list[tuple[str, str, str | None]] = []
    own = []
    for where, edge in mappings_of(edges, word, problems):
        meter.edge(where)
        meter.spend(1 + len(edge) + len(inherited), where)
        source, target = (name_of(edge, end, where, problems) for end in ("source", "target"))
        for end in (source, target):
            if end not in nodes:
                problems.report(f"the edge ends at {end!r}, which is no node", where, nearest(end, nodes))
        key = name_of(edge, "key", where, problems) if edge.get("key") not in (None, "") else None
        ends.append((source, target, key))
        own.append(attributes_of(edge, EDGE_FIELDS, where, problems))
    return [
        RawEdge(source, target, key, data, inherited)
        for (source, target, _), key, data in zip(ends, numbered_keys(ends), own, strict=True)
    ]
