"""networkx graph → RawGraph, for fabrics built in Python.

Attributes are those of the file format. Defaults of nodes and edges may stand in
`graph.graph["node"]` and `graph.graph["edge"]`, where networkx puts those of a DOT file
that it reads; it puts the graph's attributes in `graph.graph["graph"]`, and leaves all
texts in their quotes. Numbers of NumPy are numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from bsngraph.errors import FabricError, Problem
from bsngraph.fabric.reading.dot.quoted_text import unquoted
from bsngraph.fabric.reading.edge_keys import numbered_keys
from bsngraph.fabric.reading.raw import RawDefault, RawEdge, RawGraph, RawNode

if TYPE_CHECKING:
    import networkx as nx

_Attributes = dict[str, Any]


def networkx_to_raw(graph: nx.MultiDiGraph[Any], origin: str = "graph") -> RawGraph:
    """Take a directed graph as it is.

    Raises:
        FabricError: the graph is undirected.
    """
    if not graph.is_directed():
        cure = "build it as an nx.MultiDiGraph: an edge has a direction"
        raise FabricError(origin, [Problem("the graph is undirected", origin, cure)])
    # networkx drops a statement `graph [...]`, so there may be no more than defaults
    from_dot = any(isinstance(graph.graph.get(kind), Mapping) for kind in ("graph", "node", "edge"))
    plain = partial(_attributes, value_of=_unquoted_value if from_dot else _plain_value)
    own = dict(graph.graph)
    stated, node_defaults, edge_defaults = (
        plain(own.pop(kind)) if isinstance(own.get(kind), Mapping) else {}
        for kind in ("graph", "node", "edge")
    )
    attributes = stated | plain(own)
    for word in ("source", "target"):  # a name, which may be a number: 0 is a node like any other
        if attributes.get(word) is not None:
            attributes[word] = str(attributes[word])
    return RawGraph(
        origin=origin,
        name=str(attributes.pop("name", "")),
        attributes=attributes,
        nodes=tuple(RawNode(str(node), plain(data), node_defaults) for node, data in graph.nodes(data=True)),
        edges=_edges(graph, plain, edge_defaults),
        defaults=(
            *(RawDefault("node", word) for word in node_defaults),
            *(RawDefault("edge", word) for word in edge_defaults),
        ),
    )


def _edges(
    graph: nx.MultiDiGraph[Any], plain: Callable[[Mapping[Any, Any]], _Attributes], defaults: _Attributes
) -> tuple[RawEdge, ...]:
    """The edges, numbered where they have no key."""
    keyed = graph.edges(keys=True, data=True) if graph.is_multigraph() else _unkeyed(graph)
    ends, own = [], []
    for source, target, key, data in keyed:
        attributes = plain({"key": key} | data)
        written = attributes.pop("key")
        ends.append((str(source), str(target), None if written in (None, "") else str(written)))
        own.append(attributes)
    return tuple(
        RawEdge(source, target, key, attributes, defaults)
        for (source, target, _), key, attributes in zip(ends, numbered_keys(ends), own, strict=True)
    )


def _unkeyed(graph: nx.DiGraph[Any]) -> list[tuple[Any, Any, None, dict[str, Any]]]:
    return [(source, target, None, data) for source, target, data in graph.edges(data=True)]


def _attributes(data: Mapping[Any, Any], value_of: Callable[[Any], Any]) -> _Attributes:
    return {str(name): value_of(value) for name, value in data.items()}


def _plain_value(value: Any) -> Any:
    """A value of Python in place of one of NumPy."""
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value


def _unquoted_value(value: Any) -> Any:
    """A value of a graph that networkx read from DOT."""
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        return unquoted(value)
    return _plain_value(value)
