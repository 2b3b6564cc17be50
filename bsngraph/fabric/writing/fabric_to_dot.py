"""Fabric → DOT text in canonical form: no defaults, parameters resolved, one statement
a line, everything quoted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from bsngraph.fabric.model import Fabric
from bsngraph.fabric.words.writable_text import HTML
from bsngraph.fabric.writing.dot_text import Attributes, Html, assignment, digraph, edge, node
from bsngraph.fabric.writing.fabric_to_networkx import fabric_to_networkx

if TYPE_CHECKING:
    import networkx as nx


def fabric_to_dot(fabric: Fabric) -> str:
    """DOT text that reads back as the same Fabric and that Graphviz draws as it is."""
    return graph_to_dot(fabric_to_networkx(fabric))


def graph_to_dot(graph: nx.MultiDiGraph[str]) -> str:
    """DOT text of a graph with the attributes of the file format."""
    return digraph(dot_value(graph.graph["name"]), _statements(graph))


def dot_value(value: object) -> str:
    """A value as DOT text. A text in brackets that nest is HTML to Graphviz, and stays
    so.
    """
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return Html(text[1:-1]) if HTML.fullmatch(text) else text


def _statements(graph: nx.MultiDiGraph[str]) -> Iterator[str]:
    for name, value in graph.graph.items():
        if name != "name":
            yield assignment(name, dot_value(value))
    for name, attributes in graph.nodes(data=True):
        yield node(dot_value(name), _values(attributes))
    for source, target, key, attributes in graph.edges(keys=True, data=True):
        yield edge(dot_value(source), dot_value(target), _values({"key": key} | attributes))


def _values(attributes: Mapping[str, object]) -> Attributes:
    return {name: dot_value(value) for name, value in attributes.items()}
