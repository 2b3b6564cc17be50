"""Node-link JSON ↔ RawGraph and Fabric, as `nx.node_link_data` gives it.

In: the bytes of a file. Out: a RawGraph. Edges stand under `edges` or, as older
networkx has it, `links`. An attribute whose name is a word of the format itself
(Graphviz has a `target` of edges and an `id` of nodes) stands there with `@` before it.
networkx takes anything for a name and drops what is said twice, so the texts are
checked here; tests hold the result against its own.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from bsngraph.errors import FabricError, Problem, nearest
from bsngraph.fabric.reading.bounds import MAX_DEPTH, MAX_WORDS, Meter
from bsngraph.fabric.reading.raw import RawDefault, RawEdge, RawGraph, RawNode, numbered_keys
from bsngraph.fabric.writing.fabric_to_node_link import EDGE_FIELDS, NODE_FIELDS
from bsngraph.ops import Value

_TOP = ("directed", "multigraph", "graph", "nodes", "edges", "links")
_EXAMPLE = (
    'a fabric reads {"directed": true, "multigraph": true, "graph": {…}, "nodes": [{"id": …}], '
    '"edges": [{"source": …, "target": …}]}'
)
_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[{]|[\]}]', re.DOTALL)


def node_link_to_raw(text: str, origin: str) -> RawGraph:
    """Read one node-link digraph.

    Raises:
        FabricError: it is not JSON or not a directed node-link graph, holds values that
            no fabric has, or passes the bounds of `bounds.py`.
    """
    return _Reader(origin).read(_parsed(text, origin))


def _parsed(text: str, origin: str) -> Any:
    if text.count(",") + text.count("[") + text.count("{") > MAX_WORDS:
        raise FabricError(
            origin,
            [Problem(f"the file says more than {MAX_WORDS:,} words", "the whole file", "write fewer edges")],
        )
    try:
        return json.loads(text, object_pairs_hook=_object, parse_int=_integer)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise FabricError(origin, [Problem(f"not JSON ({error.msg})", where, _EXAMPLE)]) from None
    except RecursionError:
        what = f"brackets nest deeper than {MAX_DEPTH}"
        raise FabricError(
            origin, [Problem(what, _too_deep(text), "a node-link graph has three levels")]
        ) from None


def _integer(text: str) -> int | float:
    """An int; one of more digits than Python reads is no number that a fabric holds."""
    return int(text) if len(text) < 1000 else math.inf


class _Twice(dict[str, Any]):
    """An object that says something twice; `name` is what."""

    name = ""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    twice = _Twice(found)
    twice.name = Counter(name for name, _ in pairs).most_common(1)[0][0]
    return twice


def _too_deep(text: str) -> str:
    """The place where brackets nest too deep."""
    depth = 0
    for found in _BRACKETS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if depth > MAX_DEPTH:
            line = text.count("\n", 0, found.start()) + 1
            return f"line {line}, column {found.start() - text.rfind(chr(10), 0, found.start())}"
    return "the whole file"


class _Reader:
    """Takes the parsed JSON apart; places read `edges[3].kernel`."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.meter = Meter(origin)
        self.problems: list[Problem] = []

    def read(self, data: Any) -> RawGraph:
        top = self._mapping(data, "the file")
        for word in top:
            if word not in _TOP:
                self.report(f"a node-link graph has no {word!r}", word, nearest(word, _TOP))
        if top.get("directed") is not True:
            self.report(
                "the graph is undirected",
                "directed",
                'write "directed": true: an edge of a fabric has a direction',
            )
        if not isinstance(top.get("multigraph", True), bool):
            self.report("must be true or false", "multigraph", 'write "multigraph": true')
        if ("edges" in top) == ("links" in top):
            what = (
                "there are edges under both `edges` and `links`"
                if "edges" in top
                else "there is neither `edges` nor `links`"
            )
            self.report(what, "the file", "give the edges as a list under `edges`")
        word = "links" if "links" in top else "edges"
        attributes, defaults, name = self._graph(self._mapping(top.get("graph", {}), "graph"))
        nodes = self._nodes(top.get("nodes", []), defaults.get("node", {}))
        edges = self._edges(top.get(word, []), word, {node.name for node in nodes}, defaults.get("edge", {}))
        if self.problems:
            raise FabricError(self.origin, self.problems)
        stated = tuple(RawDefault(kind, name) for kind, values in defaults.items() for name in values)
        return RawGraph(self.origin, name, attributes, tuple(nodes), tuple(edges), stated)

    def report(self, what: str, where: str, cure: str) -> None:
        """Keep a problem, and stop where there are too many."""
        self.problems.append(Problem(what, where, cure))
        if len(self.problems) >= 100:
            raise FabricError(self.origin, self.problems)

    def _graph(self, graph: Mapping[str, Any]) -> tuple[dict[str, Value], dict[str, dict[str, Value]], str]:
        """The graph's own attributes, its defaults for nodes and edges, its name."""
        defaults = {
            kind: self._values(self._mapping(graph[kind], f"graph.{kind}"), f"graph.{kind}", ())
            for kind in ("node", "edge")
            if kind in graph
        }
        attributes = self._values(
            {word: value for word, value in graph.items() if word not in defaults}, "graph", ()
        )
        return attributes, defaults, str(attributes.pop("name", ""))

    def _nodes(self, nodes: Any, inherited: Mapping[str, Value]) -> list[RawNode]:
        found: dict[str, RawNode] = {}
        for where, node in self._list(nodes, "nodes"):
            self.meter.node(where)
            self.meter.spend(1 + len(node) + len(inherited), where)
            name = self._name(node, "id", where)
            if name in found:
                self.report(f"two nodes have the id {name!r}", where, "give each an id of its own")
            found[name] = RawNode(name, self._values(node, where, NODE_FIELDS), inherited)
        return list(found.values())

    def _edges(self, edges: Any, word: str, nodes: set[str], inherited: Mapping[str, Value]) -> list[RawEdge]:
        ends: list[tuple[str, str, str | None]] = []
        own = []
        for where, edge in self._list(edges, word):
            self.meter.edge(where)
            self.meter.spend(1 + len(edge) + len(inherited), where)
            source, target = self._name(edge, "source", where), self._name(edge, "target", where)
            for end in (source, target):
                if end not in nodes:
                    self.report(f"the edge ends at {end!r}, which is no node", where, nearest(end, nodes))
            key = self._name(edge, "key", where) if edge.get("key") not in (None, "") else None
            ends.append((source, target, key))
            own.append(self._values(edge, where, EDGE_FIELDS))
        keys = numbered_keys(ends)
        return [
            RawEdge(source, target, key, data, inherited)
            for (source, target, _), key, data in zip(ends, keys, own, strict=True)
        ]

    # --- shapes of JSON

    def _mapping(self, value: Any, where: str) -> Mapping[str, Any]:
        if isinstance(value, _Twice):
            self.report(f"{value.name!r} stands here twice", where, "remove one of them")
        if isinstance(value, dict):
            return value
        self.report(f"is {_spoken(value)} and must be an object", where, _EXAMPLE)
        return {}

    def _list(self, value: Any, where: str) -> list[tuple[str, Mapping[str, Any]]]:
        if not isinstance(value, list):
            self.report(f"is {_spoken(value)} and must be a list", where, _EXAMPLE)
            return []
        return [
            (f"{where}[{index}]", self._mapping(item, f"{where}[{index}]"))
            for index, item in enumerate(value)
        ]

    def _name(self, item: Mapping[str, Any], field: str, where: str) -> str:
        value = item.get(field)
        if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
            return str(value)
        self.report(
            f"{field} is {_spoken(value)} and must be text" if field in item else f"there is no {field}",
            where,
            f"give it {field}",
        )
        return ""

    def _values(self, item: Mapping[str, Any], where: str, fields: tuple[str, ...]) -> dict[str, Value]:
        """Attributes without the format's own fields; null is unset."""
        values: dict[str, Value] = {}
        for name, value in item.items():
            if name in fields or value is None:
                continue
            plain = name.removeprefix("@") if name.startswith("@") and name[1:] in fields else name
            if name == "input" and isinstance(value, list) and all(type(size) is int for size in value):
                value = "x".join(map(str, value))
            if isinstance(value, list | dict):
                self.report(
                    f"is {_spoken(value)} and must be a number or text",
                    f"{where}.{name}",
                    "attributes are plain values",
                )
            elif isinstance(value, float) and not math.isfinite(value):
                self.report("must be a finite number", f"{where}.{name}", "write a number, or remove it")
            else:
                values[plain] = value
        return values


def _spoken(value: object) -> str:
    kinds = {
        dict: "an object",
        list: "a list",
        str: "text",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    return kinds.get(type(value), "null")
