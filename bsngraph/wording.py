"""Quantities, shapes and names as people read them: one spelling for terminals,
pictures and errors.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable

LONGEST = 36


def shortened(text: str, longest: int = LONGEST) -> str:
    """At most `longest` characters. The middle is left out, because names differ at
    their ends.
    """
    if len(text) <= longest:
        return text
    return f"{text[: longest // 2]}…{text[len(text) - (longest - 1) // 2 :]}"


def shape_text(shape: tuple[int, ...]) -> str:
    """`32x4x4`, as files write it."""
    return "x".join(map(str, shape)) or "a single number"


def quantity(value: float) -> str:
    """A number in three digits: `412 k`, `1.71 M`, `0.034`."""
    if not math.isfinite(value) or abs(value) < 999.5:
        return f"{value:.3g}"
    scaled, prefixes = value / 1000, "kMGTP"
    while abs(scaled) >= 999.5 and len(prefixes) > 1:
        scaled, prefixes = scaled / 1000, prefixes[1:]
    return f"{scaled:.3g} {prefixes[0]}"


def percent(share: float) -> str:
    """`34 %`; a share above zero but below half a percent is `<1 %`."""
    return "<1 %" if 0 < share < 0.005 else f"{100 * share:.0f} %"


def ranges(numbers: Iterable[int]) -> str:
    """Ascending numbers as `0-3 7`."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = runs[-1][0], number
        else:
            runs.append((number, number))
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def printable(text: str) -> str:
    """The text without what XML forbids: control characters and lone surrogates."""
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )


def printable_lines(text: str) -> str:
    """Lines of text without what does not stand for a character of its own."""
    return "\n".join(map(printable, text.split("\n")))


def shell_word(word: str) -> str:
    """A word as a shell takes it, so that it can be copied from a terminal: in quotes
    where that is needed, what cannot be printed as `$'\\x1b'`.
    """
    if word.isprintable():
        return shlex.quote(word)
    escaped = "".join(
        letter if letter.isprintable() and letter not in "\\'" else _escaped(letter) for letter in word
    )
    return f"$'{escaped}'"


def _escaped(letter: str) -> str:
    if letter in "\\'":
        return f"\\{letter}"
    return "".join(f"\\x{byte:02x}" for byte in letter.encode("utf-8", "surrogateescape"))
