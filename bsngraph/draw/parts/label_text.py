"""Plain text on its way into labels: no name in a file can break one.

Graphviz resolves `\\N` and `&amp;` in every label and tooltip, and reads tags in HTML
labels.
"""

from __future__ import annotations

import html

from bsngraph.wording import printable


def escaped(text: str) -> str:
    """Plain text for labels and tooltips."""
    lines = (printable(line) for line in text.split("\n"))
    return "\\n".join(line.replace("\\", "\\\\").replace("&", "&amp;") for line in lines)


def html_escaped(text: str) -> str:
    """Plain text inside an HTML label."""
    return html.escape(printable(text), quote=False)
