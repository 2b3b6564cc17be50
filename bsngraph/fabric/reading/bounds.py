"""How large a file may be: everything a stranger's file could make us allocate or
repeat is bounded here.

In: bytes, counts and texts while a file is read. Out: nothing, or a FabricError that
says which bound is passed and where. The bounds are far above what anybody draws or
searches, and low enough that reading ends within minutes and a few GB whatever the file
says.
"""

from __future__ import annotations

from collections.abc import Iterator

from bsngraph.errors import FabricError, Problem
from bsngraph.fabric.reading.raw import RawEdge, RawGraph, RawNode

MAX_BYTES = 64 * 2**20
MAX_NODES = 200_000
MAX_EDGES = 200_000
MAX_WORDS = 4_000_000
# as written, before chains and defaults are worked out: each takes its time to parse
MAX_DOT_WORDS = 1_000_000
MAX_DEPTH = 64
MAX_TEXT = 10_000

_SMALLER = "split the fabric, or write fewer edges"
TOO_LARGE = f"more than any fabric needs: {_SMALLER}"


class Meter:
    """Counts while a graph is read. A word is a name or value, counted again for every
    node and edge that it is applied to.
    """

    def __init__(self, origin: str, most_words: int = MAX_WORDS) -> None:
        self.origin = origin
        self.most_words = most_words
        self.words = self.nodes = self.edges = 0

    def spend(self, words: int, where: str) -> None:
        """Count words.

        Raises:
            FabricError: there are too many.
        """
        self.words += words
        if self.words > self.most_words:
            raise self._passed(f"the file says more than {self.most_words:,} words", where)

    def node(self, where: str) -> None:
        """Count a node.

        Raises:
            FabricError: there are more than `MAX_NODES`.
        """
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self._passed(f"the graph has more than {MAX_NODES:,} nodes", where)

    def edge(self, where: str) -> None:
        """Count an edge.

        Raises:
            FabricError: there are more than `MAX_EDGES`.
        """
        self.edges += 1
        if self.edges > MAX_EDGES:
            raise self._passed(f"the graph has more than {MAX_EDGES:,} edges", where)

    def _passed(self, what: str, where: str) -> FabricError:
        return FabricError(self.origin, [Problem(what, where, _SMALLER)])


def check_texts(raw: RawGraph) -> RawGraph:
    """The graph itself, if no name and no value in it is longer than `MAX_TEXT`
    characters.

    Raises:
        FabricError: one is.
    """
    for where, text in _texts(raw):
        if len(text) > MAX_TEXT:
            what = f"a text of {len(text):,} characters ({text[:20]!r}…)"
            raise FabricError(
                raw.origin, [Problem(what, where, f"names and values have at most {MAX_TEXT:,} characters")]
            )
    return raw


def _texts(raw: RawGraph) -> Iterator[tuple[str, str]]:
    """Every text of a graph and where it stands."""
    yield "graph", raw.name
    for name, value in raw.attributes.items():
        yield "graph", name
        yield "graph", value if isinstance(value, str) else ""
    defaults: set[int] = set()  # items share the mappings that they inherit
    items: tuple[RawNode | RawEdge, ...] = (*raw.nodes, *raw.edges)
    for item in items:
        where = "a node or an edge" if item.line is None else f"line {item.line}"
        yield where, item.name
        fresh = [item.own] if id(item.inherited) in defaults else [item.own, item.inherited]
        defaults.add(id(item.inherited))
        for mapping in fresh:
            for name, value in mapping.items():
                yield where, name
                yield where, value if isinstance(value, str) else ""
