"""Fabric → DOT text in canonical form: no defaults, parameters resolved, one statement
a line, everything quoted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pydot

from bsngraph.fabric.model import Fabric
from bsngraph.fabric.reading.raw import HTML
from bsngraph.fabric.writing.fabric_to_networkx import fabric_to_networkx


def fabric_to_dot(fabric: Fabric) -> str:
    """DOT text that reads back as the same Fabric and that Graphviz draws as it is."""
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
    return str(dot.to_string())


def _set(item: pydot.Common, attributes: Mapping[str, Any]) -> None:
    for name, value in attributes.items():
        item.set(name, quoted(value))


def quoted(value: object) -> str:
    """A DOT string; `\\"` is the only escape the language has. Text in <...> is HTML to
    Graphviz and stays so.
    """
    if isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, float):
        text = repr(value)
    else:
        text = str(value)
    if HTML.fullmatch(text):
        return text
    return '"' + text.replace('"', '\\"') + '"'
