"""The examples that a run was made with, found again in the data that it is used on.

In: what splits.json says of each split, and a data set whose classes and features are
the run's. Out: the data set with the run's splits, in the run's order, whatever order
or file names the examples have now; and what changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bsngraph.data.dataset import Dataset, Split
from bsngraph.data.splits import PARTS, Part, SplitRows
from bsngraph.errors import InputError

_MOST_NAMED = 3
_LEAST_TOLD_APART = 0.9


@dataclass(frozen=True)
class RecordedSplits:
    """What a run recorded of its examples: `rows` are their numbers and files,
    `digests` a hash of each, `contents` a hash of its inputs alone, in the order of the
    run. Runs of older versions lack `contents`.
    """

    rows: SplitRows
    digests: Mapping[Part, Sequence[str]]
    contents: Mapping[Part, Sequence[str]] | None = None

    @cached_property
    def told_by_inputs(self) -> bool:
        """Whether inputs alone tell examples apart, so that an example with another
        label is still the same one.

        It is so for images and measurements. It is not so if many examples of the run
        share their inputs and differ in their labels, as lines of a table with a few
        words can.
        """
        if self.contents is None:
            return False
        examples = {digest for part in PARTS for digest in self.digests[part]}
        inputs = {content for part in PARTS for content in self.contents[part]}
        return len(inputs) >= _LEAST_TOLD_APART * len(examples)

    def which_seen(self, split: Split, *parts: Part) -> NDArray[np.bool_]:
        """Which examples of a split stand in these splits of the run: (n,)."""
        contents = self.contents if self.told_by_inputs else None
        recorded = self.digests if contents is None else contents
        here = split.example_digests() if contents is None else split.content_digests()
        known = {digest for part in parts for digest in recorded[part]}
        return np.array([digest in known for digest in here], dtype=np.bool_)


@dataclass(frozen=True)
class Changes:
    """How data differ from those that a run recorded.

    `missing` and `changed` name examples of each recorded split: those that are gone,
    and those in whose place another one stands. `new` counts the examples that are in
    no split of the run and in no such place.
    """

    missing: Mapping[Part, Sequence[str]]
    changed: Mapping[Part, Sequence[str]]
    new: int

    @property
    def whole(self) -> bool:
        """Whether every recorded example is there."""
        return not any(self.missing.values()) and not any(self.changed.values())

    def told(self) -> str:
        """`train: 2 missing (1, 5); test: 1 changed (cat/3.png); 3 new`."""
        said = [
            f"{part}: {len(names)} {what} ({', '.join([*names[:_MOST_NAMED], '…'][: len(names)])})"
            for part in PARTS
            for what, found in (("missing", self.missing), ("changed", self.changed))
            if (names := found[part])
        ]
        return "; ".join([*said, f"{self.new} new"] if self.new else said)


def with_recorded_splits(dataset: Dataset, recorded: RecordedSplits) -> tuple[Dataset, Changes]:
    """`dataset` with the recorded splits if every recorded example is there; otherwise
    as it is.

    Examples that are equal stand for each other; each of them is used once. Which are
    new is not told if the data set's name leaves some out.
    """
    digests = [digest for split in _every_split(dataset) for digest in split.example_digests()]
    free: dict[str, list[int]] = defaultdict(list)
    for position in reversed(range(len(digests))):
        free[digests[position]].append(position)
    found: dict[Part, list[int]] = {part: [] for part in PARTS}
    absent: dict[Part, list[str]] = {part: [] for part in PARTS}
    names = recorded.rows.names()
    for part in PARTS:
        for digest, name in zip(recorded.digests[part], names[part], strict=True):
            if free[digest]:
                found[part].append(free[digest].pop())
            else:
                absent[part].append(name)
    places = [name for some in dataset.numbered_rows().names().values() for name in some]
    fresh = {
        places[position] for positions in free.values() for position in positions if position < len(places)
    }
    changed = {part: [name for name in absent[part] if name in fresh] for part in PARTS}
    missing = {part: [name for name in absent[part] if name not in fresh] for part in PARTS}
    new = sum(map(len, free.values())) - sum(map(len, changed.values()))
    changes = Changes(missing, changed, new if dataset.unused is None else 0)
    return (_picked(dataset, recorded.rows, found) if changes.whole else dataset), changes


def without_seen(dataset: Dataset, recorded: RecordedSplits) -> tuple[Dataset, int]:
    """`dataset` without the test examples that the run trained or chose on, and how
    many they were.

    Raises:
        InputError: no test example is left.
    """
    kept = np.flatnonzero(~recorded.which_seen(dataset.test, "train", "validation"))
    left_out = len(dataset.test) - len(kept)
    if not len(kept):
        raise InputError(
            f"{dataset.name}: the run trained or chose on all of its {left_out} test examples: give "
            "data that the run has not seen"
        )
    if left_out:
        dataset = replace(dataset, test=dataset.test.only(kept), rows=None)
    return dataset, left_out


def count_tainted(dataset: Dataset, recorded: RecordedSplits) -> dict[Part, int]:
    """How many test examples a run has trained or chosen on, and how many validation
    examples it has trained on. Those that `dataset` trains on itself do not count.
    """
    asked: tuple[tuple[Part, tuple[Part, ...]], ...] = (
        ("validation", ("train",)),
        ("test", ("train", "validation")),
    )
    own = set(dataset.train.content_digests())
    found: dict[Part, int] = {}
    for part, parts in asked:
        split = dataset.splits()[part]
        fresh = np.array([content not in own for content in split.content_digests()], dtype=np.bool_)
        found[part] = int((recorded.which_seen(split, *parts) & fresh).sum())
    return found


def _every_split(dataset: Dataset) -> list[Split]:
    """The three splits, and what is in none of them."""
    return [*dataset.splits().values(), *([] if dataset.unused is None else [dataset.unused])]


def _picked(dataset: Dataset, rows: SplitRows, found: Mapping[Part, Sequence[int]]) -> Dataset:
    """`dataset` with the examples `found` in each split, by their positions in all
    splits, one after the other.
    """
    splits = dataset.splits()
    ends = np.cumsum([len(split) for split in splits.values()])
    own = dict(zip(PARTS, np.split(np.arange(ends[-1]), ends[:-1]), strict=True))
    if all(found[part] == own[part].tolist() for part in PARTS):
        return replace(dataset, rows=rows)
    first, *others = _every_split(dataset)
    every = first.with_more(others)
    train, validation, test = (every.only(np.array(found[part], dtype=np.int64)) for part in PARTS)
    return replace(dataset, train=train, validation=validation, test=test, rows=rows)
