"""The graph that the statements read so far have made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bsngraph.fabric.reading import bounds
from bsngraph.fabric.reading.dot.scopes import Scope
from bsngraph.fabric.reading.edge_keys import numbered_keys
from bsngraph.fabric.reading.raw import RawDefault, RawEdge, RawNode


@dataclass
class _Item:
    """A node or edge. `key` is that of an edge as written."""

    inherited: dict[str, str]
    line: int
    own: dict[str, str] = field(default_factory=dict)
    key: str | None = None


class GraphSoFar:
    """Nodes, edges and attributes in file order, counted against the bounds."""

    def __init__(self, origin: str, *, strict: bool) -> None:
        self.origin = origin
        self.strict = strict
        self.attributes: dict[str, str] = {}
        self.defaults: list[RawDefault] = []
        self.meter = bounds.SizeMeter(origin, bounds.MAX_WORDS)
        self._nodes: dict[str, _Item] = {}
        self._edges: list[tuple[str, str, _Item]] = []
        self._parallel: dict[tuple[str, str], dict[str | None, _Item]] = {}
        self._version = 0

    def state_defaults(self, kind: str, attributes: Mapping[str, str], scope: Scope, line: int) -> None:
        """`node [...]` or `edge [...]`."""
        scope.stated[kind].update(attributes)
        self._version += 1
        self.defaults += [RawDefault(kind, name, line) for name in attributes]

    def mention_nodes(self, names: list[str], scope: Scope, line: int) -> None:
        """Make the nodes that do not exist yet, under the defaults of now, and note all
        of them as members of the scope.
        """
        where = f"line {line}"
        for name in names:
            if name not in self._nodes:
                item = self._nodes[name] = _Item(scope.defaults("node", self._version), line)
                self.meter.node(where)
                self.meter.spend(1 + len(item.inherited), where)
            scope.members[name] = None

    def set_attributes(self, names: list[str], attributes: Mapping[str, str], line: int) -> None:
        """Give nodes attributes of their own."""
        for name in names:
            self.meter.spend(len(attributes), f"line {line}")
            self._nodes[name].own.update(attributes)

    def draw_edge(
        self, source: str, target: str, attributes: Mapping[str, str], scope: Scope, line: int
    ) -> None:
        """Make an edge, or go on with the one of the same key."""
        where = f"line {line}"
        self.meter.spend(1 + len(attributes), where)
        parallel = self._parallel.setdefault((source, target), {})
        key = attributes.get("key") or None
        item = parallel.get(key) if key is not None else None
        if item is None and self.strict and parallel:
            if key is not None:
                return  # in a strict graph Graphviz makes no second edge between two nodes
            item = next(iter(parallel.values()))
        if item is None:
            item = _Item(scope.defaults("edge", self._version), line, key=key)
            self.meter.edge(where)
            self.meter.spend(len(item.inherited), where)
            parallel.setdefault(key, item)
            self._edges.append((source, target, item))
        item.own.update(attributes)

    def raw_nodes(self) -> tuple[RawNode, ...]:
        """The nodes in file order."""
        return tuple(RawNode(name, item.own, item.inherited, item.line) for name, item in self._nodes.items())

    def raw_edges(self) -> tuple[RawEdge, ...]:
        """The edges in file order, numbered where they have no key."""
        keys = numbered_keys((source, target, item.key) for source, target, item in self._edges)
        return tuple(
            RawEdge(source, target, key, item.own, item.inherited, item.line)
            for (source, target, item), key in zip(self._edges, keys, strict=True)
        )
