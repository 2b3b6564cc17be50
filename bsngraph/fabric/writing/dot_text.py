"""Statements of DOT as text: the one place where DOT is written, for fabric files and
for drawings.

In: names and values. Out: statements, one a line. Whatever a name or a value says, it
cannot end a text, a list or a statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

_KEYWORDS = frozenset({"strict", "graph", "digraph", "subgraph", "node", "edge"})

Attributes = Mapping[str, str]


class Html(str):
    """An HTML-like text without its outer brackets; everything foreign in it is escaped
    already.
    """


def quoted(text: str) -> str:
    """A name or value as DOT says it; `\\"` is the only escape of the language."""
    return f"<{text}>" if isinstance(text, Html) else '"' + text.replace('"', '\\"') + '"'


def digraph(name: str, statements: Iterable[str], indent: str = "") -> str:
    """A whole file."""
    return "\n".join([f"digraph {quoted(name)} {{", *(indent + line for line in statements), "}", ""])


def subgraph(name: str, statements: Iterable[str]) -> Iterator[str]:
    """The lines of a subgraph."""
    yield f"subgraph {quoted(name)} {{"
    yield from (f"  {line}" for line in statements)
    yield "}"


def assignment(name: str, value: str) -> str:
    """An attribute of the graph: `rankdir="LR";`."""
    return f"{_pair(name, value)};"


def defaults(kind: str, attributes: Attributes) -> str:
    """A default statement: `node [shape="box"];`."""
    return f"{kind}{_bracket(attributes)};"


def node(name: str, attributes: Attributes) -> str:
    """A node: `"a" [merge="mean"];`."""
    return f"{quoted(name)}{_bracket(attributes)};"


def edge(source: str, target: str, attributes: Attributes) -> str:
    """An edge: `"a" -> "b" [op="conv"];`."""
    return f"{quoted(source)} -> {quoted(target)}{_bracket(attributes)};"


def attribute_name(name: str) -> str:
    """The name of an attribute: an identifier, quoted if it is a keyword of DOT."""
    return quoted(name) if name.lower() in _KEYWORDS else name


def _bracket(attributes: Attributes) -> str:
    return f" [{', '.join(_pair(name, value) for name, value in attributes.items())}]" if attributes else ""


def _pair(name: str, value: str) -> str:
    return f"{attribute_name(name)}={quoted(value)}"
