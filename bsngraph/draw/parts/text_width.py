"""How wide a text is, without a font at hand.

The characters of ASCII and Latin have the widths of Helvetica and Arial, which
Liberation Sans, Arimo and Nimbus Sans share. For other scripts the width is an estimate
by what kind of character it is. A picture that also sets `textLength` shows the text
that wide whatever font it is shown in.
"""

from __future__ import annotations

import unicodedata

# Thousandths of the font's size, for the characters from the space to the tilde.
_PLAIN = (
    "278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556 "
    "556 278 278 584 584 584 556 1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722 778 667 778 "
    "722 667 611 722 667 944 667 667 611 278 278 278 469 556 333 556 556 500 556 556 278 556 556 222 222 "
    "500 222 833 556 556 556 556 333 500 278 556 500 722 500 500 500 334 260 334 584"
)
_BOLD = (
    "278 333 474 556 556 889 722 238 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556 "
    "556 333 333 584 584 584 611 975 722 722 722 722 667 611 778 722 278 556 722 611 833 722 778 667 778 "
    "722 667 611 722 667 944 667 667 611 333 278 333 584 556 333 556 611 556 611 556 333 611 611 278 278 "
    "556 278 889 611 611 611 611 389 556 333 611 556 778 556 556 500 389 280 389 584"
)
_WIDTHS = {bold: tuple(map(int, widths.split())) for bold, widths in ((False, _PLAIN), (True, _BOLD))}
_KNOWN = {"×": 584, "·": 333, "…": 1000, "→": 1000, "λ": 556, "Γ": 556, "\N{NO-BREAK SPACE}": 278}
_NOTHING, _LETTER, _WIDE, _PICTURE = 0, 600, 1000, 1250


def text_width(text: str, points: float, *, bold: bool = False) -> float:
    """The width of one line of text of a size in points, in points."""
    widths = _WIDTHS[bold]
    return points / 1000 * sum(_character_width(character, widths) for character in text)


def _character_width(character: str, widths: tuple[int, ...]) -> int:
    if " " <= character <= "~":
        return widths[ord(character) - ord(" ")]
    if character in _KNOWN:
        return _KNOWN[character]
    base = unicodedata.normalize("NFD", character)[0]
    if " " <= base <= "~":
        return widths[ord(base) - ord(" ")]
    kind = unicodedata.category(character)
    if kind in ("Mn", "Me", "Cf"):
        return _NOTHING
    if unicodedata.east_asian_width(character) in "WF":
        return _PICTURE if kind == "So" else _WIDE
    return _WIDE if kind[0] == "S" else _LETTER
