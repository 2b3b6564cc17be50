"""Text on its way into DOT: nothing that a file says can end a string, a label or a tag.

In: names, shapes and numbers. Out: DOT strings, escaped label text (Graphviz reads `\\N` and `&amp;` in every label), HTML
label text, and short readable numbers.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping

from bsngraph.ops import Shape

LONGEST = 36


class Html(str):
    """An HTML-like label: written between < and >, everything foreign in it escaped already."""


def quoted(text: str) -> str:
    """A DOT string; never read as HTML, a port or a number."""
    return '"' + text.replace('"', '\\"') + '"'


def attributes(values: Mapping[str, str]) -> str:
    """An attribute list `[a="1", b=<<b>2</b>>]`: text is quoted, `Html` is not."""
    return "[" + ", ".join(f"{name}={f'<{value}>' if isinstance(value, Html) else quoted(value)}" for name, value in values.items()) + "]"


def escaped(text: str) -> str:
    """Plain text for labels and tooltips, in which Graphviz resolves backslashes and character entities."""
    lines = (printable(line) for line in text.split("\n"))
    return "\\n".join(line.replace("\\", "\\\\").replace("&", "&amp;") for line in lines)


def html_escaped(text: str) -> str:
    """Plain text inside an HTML label."""
    return html.escape(printable(text), quote=False)


def shortened(text: str, longest: int = LONGEST) -> str:
    """At most `longest` characters; the middle is left out, since names differ at their ends."""
    if len(text) <= longest:
        return text
    return f"{text[: longest // 2]}…{text[len(text) - (longest - 1) // 2 :]}"


def shape_text(shape: Shape) -> str:
    """`32×4×4`."""
    return "×".join(map(str, shape))


def quantity(value: float) -> str:
    """A number in three digits: `412 k`, `1.71 M`, `0.034`."""
    if not math.isfinite(value) or abs(value) < 999.5:
        return f"{value:.3g}"
    scaled, prefixes = value / 1000, "kMGTP"
    while abs(scaled) >= 999.5 and len(prefixes) > 1:
        scaled, prefixes = scaled / 1000, prefixes[1:]
    return f"{scaled:.3g} {prefixes[0]}"


def percent(share: float) -> str:
    """`34 %`; what is there but below half a percent is `<1 %`."""
    return "<1 %" if 0 < share < 0.005 else f"{100 * share:.0f} %"


def printable(text: str) -> str:
    """Without what XML forbids (control characters, lone surrogates)."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
