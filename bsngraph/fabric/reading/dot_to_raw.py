"""DOT text → RawGraph, meaning what it means to Graphviz.

Default statements hold for what is created after them in their scope; a subgraph starts
with its parent's defaults; `a -> b -> {c d}` is every edge of the chain; a keyed edge
written twice is one edge; a named subgraph opened again goes on where it stopped; ports
are dropped. Problems of the language itself (no graph, a bad number, an undirected
graph) are FabricErrors with line and column.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from lark import Lark, Token, Transformer, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken

from bsngraph.errors import FabricError, Problem
from bsngraph.fabric.reading.bounds import MAX_DEPTH, MAX_DOT_WORDS, Meter
from bsngraph.fabric.reading.raw import RawDefault, RawEdge, RawGraph, RawNode, numbered_keys

_EXAMPLE = (
    'a fabric reads `digraph name { graph [source=a, target=b]; a [input="1x8x8"]; a -> b '
    "[op=conv, channels=8]; }`"
)
_SPOKEN = {
    "LBRACE": "{", "RBRACE": "}", "LSQB": "[", "RSQB": "]", "EQUAL": "=", "SEMICOLON": ";",
    "COMMA": ",", "COLON": ":", "EDGEOP": "->", "NAME": "a name", "NUMERAL": "a number",
    "QUOTED": "a quoted text", "$END": "the end of the file",
}  # fmt: skip
_UNCLOSED = {'"': 'close the quoted text with "', "<": "close every < of an HTML text with >"}
_ESCAPED = re.compile(r"\\(\r?\n|[\s\S])")
_PARSING = threading.Lock()
_UNESCAPED = {'"': '"', "\n": "", "\r\n": ""}


@dataclass
class _Scope:
    """One graph or subgraph: the defaults stated there, the nodes mentioned there, and
    its named subgraphs.
    """

    outer: _Scope | None = None
    stated: dict[str, dict[str, str]] = field(default_factory=lambda: {"node": {}, "edge": {}})
    members: dict[str, None] = field(default_factory=dict)
    named: dict[str, _Scope] = field(default_factory=dict)
    known: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)

    def defaults(self, kind: str, version: int) -> dict[str, str]:
        """What is in force here: the outer scope's defaults as they are now, and its
        own over them.

        `version` counts default statements: until the next one, all that is created
        here shares one mapping.
        """
        if kind not in self.known or self.known[kind][0] != version:
            outer = self.outer.defaults(kind, version) if self.outer else {}
            self.known[kind] = version, outer | self.stated[kind]
        return self.known[kind][1]

    def inner(self, name: str | None) -> _Scope:
        """The scope of a subgraph: a new one, or the one of that name again."""
        return _Scope(self) if name is None else self.named.setdefault(name, _Scope(self))


@dataclass
class _Item:
    """A node or edge while it is read; `key` of an edge as written."""

    inherited: dict[str, str]
    line: int
    own: dict[str, str] = field(default_factory=dict)
    key: str | None = None


def dot_to_raw(text: str, origin: str) -> RawGraph:
    """Read one DOT digraph.

    Raises:
        FabricError: the text is not DOT, holds an undirected graph, or passes the
            bounds of `bounds.py`.
    """
    if not text.strip():
        raise FabricError(origin, [Problem("the file is empty", origin, _EXAMPLE)])
    # what a syntax tree can grow by without names
    if text.count("{") + text.count("[") + text.count('"') // 2 > 2 * MAX_DOT_WORDS:
        cure = "split the fabric, or write fewer edges"
        raise FabricError(
            origin, [Problem(f"the file says more than {MAX_DOT_WORDS:,} words", "the whole file", cure)]
        )
    with _PARSING:
        parser, leaves = _parser()
        leaves.meter = Meter(origin, MAX_DOT_WORDS)
        try:
            tree = parser.parse(text)
        except UnexpectedInput as error:
            raise FabricError(origin, [_syntax_problem(error, text)]) from None
    return _Reader(origin).read(tree)


class _Leaves(Transformer[Token, Tree[Token]]):
    """Turns the leaves of the syntax tree into texts while it is parsed: a tree of all
    of them would be ten times as large.
    """

    meter = Meter("")

    def id(self, tokens: list[Token]) -> Token:
        """The text that an id stands for, at the place of its first token."""
        self.meter.spend(1, f"line {tokens[0].line}")
        return Token.new_borrow_pos("ID", _text(tokens), tokens[0])

    def attribute(self, pair: list[Token]) -> tuple[str, str]:
        """A name and a value."""
        return sys.intern(str(pair[0])), sys.intern(str(pair[1]))

    def attribute_list(self, pairs: list[tuple[str, str]]) -> dict[str, str]:
        """One bracket."""
        return dict(pairs)


@cache
def _parser() -> tuple[Lark, _Leaves]:
    grammar = Path(__file__).with_name("dot.lark").read_text(encoding="utf-8")
    leaves = _Leaves()
    return Lark(grammar, parser="lalr", maybe_placeholders=False, transformer=leaves), leaves


def _syntax_problem(error: UnexpectedInput, text: str) -> Problem:
    if isinstance(error, UnexpectedEOF) or (
        isinstance(error, UnexpectedToken) and error.token.type == "$END"
    ):
        where = f"line {text.count(chr(10)) + 1}"
        if isinstance(error, UnexpectedToken) and "DIGRAPH" in error.expected:
            return Problem("the file holds no graph", where, _EXAMPLE)
        return Problem(
            "the file ends in the middle of the graph",
            where,
            "close every { with }, every [ with ] and every quote",
        )
    where = f"line {error.line}, column {error.column}"
    if isinstance(error, UnexpectedCharacters):
        rest = text[error.pos_in_stream :].split("\n")[0]
        number = re.match(r"-?[\w.]+", rest)
        if number and rest[0] in "-.0123456789":
            word = number.group()
            return Problem(
                f"{word!r} is not a number of the DOT language", where, f'write it in quotes: "{word}"'
            )
        cure = _UNCLOSED.get(rest[:1]) or ("close the comment with */" if rest.startswith("/*") else _EXAMPLE)
        return Problem(f"cannot read {rest[:20]!r} as DOT", where, cure)
    assert isinstance(error, UnexpectedToken)
    expected = {_SPOKEN.get(name, name.lower()) for name in error.accepts or error.expected}
    if expected == {"="}:
        return Problem("an attribute has no value", where, "give it one: [fixed=true]")
    return Problem(
        f"did not expect {str(error.token)!r} here", where, f"expected one of {' '.join(sorted(expected))}"
    )


class _Reader:
    """Walks the syntax tree once, in file order, with the scope it is in."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.strict = False
        self.attributes: dict[str, str] = {}
        self.nodes: dict[str, _Item] = {}
        self.edges: list[tuple[str, str, _Item]] = []
        self.parallel: dict[tuple[str, str], dict[str | None, _Item]] = {}
        self.defaults: list[RawDefault] = []
        self.version = 0
        self.meter = Meter(origin)

    def read(self, tree: Tree[Token]) -> RawGraph:
        *head, statements = tree.children
        words = [str(child).lower() for child in head if isinstance(child, Token) and child.type != "ID"]
        names = [str(child) for child in head if isinstance(child, Token) and child.type == "ID"]
        if "graph" in words:
            cure = "write `digraph` and `->`: an edge of a fabric has a direction"
            raise FabricError(self.origin, [Problem("the graph is undirected", f"line {_line(tree)}", cure)])
        self.strict = "strict" in words
        self._statements(_tree(statements), _Scope(), 0)
        return RawGraph(
            origin=self.origin,
            name=names[0] if names else "",
            attributes=self.attributes,
            nodes=tuple(
                RawNode(name, item.own, item.inherited, item.line) for name, item in self.nodes.items()
            ),
            edges=tuple(self._edges()),
            defaults=tuple(self.defaults),
        )

    def _edges(self) -> list[RawEdge]:
        """The edges in file order; those without a key get a number that no key of a
        parallel edge bears.
        """
        keys = numbered_keys((source, target, item.key) for source, target, item in self.edges)
        return [
            RawEdge(source, target, key, item.own, item.inherited, item.line)
            for (source, target, item), key in zip(self.edges, keys, strict=True)
        ]

    def _statements(self, tree: Tree[Token], scope: _Scope, depth: int) -> None:
        if depth > MAX_DEPTH:
            cure = "fabrics need no subgraphs inside subgraphs to this depth: flatten the file"
            raise FabricError(
                self.origin, [Problem(f"subgraphs nest deeper than {MAX_DEPTH}", f"line {_line(tree)}", cure)]
            )
        for statement in map(_tree, tree.children):
            if statement.data == "assignment":
                name, value = map(str, statement.children)
                if depth == 0:
                    self.attributes[name] = value
            elif statement.data == "defaults":
                self._defaults(statement, scope, depth)
            else:
                self._chain(statement, scope, depth)

    def _defaults(self, statement: Tree[Token], scope: _Scope, depth: int) -> None:
        kind = str(statement.children[0]).lower()
        attributes = _attributes(statement.children[1:])
        if kind == "graph":
            if depth == 0:
                self.attributes.update(attributes)
            return
        scope.stated[kind].update(attributes)
        self.version += 1
        self.defaults += [RawDefault(kind, name, _line(statement)) for name in attributes]

    def _chain(self, statement: Tree[Token], scope: _Scope, depth: int) -> None:
        endpoints = [child for child in statement.children if isinstance(child, Tree)]
        attributes = _attributes([child for child in statement.children if isinstance(child, dict)])
        arrows = [child for child in statement.children if isinstance(child, Token)]
        for arrow in arrows:
            if arrow == "--":
                where = f"line {arrow.line}, column {arrow.column}"
                raise FabricError(
                    self.origin,
                    [Problem("an undirected edge `--`", where, "write `->`: an edge has a direction")],
                )
        line = _line(statement)
        groups = [self._endpoint(endpoint, scope, depth) for endpoint in endpoints]
        if not arrows and endpoints[0].data == "nodes":
            for name in groups[0]:
                self.meter.spend(len(attributes), f"line {line}")
                self.nodes[name].own.update(attributes)
        for sources, targets in pairwise(groups):
            for source in sources:
                for target in targets:
                    self._edge(source, target, attributes, scope, line)

    def _endpoint(self, tree: Tree[Token], scope: _Scope, depth: int) -> Collection[str]:
        """The nodes of one end of an edge; those of a named subgraph may yet grow
        within the statement.
        """
        line = _line(tree)
        where = f"line {line}"
        if tree.data == "nodes":
            names = [str(_tree(node).children[0]) for node in tree.children]
            for name in names:
                if name not in self.nodes:
                    item = self.nodes[name] = _Item(scope.defaults("node", self.version), line)
                    self.meter.node(where)
                    self.meter.spend(1 + len(item.inherited), where)
                scope.members[name] = None
            return names
        *head, statements = tree.children
        inner = scope.inner(
            next((str(child) for child in head if isinstance(child, Token) and child.type == "ID"), None)
        )
        self._statements(_tree(statements), inner, depth + 1)
        self.meter.spend(len(inner.members), where)
        scope.members.update(inner.members)
        return inner.members

    def _edge(self, source: str, target: str, attributes: dict[str, str], scope: _Scope, line: int) -> None:
        where = f"line {line}"
        self.meter.spend(1 + len(attributes), where)
        parallel = self.parallel.setdefault((source, target), {})
        key = attributes.get("key") or None
        item = parallel.get(key) if key is not None else None
        if item is None and self.strict and parallel:
            if key is not None:
                return  # as Graphviz has it: a strict graph gets no second edge between two nodes
            item = next(iter(parallel.values()))
        if item is None:
            item = _Item(scope.defaults("edge", self.version), line, key=key)
            self.meter.edge(where)
            self.meter.spend(len(item.inherited), where)
            parallel.setdefault(key, item)
            self.edges.append((source, target, item))
        item.own.update(attributes)


def _line(tree: Tree[Token]) -> int:
    """The line of a tree's first token; only an empty list of statements has none."""
    first: Tree[Token] | Token = tree
    while isinstance(first, Tree) and first.children:
        first = first.children[0]
    return (first.line or 1) if isinstance(first, Token) else 1


def _attributes(lists: list[Any]) -> dict[str, str]:
    """Several brackets as one."""
    return {name: value for one in lists for name, value in one.items()}


def _text(tokens: list[Token]) -> str:
    """The text that an id stands for: quotes undone, `\\"` the only escape, a backslash
    at a line's end joins the lines.
    """
    if tokens[0].type != "QUOTED":
        return str(tokens[0])
    return "".join(
        _ESCAPED.sub(lambda found: _UNESCAPED.get(found[1], found[0]), token[1:-1]) for token in tokens
    )


def _tree(child: Tree[Token] | Token) -> Tree[Token]:
    assert isinstance(child, Tree)
    return child
