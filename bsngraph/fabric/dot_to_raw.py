"""DOT text → RawGraph, meaning what it means to Graphviz.

Default statements hold for what is created after them in their scope; a subgraph starts with its parent's defaults;
`a -> b -> {c d}` is every edge of the chain; a keyed edge written twice is one edge; ports are dropped. Problems of the
language itself (no graph, a bad number, an undirected graph) are FabricErrors with line and column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken

from bsngraph.errors import FabricError, Problem
from bsngraph.fabric.raw import RawDefault, RawEdge, RawGraph, RawNode, free_key

MAX_DEPTH = 64

_EXAMPLE = 'a fabric reads `digraph name { graph [source=a, target=b]; a [input="1x8x8"]; a -> b [op=conv, channels=8]; }`'
_SPOKEN = {
    "LBRACE": "{", "RBRACE": "}", "LSQB": "[", "RSQB": "]", "EQUAL": "=", "SEMICOLON": ";", "COMMA": ",", "COLON": ":",
    "EDGEOP": "->", "NAME": "a name", "NUMERAL": "a number", "QUOTED": "a quoted text", "$END": "the end of the file",
}  # fmt: skip


@dataclass
class _Scope:
    """The defaults in force inside one pair of braces, and the nodes mentioned there."""

    node: dict[str, str] = field(default_factory=dict)
    edge: dict[str, str] = field(default_factory=dict)
    members: dict[str, None] = field(default_factory=dict)

    def inner(self) -> _Scope:
        return _Scope(dict(self.node), dict(self.edge))


@dataclass
class _Item:
    """A node or edge while it is read."""

    inherited: dict[str, str]
    line: int
    own: dict[str, str] = field(default_factory=dict)


def dot_to_raw(text: str, origin: str) -> RawGraph:
    """Read one DOT digraph.

    Raises:
        FabricError: the text is not DOT, holds an undirected graph, or nests deeper than `MAX_DEPTH`.
    """
    if not text.strip():
        raise FabricError(origin, [Problem("the file is empty", origin, _EXAMPLE)])
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        raise FabricError(origin, [_syntax_problem(error, text)]) from None
    return _Reader(origin).read(tree)


@cache
def _parser() -> Lark:
    grammar = Path(__file__).with_name("dot.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", propagate_positions=True, maybe_placeholders=False)


def _syntax_problem(error: UnexpectedInput, text: str) -> Problem:
    if isinstance(error, UnexpectedEOF) or (isinstance(error, UnexpectedToken) and error.token.type == "$END"):
        where = f"line {text.count(chr(10)) + 1}"
        return Problem("the file ends in the middle of the graph", where, "close every { with }, every [ with ] and every quote")
    where = f"line {error.line}, column {error.column}"
    if isinstance(error, UnexpectedCharacters):
        rest = text[error.pos_in_stream :].split("\n")[0]
        number = re.match(r"-?[\w.]+", rest)
        if number and rest[0] in "-.0123456789":
            word = number.group()
            return Problem(f"{word!r} is not a number of the DOT language", where, f'write it in quotes: "{word}"')
        return Problem(f"cannot read {rest[:20]!r} as DOT", where, _EXAMPLE)
    assert isinstance(error, UnexpectedToken)
    expected = sorted({_SPOKEN.get(name, name.lower()) for name in error.accepts or error.expected})
    return Problem(f"did not expect {str(error.token)!r} here", where, f"expected one of {' '.join(expected)}")


class _Reader:
    """Walks the syntax tree once, in file order, with the scope it is in."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.strict = False
        self.attributes: dict[str, str] = {}
        self.nodes: dict[str, _Item] = {}
        self.edges: dict[tuple[str, str], dict[str, _Item]] = {}
        self.order: list[tuple[str, str, str]] = []
        self.defaults: list[RawDefault] = []

    def read(self, tree: Tree[Token]) -> RawGraph:
        *head, statements = tree.children
        words = [str(child).lower() for child in head if isinstance(child, Token)]
        names = [_text(child) for child in head if isinstance(child, Tree)]
        if "graph" in words:
            cure = "write `digraph` and `->`: an edge of a fabric has a direction"
            raise FabricError(self.origin, [Problem("the graph is undirected", f"line {tree.meta.line}", cure)])
        self.strict = "strict" in words
        self._statements(_tree(statements), _Scope(), 0)
        return RawGraph(
            origin=self.origin,
            name=names[0] if names else "",
            attributes=self.attributes,
            nodes=tuple(RawNode(name, item.own, item.inherited, item.line) for name, item in self.nodes.items()),
            edges=tuple(self._edges()),
            defaults=tuple(self.defaults),
        )

    def _edges(self) -> Iterator[RawEdge]:
        for source, target, key in self.order:
            item = self.edges[source, target][key]
            yield RawEdge(source, target, key, item.own, item.inherited, item.line)

    def _statements(self, tree: Tree[Token], scope: _Scope, depth: int) -> None:
        if depth > MAX_DEPTH:
            cure = "fabrics need no subgraphs inside subgraphs to this depth: flatten the file"
            raise FabricError(self.origin, [Problem(f"subgraphs nest deeper than {MAX_DEPTH}", f"line {tree.meta.line}", cure)])
        for statement in map(_tree, tree.children):
            if statement.data == "assignment":
                name, value = (_text(child) for child in statement.children)
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
        (scope.node if kind == "node" else scope.edge).update(attributes)
        self.defaults += [RawDefault(kind, name, statement.meta.line) for name in attributes]

    def _chain(self, statement: Tree[Token], scope: _Scope, depth: int) -> None:
        parts = [child for child in statement.children if isinstance(child, Tree)]
        endpoints = [part for part in parts if part.data != "attribute_list"]
        attributes = _attributes([part for part in parts if part.data == "attribute_list"])
        arrows = [child for child in statement.children if isinstance(child, Token)]
        for arrow in arrows:
            if arrow == "--":
                where = f"line {arrow.line}, column {arrow.column}"
                raise FabricError(self.origin, [Problem("an undirected edge `--`", where, "write `->`: an edge has a direction")])
        groups = [self._endpoint(endpoint, scope, depth) for endpoint in endpoints]
        if not arrows and endpoints[0].data == "node":
            self.nodes[groups[0][0]].own.update(attributes)
        for sources, targets in pairwise(groups):
            for source in sources:
                for target in targets:
                    self._edge(source, target, attributes, scope, statement.meta.line)

    def _endpoint(self, tree: Tree[Token], scope: _Scope, depth: int) -> list[str]:
        if tree.data == "node":
            name = _text(_tree(tree.children[0]))
            self.nodes.setdefault(name, _Item(dict(scope.node), tree.meta.line))
            scope.members[name] = None
            return [name]
        inner = scope.inner()
        self._statements(_tree(tree.children[-1]), inner, depth + 1)
        scope.members.update(inner.members)
        return list(inner.members)

    def _edge(self, source: str, target: str, attributes: dict[str, str], scope: _Scope, line: int) -> None:
        parallel = self.edges.setdefault((source, target), {})
        key = next(iter(parallel)) if self.strict and parallel else attributes.get("key") or free_key(set(parallel))
        if key not in parallel:
            parallel[key] = _Item(dict(scope.edge), line)
            self.order.append((source, target, key))
        parallel[key].own.update(attributes)


def _attributes(lists: list[Tree[Token]] | list[Tree[Token] | Token]) -> dict[str, str]:
    attributes = {}
    for attribute in (child for one in lists for child in _tree(one).children):
        name, *value = (_text(_tree(part)) for part in _tree(attribute).children)
        attributes[name] = value[0] if value else "true"
    return attributes


def _text(tree: Tree[Token] | Token) -> str:
    """The text that an id stands for: quotes undone, `\\"` the only escape, a backslash at a line's end joins the lines."""
    tokens = [token for token in _tree(tree).children if isinstance(token, Token)]
    if tokens[0].type != "QUOTED":
        return str(tokens[0])
    return "".join(token[1:-1].replace('\\"', '"').replace("\\\r\n", "").replace("\\\n", "") for token in tokens)


def _tree(child: Tree[Token] | Token) -> Tree[Token]:
    assert isinstance(child, Tree)
    return child
