"""Which examples are for training, for choosing and for the test: drawn once, seeded,
stratified, recorded by number.

In: a class for each example, or one for all. Out: `SplitRows`,
numbers into the source's own order. What a source splits itself stays as it is; what it
lacks is drawn from its training examples.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bsngraph.errors import InputError

Part = Literal["train", "validation", "test"]
Rows = NDArray[np.int64]

PARTS: tuple[Part, ...] = ("train", "validation", "test")
SHARE = 0.2
"""Of the examples for the test, and of what remains for validation, if a source says
nothing.
"""
OWN_ORDER = "each split's own order, as it was given"
"""The numbering of splits that no source stands behind."""


@dataclass(frozen=True)
class SplitRows:
    """The examples of each split, in ascending order; `numbering` says what is counted,
    from 0.

    `files` are the names of the files that they are from, if each has one.
    """

    train: Rows
    validation: Rows
    test: Rows
    numbering: str
    files: Mapping[Part, tuple[str, ...]] | None = None

    def as_dict(self) -> dict[str, Any]:
        """For splits.json."""
        said: dict[str, Any] = {
            "numbering": self.numbering,
            **{part: getattr(self, part).tolist() for part in PARTS},
        }
        return said if self.files is None else said | {"files": dict(self.files)}

    def unused(self, count: int) -> Rows:
        """Which of the source's `count` examples are in no split."""
        return np.setdiff1d(np.arange(count), np.concatenate([self.train, self.validation, self.test]))

    def names(self) -> dict[Part, list[str]]:
        """What the examples of each split are called: their files, else their
        numbers.
        """
        if self.files is not None:
            return {part: list(self.files[part]) for part in PARTS}
        own = {part: f"{part} " if self.numbering == OWN_ORDER else "" for part in PARTS}
        return {part: [f"{own[part]}{row}" for row in getattr(self, part).tolist()] for part in PARTS}

    def named(self, files: Sequence[str]) -> SplitRows:
        """The same, with the names of the source's files, in the order that is
        counted.
        """
        return replace(self, files={part: tuple(files[row] for row in getattr(self, part)) for part in PARTS})


def split_rows(
    strata: NDArray[np.int64],
    names: Sequence[str],
    seed: int,
    *,
    origin: str,
    numbering: str,
    given: Mapping[Part, Rows] | None = None,
    counts: Mapping[Part, int] | None = None,
    shares: Mapping[Part, float] | None = None,
) -> SplitRows:
    """Split examples of the classes `strata` (n,), called `names`.

    `given` are the splits that the source has; what it lacks is drawn from its training
    examples (all others, if they are not given), with every class in it. `counts` are
    the sizes of what is drawn (else `shares`, or `SHARE`); training examples above
    their count are left out.

    Raises:
        InputError: a class has too few examples, a split would be empty, a count is
            more than there is, or less than there are classes.
    """
    counts = dict(counts or {})
    given, pool, missing = what_is_missing(len(strata), given or {}, counts, origin)
    _check_classes(strata[pool], names, 1 + len(missing), origin)

    for part in missing:
        share = (shares or {}).get(part, SHARE)
        count = counts.get(part, max(round(share * len(pool)), 1))
        found = rows_for(strata[pool], count, seed, part, leave=1, origin=origin, exact=part in counts)
        given[part], pool = pool[found], np.delete(pool, found)
    given["train"] = pool if "train" not in counts else pool[fewer_rows(strata[pool], counts, seed, origin)]
    for part in PARTS:
        if not len(given[part]):
            raise InputError(f"{origin}: the {part} split is empty: it needs at least one example")
    train, validation, test = (np.sort(given[part]) for part in PARTS)
    return SplitRows(train, validation, test, numbering)


def what_is_missing(
    examples: int, given: Mapping[Part, Rows], counts: Mapping[Part, int], origin: str
) -> tuple[dict[Part, Rows], Rows, list[Part]]:
    """The splits that a source has, the examples that others are drawn from, and these
    others.

    Raises:
        InputError: a size is asked for a split that the source has.
    """
    elsewhere = np.concatenate([*given.values(), np.zeros(0, dtype=np.int64)])
    pool = given["train"] if "train" in given else np.setdiff1d(np.arange(examples), elsewhere)
    missing: list[Part] = [part for part in ("test", "validation") if part not in given]
    for part in counts:
        if part != "train" and part not in missing:
            raise InputError(
                f"{origin}: {part}={counts[part]} has no meaning: the source has a {part} split of its own"
            )
    return dict(given), pool, missing


def rows_for(
    strata: NDArray[np.int64], count: int, seed: int, part: Part, *, leave: int, origin: str, exact: bool
) -> Rows:
    """`count` positions of the pool `strata` (n,) for a split, which leave so many of
    each class.

    Raises:
        InputError: there must be exactly so many, and that cannot be.
    """
    found = stratified(strata, count, split_generator(seed, part), least=1, leave=leave)
    if exact and len(found) != count:
        classes, most = len(np.unique(strata)), len(strata)
        left = f"from {classes} to {most - leave * classes}" if classes > 1 else f"at most {most - leave}"
        raise InputError(
            f"{origin}: {part}={count} cannot be drawn from {most} training examples: say {left}"
        )
    return found


def fewer_rows(strata: NDArray[np.int64], counts: Mapping[Part, int], seed: int, origin: str) -> Rows:
    """The positions of the training examples `strata` (n,) that are used, if their
    count is asked for.

    Raises:
        InputError: there are not so many.
    """
    return rows_for(strata, counts["train"], seed, "train", leave=0, origin=origin, exact=True)


def stratified(
    strata: NDArray[np.int64], count: int, generator: np.random.Generator, *, least: int, leave: int
) -> Rows:
    """`count` positions of `strata` (n,), drawn from each class by its share, in
    ascending order.

    By largest remainders (Hamilton's method), but at least `least` of every class, and
    `leave` of it left over.
    """
    classes, sizes = np.unique(strata, return_counts=True)
    low, high = np.minimum(least, sizes), np.maximum(sizes - leave, 0)
    ideal = sizes * (count / max(len(strata), 1))
    taken = np.clip(np.floor(ideal).astype(np.int64), low, high)
    step = 1 if taken.sum() < count else -1
    while taken.sum() != count:
        free = np.flatnonzero(taken < high if step > 0 else taken > low)
        if not len(free):
            break
        taken[free[np.argmax(step * (ideal - taken)[free])]] += step
    chosen = [
        generator.permutation(np.flatnonzero(strata == one))[:many]
        for one, many in zip(classes, taken, strict=True)
    ]
    return np.sort(np.concatenate([*chosen, np.zeros(0, dtype=np.int64)])).astype(np.int64)


def _check_classes(strata: NDArray[np.int64], names: Sequence[str], least: int, origin: str) -> None:
    classes, sizes = np.unique(strata, return_counts=True)
    small = np.flatnonzero(sizes < least)
    if not len(small):
        return
    count, more = int(sizes[small[0]]), len(small) - 1
    amount = f"{count} example{'s' if count > 1 else ''}"
    what = (
        f"class {names[classes[small[0]]]!r} has {amount}"
        if len(names) > 1
        else f"there {'are' if count > 1 else 'is'} only {amount}"
    )
    others = f" (and {more} other class{'es have' if more > 1 else ' has'} too few)" if more else ""
    raise InputError(
        f"{origin}: {what}{others}, but each split needs one: {least} at least; add examples, or leave "
        "the class out"
    )


def split_generator(seed: int, part: str) -> np.random.Generator:
    """What draws a split: the same for the same seed."""
    digest = hashlib.sha256(f"{seed}/{part}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))
