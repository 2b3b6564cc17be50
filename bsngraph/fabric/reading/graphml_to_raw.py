"""GraphML ↔ RawGraph and Fabric, as networkx, yEd and Gephi write it.

In: the bytes of a file. Out: a RawGraph with lines. A key's default holds for every
node or edge without a value of its own, groups are what they hold, edges have their
`key`, or their id where a person or networkx gave it. What only yEd or Gephi have to
say (`url`, `description`, colours, places, statistics) is passed over; a word that
nobody knows stays an error.

In yEd and Gephi one types labels, and the program counts ids (`n0`, `n0::n1`, `0`). So
where every id is such a one and every node has a label of its own, the labels are the
nodes' names. Gephi's files say nothing of the graph as a whole: there the nodes with an
`input` are the sources, and those that no edge leaves the targets.

networkx reads GraphML too, but merges edges of one id, makes up nodes, and names no
line; so it only writes here, and tests hold what is read against what it reads.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from bsngraph.errors import FabricError, Problem, nearest
from bsngraph.fabric.binding import graphviz_words
from bsngraph.fabric.reading.bounds import MAX_DEPTH, Meter
from bsngraph.fabric.reading.raw import RawDefault, RawEdge, RawGraph, RawNode, join_names, numbered_keys
from bsngraph.ops import OPERATIONS, Value

_GRAPHML = "http://graphml.graphdrawing.org/xmlns"
_YED = "http://www.yworks.com/xml/graphml"
_KNOWN = ("graphml", "key", "default", "graph", "node", "edge", "data", "desc")
_NODE_LABEL = f"{_YED} NodeLabel"

_YED_WORDS = frozenset({"url", "description", "Description", "shape_type", "x", "y"})
_GEPHI_WORDS = frozenset(
    (
        *("label", "Label", "edgelabel", "Edge Label", "Edge Type", "weight", "timeset", "interval"),
        *("r", "g", "b", "alpha", "x", "y", "z", "size"),
        *(
            "Degree",
            "In-Degree",
            "Out-Degree",
            "Weighted Degree",
            "Weighted In-Degree",
            "Weighted Out-Degree",
        ),
        *(
            "Modularity Class",
            "Eccentricity",
            "Closeness Centrality",
            "Harmonic Closeness Centrality",
            "Betweenness Centrality",
        ),
        *("PageRank", "pageranks", "Component ID", "Strongly-Connected ID", "Authority", "Hub"),
        *("Clustering Coefficient", "Eigenvector Centrality", "Number of triangles"),
    )
)
_COUNTED_NODE = re.compile(r"n?[0-9]+(::n?[0-9]+)*")
_COUNTED_EDGE = re.compile(r"(n?[0-9]+::)*e[0-9]+|[0-9]+")


def graphml_to_raw(content: bytes, origin: str) -> RawGraph:
    """Read one GraphML digraph.

    Raises:
        FabricError: it is not XML or not GraphML, holds what no fabric has (undirected
            edges, hyperedges, ports), declares a document type, or passes the bounds of
            `bounds.py`.
    """
    document = _Document(origin)
    try:
        document.parser.Parse(content, True)
    except expat.ExpatError as error:
        cure = "is it a GraphML file, complete, and saved as UTF-8?"
        where = f"line {error.lineno}, column {error.offset + 1}"
        raise FabricError(
            origin, [Problem(f"not well-formed XML ({expat.errors.messages[error.code]})", where, cure)]
        ) from None
    if document.graph is None:
        raise FabricError(
            origin,
            [
                Problem(
                    "the file holds no graph", f"line {document.parser.CurrentLineNumber}", "write a <graph>"
                )
            ],
        )
    return _Binder(document, document.graph).raw()


@dataclass(slots=True)
class _Key:
    """A <key>: the attribute that data of this id says."""

    name: str
    scope: str
    kind: str
    line: int
    yed: bool
    default: str = ""


@dataclass(slots=True)
class _Item:
    """A <graph>, <node> or <edge> with its data as (key, text, line)."""

    id: str
    line: int
    source: str = ""
    target: str = ""
    data: list[tuple[str, str, int]] = field(default_factory=list)
    label: str = ""
    group: bool = False


class _Document:
    """Collects keys, nodes and edges from the parser's events. Names of elements read
    `namespace name`.
    """

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.meter = Meter(origin)
        self.keys: dict[str, _Key] = {}
        self.graph: _Item | None = None
        self.nodes: dict[str, _Item] = {}
        self.edges: list[_Item] = []
        self.open: list[str] = []  # names of the elements that are open, without their namespace
        self.items: list[_Item] = []  # those of them that are a graph, node or edge
        self.key: _Key | None = None
        self.datum: str | None = None
        self.inside_datum = 0
        self.text: list[str] = []
        # The encoding is given, or a file could name any codec of Python's and have it
        # imported.
        self.parser = expat.ParserCreate("UTF-8", " ")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters

    def fail(self, what: str, cure: str) -> FabricError:
        """An error at the place where the parser is."""
        where = f"line {self.parser.CurrentLineNumber}, column {self.parser.CurrentColumnNumber + 1}"
        return FabricError(self.origin, [Problem(what, where, cure)])

    def _doctype(self, *_: object) -> None:
        raise self.fail(
            "a document type declaration",
            "remove <!DOCTYPE ...>: GraphML needs none, and entities are not read",
        )

    def _start(self, element: str, attributes: Mapping[str, str]) -> None:
        line = self.parser.CurrentLineNumber
        self.meter.spend(1 + len(attributes), f"line {line}")
        if len(self.open) >= MAX_DEPTH:
            raise self.fail(
                f"elements nest deeper than {MAX_DEPTH}", "fabrics need no groups inside groups to this depth"
            )
        namespace, _, name = element.rpartition(" ")
        within = self.open[-1] if self.open else ""
        if self.datum is not None:
            self._keep_label(within)
            self.inside_datum += 1
            self.text = []
            self.open.append(element)
            return
        self.open.append(name)
        if not within and name != "graphml":
            raise self.fail(f"the file holds <{name}>", "is it a GraphML file? It begins with <graphml>")
        if namespace not in ("", _GRAPHML):
            # what belongs to another program is passed over, with all that is in it
            self.datum, self.inside_datum = "", 0
            return
        handler: Callable[[Mapping[str, str], str, int], None] | None = (
            getattr(self, f"_start_{name}", None) if name in _KNOWN else None
        )
        if handler is None:
            if name in ("hyperedge", "port", "endpoint", "locator"):
                raise self.fail(
                    f"a fabric has no {name}s",
                    f"write edges from one node to one other, all in this file, without <{name}>",
                )
            raise self.fail(f"GraphML has no element <{name}>", nearest(name, _KNOWN))
        handler(attributes, within, line)

    def _end(self, element: str) -> None:
        self.open.pop()
        if self.datum is not None and self.inside_datum:
            self._keep_label(element)
            self.inside_datum -= 1
            self.text = []
            return
        name = element.rpartition(" ")[2]
        if self.datum is not None:
            if self.datum and self.items:
                self.items[-1].data.append((self.datum, "".join(self.text), self.parser.CurrentLineNumber))
            self.datum, self.text = None, []
        elif name in ("graph", "node", "edge"):
            self.items.pop()
        elif name == "default" and self.key is not None:
            self.key.default = "".join(self.text)
        elif name == "key":
            self.key = None

    def _characters(self, text: str) -> None:
        if self.datum is not None or self.key is not None:
            self.text.append(text)

    def _keep_label(self, element: str) -> None:
        """Keep the text of yEd's label of a node, which ends where the label does or
        its model begins.
        """
        if element == _NODE_LABEL and self.items and not self.items[-1].label:
            self.items[-1].label = "".join(self.text).strip()

    # --- one method an element

    def _start_graphml(self, attributes: Mapping[str, str], within: str, line: int) -> None:
        if within:
            raise self.fail(f"<graphml> inside <{within}>", "a file is one <graphml>")

    def _start_desc(self, attributes: Mapping[str, str], within: str, line: int) -> None:
        self.datum, self.inside_datum = "", 0

    def _start_key(self, attributes: Mapping[str, str], within: str, line: int) -> None:
        self._must_be_within("key", within, "graphml")
        key = attributes.get("id", "")
        yed = "yfiles.type" in attributes
        if key in self.keys:
            raise self.fail(f"two keys have the id {key!r}", "give each an id of its own")
        name = attributes.get("attr.name", key)
        self.key = _Key(name, attributes.get("for", "all"), attributes.get("attr.type", "string"), line, yed)
        self.keys[key] = self.key

    def _start_default(self, attributes: Mapping[str, str], within: str, line: int) -> None:
        self._must_be_within("default", within, "key")
        self.text = []

    def _start_graph(self, attributes: Mapping[str, str], within: str, line: int) -> None:
        if attributes.get("edgedefault") != "directed":
            raise self.fail(
                "the graph is undirected", 'write edgedefault="directed": an edge of a fabric has a direction'
            )
        item = _Item(attributes.get("id", ""), line)
        if within == "node":
            self.items[-1].group = True
        elif self.graph is not None:
            raise self.fail(
                "the file holds a second graph", "a fabric is one graph: put each in a file of its own"
            )
        else:
            self._must_be_within("graph", within, "graphml")
            self.graph = item
        self.items.append(item)

    def _start_node(self, attributes: Mapping[str, str], within: str, line: int) -> None:
        self._must_be_within("node", within, "graph")
        if "id" not in attributes:
            raise self.fail("a node has no id", "every <node> needs one")
        item = _Item(attributes["id"], line)
        if item.id in self.nodes:
            raise self.fail(f"two nodes have the id {item.id!r}", "give each an id of its own")
        self.meter.node(f"line {line}")
        self.nodes[item.id] = item
        self.items.append(item)

    def _start_edge(self, attributes: Mapping[str, str], within: str, line: int) -> None:
        self._must_be_within("edge", within, "graph")
        if not ("source" in attributes and "target" in attributes):
            raise self.fail("an edge lacks its source or target", "every <edge> needs both")
        if attributes.get("directed", "true") != "true":
            raise self.fail("an undirected edge", "remove directed=...: an edge of a fabric has a direction")
        if "sourceport" in attributes or "targetport" in attributes:
            raise self.fail("a fabric has no ports", "remove sourceport=... and targetport=...")
        self.meter.edge(f"line {line}")
        self.edges.append(_Item(attributes.get("id", ""), line, attributes["source"], attributes["target"]))
        self.items.append(self.edges[-1])

    def _start_data(self, attributes: Mapping[str, str], within: str, line: int) -> None:
        if within not in ("graphml", "graph", "node", "edge"):
            raise self.fail(f"<data> inside <{within}>", "data belong to a graph, a node or an edge")
        if within != "graphml" and "key" not in attributes:
            raise self.fail("<data> names no key", "write <data key=...>")
        self.datum, self.inside_datum, self.text = attributes.get("key", ""), 0, []

    def _must_be_within(self, name: str, within: str, parent: str) -> None:
        if within != parent:
            raise self.fail(f"<{name}> inside <{within}>", f"<{name}> belongs into <{parent}>")


class _Binder:
    """Gives data their keys' names and types, and nodes and edges their names and
    keys.
    """

    def __init__(self, document: _Document, graph: _Item) -> None:
        self.document = document
        self.graph = graph
        self.problems: list[Problem] = []
        keys = document.keys.values()
        names = {key.name for key in keys}
        self.yed = any(key.yed for key in keys) or "shape_type" in names
        self.gephi = not self.yed and bool(
            names & {"Edge Label", "edgelabel"} or {"r", "g", "b", "size"} <= names
        )
        self.foreign = (_YED_WORDS if self.yed else frozenset()) | (
            _GEPHI_WORDS if self.gephi else frozenset()
        )
        self.arguments = {argument for operation in OPERATIONS.values() for argument in operation.arguments}

    def raw(self) -> RawGraph:
        """The graph as written.

        Raises:
            FabricError: data of no key, edges of no node, groups that are more than
                groups.
        """
        document, graph = self.document, self.graph
        ours = {"node": self._defaults("node"), "edge": self._defaults("edge")}
        attributes = {key.name: self._value(key, key.default) for key in self._keys("graph") if key.default}
        attributes |= self._attributes(graph)[0]
        own = {id_: self._attributes(node)[0] for id_, node in document.nodes.items()}
        names = self._names(own)
        nodes = []
        for id_, node in document.nodes.items():
            if node.group:
                self._check_group(node, own[id_])
            else:
                nodes.append(RawNode(names[id_], own[id_], ours["node"], node.line))
        edges = self._edges(names, ours["edge"])
        if self.gephi and not {"source", "target"} & set(attributes):
            attributes |= _terminals(nodes, edges)
        if self.problems:
            raise FabricError(document.origin, self.problems[:100])
        if "@id" in attributes:
            attributes["id"] = attributes.pop("@id")
        name = str(attributes.pop("name", ""))
        defaults = [
            RawDefault(key.scope, key.name, key.line)
            for key in document.keys.values()
            if self._is_default(key)
        ]
        return RawGraph(document.origin, name, attributes, tuple(nodes), tuple(edges), tuple(defaults))

    def _keys(self, scope: str) -> list[_Key]:
        return [
            key
            for key in self.document.keys.values()
            if key.scope == scope and not key.yed and key.name not in self.foreign
        ]

    def _is_default(self, key: _Key) -> bool:
        return (
            bool(key.default)
            and key.scope in ("node", "edge")
            and not key.yed
            and key.name not in self.foreign
        )

    def _defaults(self, scope: str) -> dict[str, Value]:
        keys = self._keys("all") + self._keys(scope)
        return {key.name: self._value(key, key.default) for key in keys if key.default}

    def _attributes(self, item: _Item) -> tuple[dict[str, Value], dict[str, Value]]:
        """An item's own attributes, and those that another program may have meant for
        itself.
        """
        own: dict[str, Value] = {}
        foreign: dict[str, Value] = {}
        for id_, text, line in item.data:
            key = self.document.keys.get(id_)
            if key is None:
                self._report(
                    f"data of a key {id_!r} that is not declared",
                    f"line {line}",
                    nearest(id_, self.document.keys),
                )
            elif key.yed or (key.name in self.foreign and key.name not in self.arguments):
                if key.name in ("label", "Label") and not item.label:
                    item.label = text.strip()
            elif key.name in self.foreign:
                foreign[key.name] = self._value(key, text)
            elif key.name in own:
                self._report(
                    f"the attribute {key.name!r} stands here twice", f"line {line}", "remove one of them"
                )
            else:
                own[key.name] = self._value(key, text)
        return own, foreign

    @staticmethod
    def _value(key: _Key, text: str) -> Value:
        """Text as the key's type; what is no number stays text, for whoever needs one
        to complain about.
        """
        if key.kind not in ("float", "double"):
            return text if key.kind == "string" else text.strip()
        try:
            return float(text)
        except ValueError:
            return text.strip()

    def _names(self, own: Mapping[str, Mapping[str, Value]]) -> dict[str, str]:
        """Node id → name."""
        nodes = [node for node in self.document.nodes.values() if not node.group]
        labels = [node.label or str(own[node.id].get("label", "")) for node in nodes]
        counted = all(_COUNTED_NODE.fullmatch(node.id) for node in nodes)
        told_apart = all(labels) and len(set(labels)) == len(labels)
        if (self.yed or self.gephi) and counted and told_apart:
            return {node.id: label for node, label in zip(nodes, labels, strict=True)}
        return {node.id: node.id for node in nodes}

    def _edges(self, names: Mapping[str, str], inherited: Mapping[str, Value]) -> list[RawEdge]:
        edges = self.document.edges
        ids = Counter(edge.id for edge in edges)
        counted = (
            (self.yed or self.gephi)
            and all(_COUNTED_EDGE.fullmatch(edge.id or "0") for edge in edges)
            and len(ids) == len(edges)
        )
        ends: list[tuple[str, str, str | None]] = []
        data: list[tuple[Mapping[str, Value], Mapping[str, Value], int]] = []
        for edge in edges:
            own, foreign = self._attributes(edge)
            for end in (edge.source, edge.target):
                if end not in names:
                    group = end in self.document.nodes
                    what = (
                        f"an edge ends at the group {end!r}"
                        if group
                        else f"an edge ends at {end!r}, which is no node"
                    )
                    self._report(
                        what, f"line {edge.line}", "let it end at a node" if group else nearest(end, names)
                    )
            key = str(own.pop("key", "")) or ("" if counted else edge.id)
            ends.append(
                (names.get(edge.source, edge.source), names.get(edge.target, edge.target), key or None)
            )
            data.append((own, {**inherited, **foreign} if foreign else inherited, edge.line))
        keys = numbered_keys(ends)
        return [
            RawEdge(source, target, key, *one)
            for (source, target, _), key, one in zip(ends, keys, data, strict=True)
        ]

    def _check_group(self, group: _Item, own: Mapping[str, Any]) -> None:
        for name in own:
            if name not in graphviz_words.NODE | graphviz_words.GRAPH:
                self._report(
                    f"a group has no attribute {name!r}",
                    f"line {group.line}",
                    "give it to the nodes in the group",
                )

    def _report(self, what: str, where: str, cure: str) -> None:
        self.problems.append(Problem(what, where, cure))
        if len(self.problems) >= 100:
            raise FabricError(self.document.origin, self.problems)


def _terminals(nodes: list[RawNode], edges: list[RawEdge]) -> dict[str, Value]:
    """Sources and targets of a graph that does not name them."""
    left = {edge.source for edge in edges}
    sources = [node.name for node in nodes if node.own.get("input") not in (None, "")]
    return {
        "source": join_names(sources),
        "target": join_names(node.name for node in nodes if node.name not in left),
    }
