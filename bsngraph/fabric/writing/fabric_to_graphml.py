"""Fabric → GraphML as networkx writes it."""

from __future__ import annotations

import io

from bsngraph.fabric.model import Fabric
from bsngraph.fabric.writing.fabric_to_networkx import fabric_to_networkx


def write_graphml(fabric: Fabric) -> bytes:
    """GraphML that reads back as the same Fabric, here and by `nx.read_graphml`."""
    import networkx as nx  # takes longer to import than reading a fabric takes

    graph = fabric_to_networkx(fabric)
    for _, _, key, attributes in graph.edges(keys=True, data=True):
        attributes["key"] = key  # its id is the key too, but other programs count ids anew
    if "id" in graph.graph:
        # networkx makes `id` the id of the element, and readers pass over that
        graph.graph["@id"] = graph.graph.pop("id")
    stream = io.BytesIO()
    nx.write_graphml_xml(graph, stream)
    return stream.getvalue().replace(b"\r", b"&#13;")  # XML reads a bare one as a new line
