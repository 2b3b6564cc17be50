"""How wide a text is, without a font at hand.

The characters of ASCII and Latin have the widths of Helvetica and Arial, which
Liberation Sans, Arimo and Nimbus Sans share. For other scripts the width is an estimate
by what kind of character it is. A picture that also sets `textLength` shows the text
that wide whatever font it is shown in.
"""

from __future__ import annotations

import math
import unicodedata

#: The fonts of these widths, for SVGs.
FONT_FAMILY = "Helvetica, Arial, 'Liberation Sans', Arimo, 'Nimbus Sans', sans-serif"

#: What `padded` pads with.
PADDING = "\N{NO-BREAK SPACE}"

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
# Marks of our own labels, as wide as Graphviz takes them to be if it has no font.
_KNOWN = {"×": 556, "·": 556, "…": 834, "→": 834, PADDING: 556}
_SPACE, _BOX = 278, 750
_FIRST_RARE = 0x600  # before it are Latin, Greek, Cyrillic, Armenian and Hebrew
_NOTHING, _LETTER, _WIDE, _PICTURE = 0, 556, 1000, 1250


def text_width(text: str, points: float, *, bold: bool = False) -> float:
    """The width of one line of text of a size in points, in points."""
    widths = _WIDTHS[bold]
    return points / 1000 * sum(_character_width(character, widths) for character in text)


def padded(text: str, *, centred: bool = True) -> str:
    """The text with no-break spaces around it, or after it, where Graphviz would take
    it to be narrower than it is.

    Without a font Graphviz takes a character to be as wide as a space for each of its
    bytes, which is too little for such scripts as Chinese.
    """
    unknown = [character for character in text if not character.isascii()]
    missing = sum(_room(character) - _graphvizs_width(character) for character in unknown)
    count = max(0, math.ceil(missing / _graphvizs_width(PADDING)))
    before = (count + 1) // 2 if centred else 0
    after = before if centred else count
    return f"{PADDING * before}{text}{PADDING * after}"


def _room(character: str) -> int:
    """Its width, or that of the box which stands for what a font does not have."""
    return max(_character_width(character, _WIDTHS[False]), _BOX if ord(character) >= _FIRST_RARE else 0)


def _graphvizs_width(character: str) -> int:
    return _SPACE * len(character.encode("utf-8", "replace"))


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
