"""DOT text → its syntax tree, by the grammar in `dot.lark`.

Texts are resolved while the tree is built: an id is one token without quotes, a bracket
is one dict. A tree of all tokens would be ten times as large.
"""

from __future__ import annotations

import sys
import threading
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from lark import Lark, Token, Transformer, Tree
from lark.exceptions import UnexpectedInput

from bsngraph.errors import FabricError
from bsngraph.fabric.reading import bounds
from bsngraph.fabric.reading.dot.quoted_text import unquoted
from bsngraph.fabric.reading.dot.syntax_problem import empty_file, syntax_problem

SyntaxTree: TypeAlias = Tree[Token]

_PARSING = threading.Lock()  # the parser counts words in one place


def syntax_tree(text: str, origin: str) -> SyntaxTree:
    """Parse one DOT graph.

    Raises:
        FabricError: the text is not DOT, or says more words than a file may.
    """
    if not text.strip():
        raise FabricError(origin, [empty_file(origin)])
    # a tree can grow by these without any name
    if text.count("{") + text.count("[") + text.count('"') // 2 > 2 * bounds.MAX_DOT_WORDS:
        raise bounds.too_many_words(origin, bounds.MAX_DOT_WORDS, "the whole file")
    with _PARSING:
        parser, leaves = _parser()
        leaves.meter = bounds.SizeMeter(origin, bounds.MAX_DOT_WORDS)
        try:
            return parser.parse(text)
        except UnexpectedInput as error:
            raise FabricError(origin, [syntax_problem(error, text)]) from None


def line_of(tree: SyntaxTree) -> int:
    """The line of a tree's first token; line 1 if it has none (an empty list of
    statements).
    """
    first: SyntaxTree | Token = tree
    while isinstance(first, Tree) and first.children:
        first = first.children[0]
    return (first.line or 1) if isinstance(first, Token) else 1


def as_tree(child: SyntaxTree | Token) -> SyntaxTree:
    """A child that the grammar makes a tree."""
    assert isinstance(child, Tree)
    return child


def id_in(children: list[Any]) -> str | None:
    """The first id among a tree's children, as text."""
    return next((str(child) for child in children if isinstance(child, Token) and child.type == "ID"), None)


def attributes_in(children: list[Any]) -> dict[str, str]:
    """The attributes of all brackets among a tree's children; the last one counts."""
    return {name: value for child in children if isinstance(child, dict) for name, value in child.items()}


class _Leaves(Transformer[Token, SyntaxTree]):
    """What the leaves of the tree become while it is parsed."""

    meter = bounds.SizeMeter("", 0)

    def id(self, tokens: list[Token]) -> Token:
        """The text of an id, at the place of its first token."""
        self.meter.spend(1, f"line {tokens[0].line}")
        return Token.new_borrow_pos("ID", _text(tokens), tokens[0])

    def attribute(self, pair: list[Token]) -> tuple[str, str]:
        """A name and a value."""
        return sys.intern(str(pair[0])), sys.intern(str(pair[1]))

    def attribute_list(self, pairs: list[tuple[str, str]]) -> dict[str, str]:
        """One bracket."""
        return dict(pairs)


def _text(tokens: list[Token]) -> str:
    return "".join(map(unquoted, tokens)) if tokens[0].type == "QUOTED" else str(tokens[0])


@cache
def _parser() -> tuple[Lark, _Leaves]:
    grammar = Path(__file__).with_name("dot.lark").read_text(encoding="utf-8")
    leaves = _Leaves()
    return Lark(grammar, parser="lalr", maybe_placeholders=False, transformer=leaves), leaves
