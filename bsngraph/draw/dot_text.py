"""Text on its way into DOT: nothing that a file says can end a string, a label or a
tag.

In: names and numbers. Out: DOT strings, escaped label text (Graphviz reads `\\N` and
`&amp;` in every label), and HTML label text.
"""

from __future__ import annotations

import html
from collections.abc import Mapping

from bsngraph.wording import printable


class Html(str):
    """An HTML-like label: written between < and >, everything foreign in it escaped
    already.
    """


def quoted(text: str) -> str:
    """A DOT string; never read as HTML, a port or a number."""
    return '"' + text.replace('"', '\\"') + '"'


def attributes(values: Mapping[str, str]) -> str:
    """An attribute list `[a="1", b=<<b>2</b>>]`: text is quoted, `Html` is not."""
    return (
        "["
        + ", ".join(
            f"{name}={f'<{value}>' if isinstance(value, Html) else quoted(value)}"
            for name, value in values.items()
        )
        + "]"
    )


def escaped(text: str) -> str:
    """Plain text for labels and tooltips, in which Graphviz resolves backslashes and
    character entities.
    """
    lines = (printable(line) for line in text.split("\n"))
    return "\\n".join(line.replace("\\", "\\\\").replace("&", "&amp;") for line in lines)


def html_escaped(text: str) -> str:
    """Plain text inside an HTML label."""
    return html.escape(printable(text), quote=False)
