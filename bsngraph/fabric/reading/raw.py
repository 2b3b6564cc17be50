"""The middle form of reading: a graph as it was written, before its words mean
anything.

In: nothing; DOT text and networkx graphs are turned into it. Out: `raw_to_fabric` gives
it meaning. It keeps what a Fabric no longer needs: which attributes were inherited from
a default, where each default stood, and line numbers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from bsngraph.ops import Value

HTML = re.compile(r"<(?:[^<>]++|<(?:[^<>]++|<(?:[^<>]++|<[^<>]*+>)*+>)*+>)*+>")  # as dot.lark has it
_NO_XML = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\ud800-\\udfff\\ufffe\\uffff]")
_LOST_BACKSLASH = re.compile(r'(?<!\\)(?:\\\\)*\\(?=["\n]|\r\n|\Z)')


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
    statements; `key` as written or counted.
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


def join_names(names: Iterable[str], known: Collection[str] = ()) -> str:
    """Names as one text, commas between; a comma of a name itself, and a space at its
    end, has a backslash before it.

    The text is none of the `known` names, unless it is that name alone.
    """
    names = list(names)
    text = (
        ",".join(re.sub(r",|^ | $", r"\\\g<0>", name) for name in names) if len(names) > 1 else "".join(names)
    )
    while len(names) > 1 and text in known:
        text += ","
    return text


def split_names(text: str, known: Collection[str]) -> list[str]:
    """The names in a text: the whole of it where that is a known one."""
    if text in known:
        return [text]
    parts = re.findall(r"(?:\\.|[^,\\])+", text, re.DOTALL)
    names = (re.sub(r"\\(.)", r"\1", re.sub(r"^ +|(?<!\\) +$", "", part)) for part in parts)
    return [name for name in names if name]


def place(what: str, line: int | None) -> str:
    """`edge a->b#0, line 7`."""
    return what if line is None else f"{what}, line {line}"


def cannot_be_written(text: str) -> str | None:
    """What in a text not every format can say, None where all can: control characters
    (XML), and (DOT) a single backslash before a quote, a new line or the end.
    """
    if _NO_XML.search(text):
        return "a control character that GraphML cannot write"
    return (
        None
        if HTML.fullmatch(text) or not _LOST_BACKSLASH.search(text)
        else "a backslash that DOT cannot write"
    )


def numbered_keys(edges: Iterable[tuple[str, str, str | None]]) -> list[str]:
    """The keys of (source, target, key) in order. An edge without one gets the number
    of parallel edges before it, or the next that is the key of none.
    """
    edges = list(edges)
    taken: dict[tuple[str, str], set[str]] = {}
    for source, target, key in edges:
        if key is not None:
            taken.setdefault((source, target), set()).add(key)
    before: Counter[tuple[str, str]] = Counter()
    free: Counter[tuple[str, str]] = Counter()
    keys = []
    for source, target, key in edges:
        ends = source, target
        if key is None:
            number = max(before[ends], free[ends])
            while str(number) in taken.get(ends, ()):
                number += 1
            free[ends] = number + 1  # what was given before is taken too, and numbers only grow
            key = str(number)
        before[ends] += 1
        keys.append(key)
    return keys
