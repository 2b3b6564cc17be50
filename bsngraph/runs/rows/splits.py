"""splits.json: which of the data's examples train, choose and test."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import msgspec

from bsngraph.typed_files import Count, Row

Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]


class SplitDigests(Row, frozen=True, kw_only=True):
    """A hash of each split's examples, in the order of their numbers."""

    train: tuple[Digest, ...]
    validation: tuple[Digest, ...]
    test: tuple[Digest, ...]


class SplitFiles(Row, frozen=True, kw_only=True):
    """The file of each split's examples, in the order of their numbers."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


class SplitsRow(Row, frozen=True, kw_only=True, omit_defaults=True):
    """The numbers of each split's examples, ascending; `numbering` says what is
    counted.

    `digests` tell the examples by what they hold, `contents` by their inputs alone,
    `files` by their file if each has one. Runs of older versions have none of these.
    """

    numbering: str
    train: tuple[Count, ...]
    validation: tuple[Count, ...]
    test: tuple[Count, ...]
    files: SplitFiles | None = None
    digests: SplitDigests | None = None
    contents: SplitDigests | None = None

    def __post_init__(self) -> None:
        for part in ("train", "validation", "test"):
            rows = getattr(self, part)
            if any(one >= other for one, other in pairwise(rows)):
                raise ValueError("the examples of a split are not in ascending order")
            for said in (self.digests, self.contents, self.files):
                if said is not None and len(getattr(said, part)) != len(rows):
                    raise ValueError(f"there is not one hash and one file for each example of {part}")
