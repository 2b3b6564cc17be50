"""Fabric → pydot graph, for programs that go on with pydot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bsngraph.fabric.model import Fabric
from bsngraph.fabric.writing.dot_text import attribute_name, quoted
from bsngraph.fabric.writing.fabric_to_dot import dot_value
from bsngraph.fabric.writing.fabric_to_networkx import fabric_to_networkx

if TYPE_CHECKING:
    import pydot


def to_pydot(fabric: Fabric) -> pydot.Dot:
    """The fabric as a pydot graph, with the attributes of the file format.

    Names and values are in quotes, as pydot keeps them. `to_string()` gives a DOT text
    that reads back as the same Fabric, and `write_svg(path)` draws it if Graphviz is
    installed:

    ```python
    graph = bsngraph.to_pydot(bsngraph.read_fabric("fabrics/digits.dot"))
    graph.set_rankdir("LR")
    graph.write_svg("digits.svg")
    ```
    """
    import pydot  # takes longer to import than reading a fabric takes

    graph = fabric_to_networkx(fabric)
    dot = pydot.Dot(quoted(fabric.name), graph_type="digraph")
    _set(dot, {name: value for name, value in graph.graph.items() if name != "name"})
    for name, attributes in graph.nodes(data=True):
        node = pydot.Node(quoted(name))
        _set(node, attributes)
        dot.add_node(node)
    for source, target, key, attributes in graph.edges(keys=True, data=True):
        edge = pydot.Edge(quoted(source), quoted(target))
        _set(edge, {"key": key} | attributes)
        dot.add_edge(edge)
    return dot


def _set(item: pydot.Common, attributes: Mapping[str, object]) -> None:
    for name, value in attributes.items():
        item.set(attribute_name(name), quoted(dot_value(value)))
