"""`{group}_{any}`: which piece of a file's name says what its image belongs to.

In: a pattern of plain text and pieces in braces. Out: the group of a name, or nothing
if the name does not read so. A pattern is no regular expression, so no name makes
matching slow, and nothing in it needs quotes in a shell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bsngraph.errors import InputError, nearest

PIECES = {
    "group": "one character or more, which say the group",
    "number": "digits",
    "any": "anything, also nothing",
}
_MOST_PIECES = 4
_TOKEN = re.compile(r"\{([^{}]*)\}|([^{}]+)|(.)")
_BETWEEN = "/"
"""Stands between several `{group}` of a name; no file's name holds it."""


@dataclass(frozen=True)
class _Token:
    """A piece in braces, or plain text if `piece` is empty."""

    piece: str
    text: str = ""

    def ends(self, name: str, start: int) -> Iterator[int]:
        """Where it may end in a name, the nearest first."""
        if not self.piece:
            if name.startswith(self.text, start):
                yield start + len(self.text)
            return
        for end in range(start, len(name) + 1):
            if end > start and self.piece == "number" and not "0" <= name[end - 1] <= "9":
                return
            if end > start or self.piece == "any":
                yield end


@dataclass(frozen=True)
class GroupPattern:
    """A pattern as it was written, and what it is made of."""

    text: str
    tokens: tuple[_Token, ...]

    def group_of(self, name: str) -> str | None:
        """The group that a name says; None if the whole name does not read so.

        From the left, each piece takes as little as it can.
        """
        taken = _taken(self.tokens, name)
        if taken is None:
            return None
        found = [text for token, text in zip(self.tokens, taken, strict=True) if token.piece == "group"]
        return _BETWEEN.join(found)


def parse_group_pattern(what: str, text: str) -> GroupPattern:
    """A pattern from its text; errors begin with `what`.

    Raises:
        InputError: there is no `{group}`, an unknown piece, an open brace, more than
            four pieces, or two of them without text between.
    """
    tokens: list[_Token] = []
    for piece, plain, brace in _TOKEN.findall(text):
        if brace:
            raise InputError(f"{what}: the brace {brace} is open: write {{group}}_{{any}}")
        if plain:
            tokens.append(_Token("", plain))
            continue
        if piece not in PIECES:
            raise InputError(f"{what}: there is no piece {{{piece}}}: {nearest(piece, PIECES)}")
        if tokens and tokens[-1].piece:
            raise InputError(
                f"{what}: {{{tokens[-1].piece}}} and {{{piece}}} need text between them, e.g. "
                f"{{{tokens[-1].piece}}}_{{{piece}}}"
            )
        tokens.append(_Token(piece))
    pieces = [token.piece for token in tokens if token.piece]
    if "group" not in pieces:
        raise InputError(
            f"{what}: {{group}} must stand for what names the group: groups={{group}}_{{any}} reads p7 from "
            "p7_001.png"
        )
    if len(pieces) > _MOST_PIECES:
        raise InputError(f"{what}: has {len(pieces)} pieces in braces: {_MOST_PIECES} at most")
    return GroupPattern(text, tuple(tokens))


def _taken(tokens: Sequence[_Token], name: str) -> tuple[str, ...] | None:
    """What each token takes of a name, or None."""
    hopeless = set[tuple[int, int]]()  # each place is tried once, whatever the name

    def way(number: int, start: int) -> tuple[str, ...] | None:
        if number == len(tokens):
            return () if start == len(name) else None
        if (number, start) in hopeless:
            return None
        for end in tokens[number].ends(name, start):
            rest = way(number + 1, end)
            if rest is not None:
                return (name[start:end], *rest)
        hopeless.add((number, start))
        return None

    return way(0, 0)
