"""How each format writes an attribute down: cures say it as the file at hand does."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NEEDS_NO_QUOTES = re.compile(r"\.\.\.|[A-Za-z_]\w*|-?(?:\d+\.?\d*|\.\d+)")


@dataclass(frozen=True)
class Spelling:
    """Templates with {name} and {value}: an attribute of the graph, of one node or
    edge, and of every node or edge ({kind}) without one of its own.

    `quotes`: a value that is no name and no number stands in quotes.
    """

    graph: str
    item: str
    default: str
    quotes: bool = False

    def on_graph(self, name: str, value: str = "...") -> str:
        """An attribute of the graph itself."""
        return self.graph.format(name=name, value=self._quoted(value))

    def on_item(self, name: str, value: str = "...") -> str:
        """An attribute of the node or edge at hand."""
        return self.item.format(name=name, value=self._quoted(value))

    def as_default(self, kind: str, name: str, value: str = "...") -> str:
        """An attribute of all nodes, or of all edges."""
        return self.default.format(kind=kind, name=name, value=self._quoted(value))

    def _quoted(self, value: str) -> str:
        return f'"{value}"' if self.quotes and not _NEEDS_NO_QUOTES.fullmatch(value) else value


DOT = Spelling("`graph [{name}={value}]`", "{name}={value}", "`{kind} [{name}={value}]`", quotes=True)
GRAPHML = Spelling(
    '`<data key="{name}">{value}</data>` in <graph> with `<key id="{name}" for="graph" attr.name="{name}"/>`',
    '`<data key="{name}">{value}</data>` with a <key> of that id and attr.name',
    '`<key id="{name}" for="{kind}" attr.name="{name}"><default>{value}</default></key>`',
)
NODE_LINK = Spelling(
    '`"{name}": "{value}"` in "graph"',
    '`"{name}": "{value}"`',
    '`"{kind}": {{"{name}": "{value}"}}` in "graph"',
)
NETWORKX = Spelling(
    '`graph.graph["{name}"] = "{value}"`',
    'the attribute {name}="{value}"',
    '`graph.graph["{kind}"] = {{"{name}": "{value}"}}`',
)
