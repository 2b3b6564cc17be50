"""Names of files → names of Python: lower case, ASCII, unique, no word of the language.

Whatever stands in a graph file, what comes out is an identifier and nothing else. Text
that is shown goes through `text_literal`.
"""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Iterable

# Letters that look like digits, and words that mean something in the source.
_TAKEN = frozenset(
    {"l", "o", "i", "torch", "nn", "functional", "self", "cls", "super", "inputs", "load", "load_file"}
)
_WORDS = frozenset(map(str.lower, [*keyword.kwlist, *keyword.softkwlist, *dir(builtins)]))


class PythonNames:
    """Gives each thing a name that no other has."""

    def __init__(self, reserved: Iterable[str] = (), *, longest: int = 18) -> None:
        self.taken = set(reserved) | _TAKEN
        self.longest = longest

    def variable(self, text: str, otherwise: str = "node") -> str:
        """A variable or attribute for what a file calls `text`; `otherwise` if nothing
        of that can be kept.
        """
        word = _ascii_words(text).lower()[: self.longest].strip("_")
        if not word or not word[0].isalpha():
            word = f"{otherwise}_{word}".rstrip("_")
        return self._unique(word)

    def title(self, text: str, otherwise: str) -> str:
        """The name of a class, in capitals: `tiny digits` → `TinyDigits`."""
        words = _ascii_words(text).split("_")
        word = "".join(part[:1].upper() + part[1:] for part in words)[: self.longest]
        if not word or not word[0].isalpha():
            word = otherwise
        return self._unique(word)

    def _unique(self, word: str) -> str:
        name, number, between = word, 1, "_" if word == word.lower() else ""
        while name in self.taken or name.lower() in _WORDS:
            number += 1
            end = f"{between}{number}"
            name = word[: self.longest - len(end)].rstrip("_") + end
        self.taken.add(name)
        return name


def _ascii_words(text: str) -> str:
    """Letters and digits of ASCII, accents dropped, anything else as `_`."""
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    return re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")


def text_literal(text: str) -> str:
    """A text as Python writes it: in double quotes, all that is odd escaped."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if character.isprintable() and character != '"' and not _wide(character):
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _wide(character: str) -> bool:
    """Whether it is shown wider than a letter, or joined to another: formatters count
    such lines otherwise than `len` does.
    """
    return unicodedata.east_asian_width(character) in "WF" or unicodedata.category(character)[0] == "M"
