"""networkx graph → RawGraph, for fabrics built in Python.

Attributes are those of the file format. Defaults may stand in `graph.graph["node"]` and `graph.graph["edge"]`, where
networkx itself puts those of a DOT file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import networkx as nx

from bsngraph.errors import FabricError, Problem
from bsngraph.fabric.raw import RawDefault, RawEdge, RawGraph, RawNode, free_key


def networkx_to_raw(graph: nx.MultiDiGraph[Any], origin: str = "graph") -> RawGraph:
    """Take a directed graph as it is.

    Raises:
        FabricError: the graph is undirected.
    """
    if not graph.is_directed():
        raise FabricError(origin, [Problem("the graph is undirected", origin, "build it as an nx.MultiDiGraph: an edge has a direction")])
    attributes = dict(graph.graph)
    name = str(attributes.pop("name", ""))
    node_defaults: Mapping[str, Any] = attributes.pop("node", {})
    edge_defaults: Mapping[str, Any] = attributes.pop("edge", {})
    edges: list[RawEdge] = []
    taken: dict[tuple[str, str], set[str]] = {}
    for source, target, key, data in _keyed_edges(graph):
        keys = taken.setdefault((source, target), set())
        own = {str(attribute): value for attribute, value in data.items()}
        key = str(own.pop("key", key if key is not None else free_key(len(keys), keys)))
        keys.add(key)
        edges.append(RawEdge(source, target, key, own, edge_defaults))
    nodes = tuple(RawNode(str(node), {str(k): v for k, v in data.items()}, node_defaults) for node, data in graph.nodes(data=True))
    defaults = [RawDefault("node", word) for word in node_defaults] + [RawDefault("edge", word) for word in edge_defaults]
    return RawGraph(origin, name, attributes, nodes, tuple(edges), tuple(defaults))


def _keyed_edges(graph: nx.MultiDiGraph[Any]) -> list[tuple[str, str, Any, dict[str, Any]]]:
    if graph.is_multigraph():
        return [(str(source), str(target), key, data) for source, target, key, data in graph.edges(keys=True, data=True)]
    return [(str(source), str(target), None, data) for source, target, data in graph.edges(data=True)]
