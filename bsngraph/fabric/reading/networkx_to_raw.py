"""networkx graph → RawGraph, for fabrics built in Python.

Attributes are those of the file format. Defaults may stand in `graph.graph["node"]` and
`graph.graph["edge"]`, where networkx itself puts those of a DOT file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import networkx as nx

from bsngraph.errors import FabricError, Problem
from bsngraph.fabric.reading.raw import RawDefault, RawEdge, RawGraph, RawNode, numbered_keys


def networkx_to_raw(graph: nx.MultiDiGraph[Any], origin: str = "graph") -> RawGraph:
    """Take a directed graph as it is.

    Raises:
        FabricError: the graph is undirected.
    """
    if not graph.is_directed():
        raise FabricError(
            origin,
            [
                Problem(
                    "the graph is undirected",
                    origin,
                    "build it as an nx.MultiDiGraph: an edge has a direction",
                )
            ],
        )
    attributes = dict(graph.graph)
    name = str(attributes.pop("name", ""))
    node_defaults: Mapping[str, Any] = attributes.pop("node", {})
    edge_defaults: Mapping[str, Any] = attributes.pop("edge", {})
    ends, own = [], []
    for source, target, key, data in _keyed_edges(graph):
        own.append({str(attribute): value for attribute, value in data.items()})
        written = own[-1].pop("key", key)
        ends.append((source, target, None if written in (None, "") else str(written)))
    edges = tuple(
        RawEdge(source, target, key, data, edge_defaults)
        for (source, target, _), key, data in zip(ends, numbered_keys(ends), own, strict=True)
    )
    nodes = tuple(
        RawNode(str(node), {str(k): v for k, v in data.items()}, node_defaults)
        for node, data in graph.nodes(data=True)
    )
    defaults = [RawDefault("node", word) for word in node_defaults] + [
        RawDefault("edge", word) for word in edge_defaults
    ]
    return RawGraph(origin, name, attributes, nodes, edges, tuple(defaults))


def _keyed_edges(graph: nx.MultiDiGraph[Any]) -> list[tuple[str, str, Any, dict[str, Any]]]:
    if graph.is_multigraph():
        return [
            (str(source), str(target), key, data)
            for source, target, key, data in graph.edges(keys=True, data=True)
        ]
    return [(str(source), str(target), None, data) for source, target, data in graph.edges(data=True)]
