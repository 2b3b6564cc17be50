"""The examples that a run was made with, found again in the data that it is used on.

In: what splits.json says of each split, and a data set whose classes and features are
the run's. Out: the data set with the run's splits, in the run's order, whatever order
or file names the examples have now; and what changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bsngraph.data.dataset import Dataset, Split
from bsngraph.data.splits import PARTS, Part, SplitRows
from bsngraph.errors import InputError

_MOST_NAMED = 3


@dataclass(frozen=True)
class RecordedSplits:
    """What a run recorded of its examples: `rows` are their numbers and files,
    `digests` a hash of each, in the order of the run.
    """

    rows: SplitRows
    digests: Mapping[Part, Sequence[str]]


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
    seen = {*recorded.digests["train"], *recorded.digests["validation"]}
    digests = dataset.test.example_digests()
    kept = np.array([row for row, digest in enumerate(digests) if digest not in seen], dtype=np.int64)
    if not len(kept):
        raise InputError(
            f"{dataset.name}: the run trained or chose on all of its {len(digests)} test examples: give "
            "data that the run has not seen"
        )
    left_out = len(digests) - len(kept)
    if left_out:
        dataset = replace(dataset, test=dataset.test.only(kept), rows=None)
    return dataset, left_out


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
