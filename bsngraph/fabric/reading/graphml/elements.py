"""What each element of GraphML means where it opens: one function an element, and a row
of `ELEMENTS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bsngraph.fabric.reading.graphml.cursor import Cursor
from bsngraph.fabric.reading.graphml.document import Item, Key

_Attributes = Mapping[str, str]


def _graphml(at: Cursor, attributes: _Attributes, within: str) -> None:
    if within:
        raise at.fail(f"<graphml> inside <{within}>", "a file is one <graphml>")


def _key(at: Cursor, attributes: _Attributes, within: str) -> None:
    _check_parent(at, "key", within, "graphml")
    id_ = attributes.get("id", "")
    if id_ in at.document.keys:
        raise at.fail(f"two keys have the id {id_!r}", "give each an id of its own")
    at.key = at.document.keys[id_] = Key(
        name=attributes.get("attr.name", id_),
        scope=attributes.get("for", "all"),
        kind=attributes.get("attr.type", "string"),
        line=at.line,
        yed="yfiles.type" in attributes,
    )


def _default(at: Cursor, attributes: _Attributes, within: str) -> None:
    _check_parent(at, "default", within, "key")
    at.text = []


def _graph(at: Cursor, attributes: _Attributes, within: str) -> None:
    if attributes.get("edgedefault") != "directed":
        cure = 'write edgedefault="directed": an edge of a fabric has a direction'
        raise at.fail("the graph is undirected", cure)
    item = Item(attributes.get("id", ""), at.line)
    if within == "node":
        at.items[-1].group = True
    elif at.document.graph is not None:
        cure = "a fabric is one graph: put each in a file of its own"
        raise at.fail("the file holds a second graph", cure)
    else:
        _check_parent(at, "graph", within, "graphml")
        at.document.graph = item
    at.items.append(item)


def _node(at: Cursor, attributes: _Attributes, within: str) -> None:
    _check_parent(at, "node", within, "graph")
    if "id" not in attributes:
        raise at.fail("a node has no id", "every <node> needs one")
    item = Item(attributes["id"], at.line)
    if item.id in at.document.nodes:
        raise at.fail(f"two nodes have the id {item.id!r}", "give each an id of its own")
    at.meter.node(f"line {at.line}")
    at.document.nodes[item.id] = item
    at.items.append(item)


def _edge(at: Cursor, attributes: _Attributes, within: str) -> None:
    _check_parent(at, "edge", within, "graph")
    if not ("source" in attributes and "target" in attributes):
        raise at.fail("an edge lacks its source or target", "every <edge> needs both")
    if attributes.get("directed", "true") != "true":
        raise at.fail("an undirected edge", "remove directed=...: an edge of a fabric has a direction")
    if "sourceport" in attributes or "targetport" in attributes:
        raise at.fail("a fabric has no ports", "remove sourceport=... and targetport=...")
    at.meter.edge(f"line {at.line}")
    item = Item(attributes.get("id", ""), at.line, attributes["source"], attributes["target"])
    at.document.edges.append(item)
    at.items.append(item)


def _data(at: Cursor, attributes: _Attributes, within: str) -> None:
    if within not in ("graphml", "graph", "node", "edge"):
        raise at.fail(f"<data> inside <{within}>", "data belong to a graph, a node or an edge")
    if within != "graphml" and "key" not in attributes:
        raise at.fail("<data> names no key", "write <data key=...>")
    at.collect(attributes.get("key", ""))


def _desc(at: Cursor, attributes: _Attributes, within: str) -> None:
    at.skip()


def _check_parent(at: Cursor, name: str, within: str, parent: str) -> None:
    if within != parent:
        raise at.fail(f"<{name}> inside <{within}>", f"<{name}> belongs into <{parent}>")


ELEMENTS: Mapping[str, Callable[[Cursor, _Attributes, str], None]] = {
    "graphml": _graphml,
    "key": _key,
    "default": _default,
    "graph": _graph,
    "node": _node,
    "edge": _edge,
    "data": _data,
    "desc": _desc,
}
UNSUPPORTED = ("hyperedge", "port", "endpoint", "locator")  # what GraphML has and no fabric
