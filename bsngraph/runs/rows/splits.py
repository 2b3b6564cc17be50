"""splits.json: which of the data's examples train, choose and test."""

from __future__ import annotations

from itertools import pairwise

from bsngraph.typed_files import Count, Row


class SplitsRow(Row, frozen=True, kw_only=True):
    """The numbers of each split's examples, ascending; `numbering` says what is
    counted.
    """

    numbering: str
    train: tuple[Count, ...]
    validation: tuple[Count, ...]
    test: tuple[Count, ...]

    def __post_init__(self) -> None:
        for part in (self.train, self.validation, self.test):
            if any(one >= other for one, other in pairwise(part)):
                raise ValueError("the examples of a split are not in ascending order")
