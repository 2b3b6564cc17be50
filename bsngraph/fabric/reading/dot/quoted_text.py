"""Quoted texts of DOT, without their quotes."""

from __future__ import annotations

import re

_ESCAPED = re.compile(r"\\(\r?\n|[\s\S])")
_UNESCAPED = {'"': '"', "\n": "", "\r\n": ""}


def unquoted(quoted: str) -> str:
    """What a text in quotes says.

    `\\"` is the only escape of the language, and a backslash at the end of a line joins
    the lines. Every other backslash stays.
    """
    return _ESCAPED.sub(lambda found: _UNESCAPED.get(found[1], found[0]), quoted[1:-1])
