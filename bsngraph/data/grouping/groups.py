"""`ExampleGroups`: which examples belong together. They come from the names of files,
or from a value for each example.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from bsngraph.data.grouping.group_pattern import PIECES, parse_group_pattern
from bsngraph.data.reading.unusable import first_of
from bsngraph.data.splits import Rows
from bsngraph.errors import InputError
from bsngraph.tasks.label_forms import Array

GROUPS_OPTION = (
    "keep images of one group in one split: a pattern of file names, e.g. {group}_{any} for p7_001.png "
    "(docs/data.md)"
)
NO_GROUP = -1


@dataclass(frozen=True)
class ExampleGroups:
    """The group of each example by number (n,), `NO_GROUP` for one whose group is not
    said; the names of the groups; and `said`, how the user says them.
    """

    of: Rows
    names: tuple[str, ...]
    said: str

    def only(self, rows: Rows) -> ExampleGroups:
        """Of these examples alone."""
        return ExampleGroups(self.of[rows], self.names, self.said)


def groups_of_files(origin: str, pattern: str | None, files: Sequence[str]) -> ExampleGroups | None:
    """The groups that the names of files say, without folders and suffixes; None
    without a pattern.

    Raises:
        InputError: the pattern is none, or a name does not read so; the first few are
            named.
    """
    if pattern is None:
        return None
    said = f"groups={pattern}"
    asked = parse_group_pattern(f"{origin}: {said}", pattern)
    found = [asked.group_of(PurePath(file).stem) for file in files]
    others = [file for file, group in zip(files, found, strict=True) if group is None]
    if others:
        meaning = "; ".join(f"{{{piece}}} is {text}" for piece, text in PIECES.items())
        raise InputError(
            f"{origin}: {len(others)} of {len(files)} names do not read {pattern}, suffix aside "
            f"({meaning}):\n{first_of(others)}"
        )
    return _numbered([group or "" for group in found], len(files), said)


def groups_of_values(origin: str, said: str, values: Array, count: int, examples: int) -> ExampleGroups:
    """The groups that a word or a whole number says for each of the first `count`
    examples, of `examples` in all.

    Raises:
        InputError: there are more or fewer values, or one is neither.
    """
    if values.ndim != 1 or len(values) != count:
        raise InputError(
            f"{origin}: {said} is {values.shape} for {count} examples: it needs a value for each of those "
            "that splits are drawn from"
        )
    texts = values.dtype.kind in "UT" or all(isinstance(one, str) for one in values.tolist())
    if not texts and values.dtype.kind not in "iu":
        raise InputError(
            f"{origin}: {said} has values of type {values.dtype}: a group is a word or a whole number, and "
            "none may be missing"
        )
    return _numbered([str(one) for one in values.tolist()], examples, said)


def _numbered(texts: Sequence[str], examples: int, said: str) -> ExampleGroups:
    names, numbers = np.unique(np.array(texts, dtype=np.str_), return_inverse=True)
    of = np.full(examples, NO_GROUP, dtype=np.int64)
    of[: len(texts)] = numbers
    return ExampleGroups(of, tuple(names.tolist()), said)
