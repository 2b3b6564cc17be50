"""Fabric → node-link JSON, as `nx.node_link_data` gives it."""

from __future__ import annotations

import json
from typing import Any

from bsngraph.fabric.model import Fabric
from bsngraph.fabric.reading.node_link_to_raw import EDGE_FIELDS, NODE_FIELDS
from bsngraph.fabric.writing.fabric_to_networkx import fabric_to_networkx


def write_node_link(fabric: Fabric) -> str:
    """Node-link JSON that reads back as the same Fabric, here and by
    `nx.node_link_graph`.
    """
    import networkx as nx  # takes longer to import than reading a fabric takes

    graph = fabric_to_networkx(fabric)
    for _, attributes in graph.nodes(data=True):
        _rename(attributes, NODE_FIELDS)
    for _, _, attributes in graph.edges(data=True):
        _rename(attributes, EDGE_FIELDS)
    data = nx.node_link_data(graph, edges="edges")
    return json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _rename(attributes: dict[str, Any], fields: tuple[str, ...]) -> None:
    """Put `@` before attributes that bear the name of a field of the format."""
    for name in fields:
        if name in attributes:
            attributes[f"@{name}"] = attributes.pop(name)
