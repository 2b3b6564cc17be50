"""The middle form of reading: a graph as it was written, before its words mean anything.

In: nothing; DOT text and networkx graphs are turned into it. Out: `raw_to_fabric` gives it meaning. It keeps what a Fabric
no longer needs: which attributes were inherited from a default, where each default stood, and line numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bsngraph.ops import Value

HTML = re.compile(r"<([^<>]|<([^<>]|<([^<>]|<[^<>]*>)*>)*>)*>")  # as dot.lark has it
_LOST_BACKSLASH = re.compile(r'(?<!\\)(?:\\\\)*\\(?=["\n]|\r\n|\Z)')


@dataclass(frozen=True)
class RawNode:
    """A node with its own attributes and those it inherits from `node [...]` statements."""

    name: str
    own: Mapping[str, Value]
    inherited: Mapping[str, Value]
    line: int | None = None


@dataclass(frozen=True)
class RawEdge:
    """An edge with its own attributes and those it inherits from `edge [...]` statements; `key` as written or counted."""

    source: str
    target: str
    key: str
    own: Mapping[str, Value]
    inherited: Mapping[str, Value]
    line: int | None = None

    @property
    def name(self) -> str:
        return f"{self.source}->{self.target}#{self.key}"


@dataclass(frozen=True)
class RawDefault:
    """One name in a default statement: `kind` is `node` or `edge`."""

    kind: str
    name: str
    line: int | None = None


@dataclass(frozen=True)
class RawGraph:
    """A whole graph as written. `origin` names the file for messages."""

    origin: str
    name: str
    attributes: Mapping[str, Value]
    nodes: tuple[RawNode, ...]
    edges: tuple[RawEdge, ...]
    defaults: tuple[RawDefault, ...]


def place(what: str, line: int | None) -> str:
    """`edge a->b#0, line 7`."""
    return what if line is None else f"{what}, line {line}"


def can_be_written(text: str) -> bool:
    """Whether DOT can say this text: a single backslash before a quote, a new line or the end means something else there."""
    return HTML.fullmatch(text) is not None or _LOST_BACKSLASH.search(text) is None


def free_key(number: int, taken: set[str]) -> str:
    """The key of a parallel edge without one: how many edges stand before it, or the next number that is free."""
    while str(number) in taken:
        number += 1
    return str(number)
