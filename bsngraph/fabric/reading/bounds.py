"""How large a file may be. Everything that a stranger's file could make us allocate or
repeat is bounded here.

In: bytes, counts and texts while a file is read. Out: nothing, or a FabricError that
says which bound is passed and where. The bounds are far above what anybody draws or
searches. They are low enough that reading ends within minutes and a few GB, whatever
the file says.
"""

from __future__ import annotations

from collections.abc import Iterator

from bsngraph.errors import FabricError, Problem
from bsngraph.fabric.reading.raw import RawEdge, RawGraph, RawNode

MAX_BYTES = 64 * 2**20
MAX_NODES = 200_000
MAX_EDGES = 200_000
MAX_WORDS = 4_000_000
# words of DOT as written, before chains and defaults are expanded; parsing is slow
MAX_DOT_WORDS = 1_000_000
MAX_DEPTH = 64
MAX_TEXT = 10_000

_SMALLER = "split the fabric, or write fewer edges"
TOO_LARGE = f"more than any fabric needs: {_SMALLER}"


class SizeMeter:
    """Counts words, nodes and edges while a graph is read. A word is a name or a value;
    it is counted again for every node and edge that it is applied to.
    """

    def __init__(self, origin: str, most_words: int) -> None:
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
            raise too_many_words(self.origin, self.most_words, where)

    def node(self, where: str) -> None:
        """Count a node.

        Raises:
            FabricError: there are more than `MAX_NODES`.
        """
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise _passed(self.origin, f"the graph has more than {MAX_NODES:,} nodes", where)

    def edge(self, where: str) -> None:
        """Count an edge.

        Raises:
            FabricError: there are more than `MAX_EDGES`.
        """
        self.edges += 1
        if self.edges > MAX_EDGES:
            raise _passed(self.origin, f"the graph has more than {MAX_EDGES:,} edges", where)


def too_many_words(origin: str, most: int, where: str, cure: str = _SMALLER) -> FabricError:
    """The error of a file of more than `most` words."""
    return _passed(origin, f"the file says more than {most:,} words", where, cure)


def _passed(origin: str, what: str, where: str, cure: str = _SMALLER) -> FabricError:
    return FabricError(origin, [Problem(what, where, cure)])


def check_texts(raw: RawGraph) -> RawGraph:
    """The graph itself, if no name and no value in it is longer than `MAX_TEXT`
    characters.

    Raises:
        FabricError: one is.
    """
    for where, text in _texts(raw):
        if len(text) > MAX_TEXT:
            what = f"a text of {len(text):,} characters ({text[:20]!r}…)"
            raise _passed(raw.origin, what, where, f"names and values have at most {MAX_TEXT:,} characters")
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
