"""The middle form of reading: a graph as it was written, before its words mean
anything.

The readers of all formats make a `RawGraph`, and `raw_to_fabric` gives it meaning. It
keeps what a Fabric no longer needs: which attributes were inherited from a default,
where each default stood, and line numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bsngraph.ops import Value


@dataclass(frozen=True)
class RawNode:
    """A node with its own attributes and those it inherits from `node [...]`
    statements.
    """

    name: str
    own: Mapping[str, Value]
    inherited: Mapping[str, Value]
    line: int | None = None


@dataclass(frozen=True)
class RawEdge:
    """An edge with its own attributes and those it inherits from `edge [...]`
    statements.

    `key` is the one that was written, or the number that `numbered_keys` gives.
    """

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
    """Where something stands: `edge a->b#0, line 7`."""
    return what if line is None else f"{what}, line {line}"
