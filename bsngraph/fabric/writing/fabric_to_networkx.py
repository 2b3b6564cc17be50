"""Fabric → networkx graph with the attributes of the file format, every key and every
non-default value written out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bsngraph.fabric.model import Edge, Fabric, Node
from bsngraph.fabric.words.format_words import COMPUTED_PREFIX, COST_PREFIX, FORMAT
from bsngraph.fabric.words.name_lists import join_names
from bsngraph.ops import Value

if TYPE_CHECKING:
    import networkx as nx


def fabric_to_networkx(fabric: Fabric) -> nx.MultiDiGraph[str]:
    """The graph that `networkx_to_raw` reads back as the same Fabric."""
    import networkx as nx  # takes longer to import than reading a fabric takes

    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(name=fabric.name)
    sources, targets = (join_names(names, fabric.node_index) for names in (fabric.sources, fabric.targets))
    graph.graph.update(format=FORMAT, source=sources, target=targets, **fabric.style)
    for node in fabric.nodes:
        graph.add_node(node.name)
        graph.nodes[node.name].update(_node_attributes(node))
    for edge in fabric.edges:
        graph.add_edge(edge.source, edge.target, edge.key)
        graph.edges[edge.source, edge.target, edge.key].update(_edge_attributes(edge))
    return graph


def _node_attributes(node: Node) -> dict[str, Value]:
    attributes: dict[str, Value] = {}
    if node.input is not None:
        attributes["input"] = "x".join(map(str, node.input))
    if node.merge != "sum":
        attributes["merge"] = node.merge
    if node.activation != "none":
        attributes["activation"] = node.activation
    if node.concat_channels is not None:
        attributes["concat_channels"] = node.concat_channels
    if node.tensor is not None:
        attributes["tensor"] = "x".join(map(str, node.tensor))
    return attributes | dict(node.style)


def _edge_attributes(edge: Edge) -> dict[str, Any]:
    attributes: dict[str, Any] = {"op": edge.op, **edge.arguments}
    if edge.fixed:
        attributes["fixed"] = True
    if edge.probability is not None:
        attributes["probability"] = edge.probability
    if edge.gate is not None:
        attributes["gate"] = edge.gate
    if edge.choice is not None:
        attributes["choice"] = edge.choice
    if edge.concat_offset is not None:
        attributes["concat_offset"] = edge.concat_offset
    attributes |= {COST_PREFIX + name: cost for name, cost in edge.costs.items()}
    attributes |= {COMPUTED_PREFIX + name: cost for name, cost in edge.computed.items()}
    return attributes | dict(edge.style)
