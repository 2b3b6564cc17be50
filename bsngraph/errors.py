"""Errors a user can cause, each with the exit code its command ends with.

In: what is wrong, where, and the cure. Out: exceptions that hold these as data and
format themselves only when printed. Everything else that is raised in the package is a
bug of ours.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_LONGEST_WORD = 100
_MOST_WORDS = 1000
_MOST_PROBLEMS = 100


class BsngraphError(Exception):
    """Something could not be done; the text says what and how to go on."""

    exit_code = 1


class InputError(BsngraphError):
    """Wrong usage or bad input: a file, an option, a name."""

    exit_code = 2


class InfeasibleBudgetError(BsngraphError):
    """No sub-network of the fabric is inside the budget; the text names the cheapest
    one's cost.
    """


class RunFailedError(BsngraphError):
    """A search or a training had to stop; the last good checkpoint stays."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a file: what, where and what to do about it."""

    what: str
    where: str
    cure: str

    def __str__(self) -> str:
        return f"{self.what} @ {self.where}: {self.cure}"


class FabricError(InputError):
    """A fabric that cannot be used, with every problem found in it."""

    def __init__(self, origin: str, problems: Iterable[Problem]) -> None:
        self.origin = origin
        self.problems = tuple(problems)
        super().__init__(origin, self.problems)

    def __str__(self) -> str:
        count = len(self.problems)
        lines = [f"{self.origin}: {count} problem{'s' if count != 1 else ''}"]
        lines += [f"  - {problem}" for problem in self.problems[:_MOST_PROBLEMS]]
        return "\n".join(
            lines + ([f"  … and {count - _MOST_PROBLEMS} more"] if count > _MOST_PROBLEMS else [])
        )


def nearest(word: str, known: Iterable[str], *, otherwise: str = "", cutoff: float = 0.6) -> str:
    """The cure for a misspelt word: `did you mean 'conv'?`, else `otherwise`, else the
    list of what is known.

    Case, `-`, `_` and spaces make no difference; `cutoff` says how near a word must be.
    """
    names = sorted(set(known))
    # or a file could keep us comparing for hours
    comparable = len(word) <= _LONGEST_WORD and len(names) <= _MOST_WORDS
    close = _closest(word, names, cutoff) if comparable else None
    if close is not None:
        return f"did you mean {close!r}?"
    if len(names) > _MOST_WORDS:
        return otherwise or f"known are {', '.join(names[:5])} and {len(names) - 5} others"
    return otherwise or (f"known are {', '.join(names)}" if names else "none is known")


def _closest(word: str, names: Sequence[str], cutoff: float) -> str | None:
    alike = {_bare(name): name for name in reversed(names)}
    close = difflib.get_close_matches(_bare(word), alike, n=1, cutoff=cutoff)
    return alike[close[0]] if close else None


def _bare(word: str) -> str:
    return "".join(character for character in word.casefold() if character not in "-_ ")
