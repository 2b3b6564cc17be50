"""Fabric → GraphML as networkx writes it."""

from __future__ import annotations

import io

import networkx as nx

from bsngraph.fabric.model import Fabric
from bsngraph.fabric.writing.fabric_to_networkx import fabric_to_networkx


def write_graphml(fabric: Fabric) -> bytes:
    """GraphML that reads back as the same Fabric, here and by `nx.read_graphml`."""
    graph = fabric_to_networkx(fabric)
    for _, _, key, attributes in graph.edges(keys=True, data=True):
        attributes["key"] = key  # an edge's id is its key too, but ids are what other programs count anew
    if "id" in graph.graph:
        # networkx makes it the element's id, which says nothing when read
        graph.graph["@id"] = graph.graph.pop("id")
    stream = io.BytesIO()
    nx.write_graphml_xml(graph, stream)
    return stream.getvalue().replace(b"\r", b"&#13;")  # a bare one is a new line to XML
