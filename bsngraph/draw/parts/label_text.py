"""Plain text on its way into labels: no name in a file can break one.

Graphviz resolves `\\N` and `&amp;` in every label and tooltip, and reads tags in HTML
labels.
"""

from __future__ import annotations

import html

from bsngraph.draw.parts.text_width import padded
from bsngraph.wording import printable

EDGE_POINTS = 11


def escaped(text: str) -> str:
    """Plain text for labels and tooltips."""
    return "\\n".join(_resolved_by_graphviz(printable(line)) for line in text.split("\n"))


def html_escaped(text: str, *, centred: bool = True) -> str:
    """One line of plain text inside an HTML label, with the room that it needs."""
    return html.escape(padded(printable(text), centred=centred), quote=False).replace("\\", "\\\\")


def edge_label(text: str, spaces: int) -> str:
    """The label of an edge: lines of plain text, so many spaces clear of the line."""
    lines = (" " * spaces + padded(printable(line), centred=False) for line in text.split("\n"))
    return "\\n".join(map(_resolved_by_graphviz, lines))


def _resolved_by_graphviz(line: str) -> str:
    """What Graphviz resolves to the line."""
    return line.replace("\\", "\\\\").replace("&", "&amp;")
