"""Which examples are for training, for choosing and for the test, if some belong
together: as `split_rows`, but no group is in two splits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bsngraph.data.grouping.assigning import assign_groups
from bsngraph.data.grouping.groups import NO_GROUP, ExampleGroups
from bsngraph.data.request import Notify
from bsngraph.data.splits import (
    PARTS,
    SHARE,
    Part,
    Rows,
    SplitRows,
    fewer_rows,
    split_generator,
    what_is_missing,
)
from bsngraph.errors import InputError

_MOST_NAMED = 3


@dataclass(frozen=True)
class GroupedDrawing:
    """How splits are drawn: the seed, the sizes that are asked for (`counts`, else
    `shares`), and who is told what came of it. `origin` begins errors.
    """

    origin: str
    seed: int
    counts: Mapping[Part, int]
    shares: Mapping[Part, float]
    notify: Notify


def grouped_rows(
    strata: NDArray[np.int64],
    names: Sequence[str],
    groups: ExampleGroups,
    how: GroupedDrawing,
    *,
    numbering: str,
    given: Mapping[Part, Rows] | None = None,
) -> SplitRows:
    """Split examples of the classes `strata` (n,), called `names`, by whole groups.

    Sizes and the shares of classes are as near to what is asked as groups allow, and
    every drawn split has every class. `given` splits stay as they are; a group in two
    of them is an error.

    Raises:
        InputError: a class has too few groups, no way was found to give each split
            every class, or a group is in two given splits.
    """
    found, pool, missing = what_is_missing(len(strata), given or {}, how.counts, how.origin)
    _check_apart(groups, {**found, "train": pool}, how.origin)
    wanted = ("train", *missing)
    if missing:
        shares = _shares(how, len(pool), missing)
        _check_groups(strata[pool], names, groups.only(pool), len(wanted), how.origin)
        kinds, own = (np.unique(each[pool], return_inverse=True)[1] for each in (strata, groups.of))
        owner = assign_groups(own, kinds, shares, split_generator(how.seed, "groups"))
        if owner is None:
            raise InputError(
                f"{how.origin}: no way was found to give each of {len(wanted)} splits every class and keep "
                f"each group of {groups.said} whole: add groups, or leave a class out"
            )
        found |= {part: pool[owner[own] == number] for number, part in enumerate(wanted)}
    else:
        found["train"] = pool
    if "train" in how.counts:
        found["train"] = found["train"][fewer_rows(strata[found["train"]], how.counts, how.seed, how.origin)]
    for part in PARTS:
        if not len(found[part]):
            raise InputError(f"{how.origin}: the {part} split is empty: it needs at least one example")
    how.notify(_told(groups, found, how.origin))
    train, validation, test = (np.sort(found[part]) for part in PARTS)
    return SplitRows(train, validation, test, numbering)


def _shares(how: GroupedDrawing, examples: int, missing: Sequence[Part]) -> NDArray[np.float64]:
    """What the training split and the missing ones get of the examples: they sum to
    1.
    """
    left, shares = 1.0, list[float]()
    for part in missing:
        share = left * how.shares.get(part, SHARE)
        if part in how.counts:
            share = how.counts[part] / examples
            if share >= left:
                raise InputError(
                    f"{how.origin}: {part}={how.counts[part]} cannot be drawn from {examples} training "
                    "examples: say less"
                )
        shares.append(share)
        left -= share
    return np.array([left, *shares])


def _check_apart(groups: ExampleGroups, parts: Mapping[Part, Rows], origin: str) -> None:
    """Raise where a group is in two splits that the source has."""
    for number, part in enumerate(PARTS):
        for other in PARTS[number + 1 :]:
            if part not in parts or other not in parts:
                continue
            both = np.intersect1d(groups.of[parts[part]], groups.of[parts[other]])
            shared = [groups.names[one] for one in both.tolist() if one != NO_GROUP]
            if shared:
                raise InputError(
                    f"{origin}: {_counted(len(shared), 'group')} of {groups.said} ({_first(shared)}) in both "
                    f"{part} and {other}: move the examples of each to one of them"
                )


def _check_groups(
    strata: NDArray[np.int64], names: Sequence[str], groups: ExampleGroups, least: int, origin: str
) -> None:
    """Raise where a class has examples in too few groups for the splits."""
    for kind in np.unique(strata).tolist():
        there = np.unique(groups.of[strata == kind]).tolist()
        if len(there) < least:
            whose = f"class {names[kind]!r} is" if len(names) > 1 else "all examples are"
            raise InputError(
                f"{origin}: {whose} in {_counted(len(there), 'group')} of {groups.said} "
                f"({_first([groups.names[one] for one in there])}), but each split needs one of its own: "
                f"{least} at least. Is {groups.said} as meant? Else add groups, or leave the class out"
            )


def _told(groups: ExampleGroups, parts: Mapping[Part, Rows], origin: str) -> str:
    """What was drawn, in a line."""
    sizes = np.unique(groups.of[groups.of != NO_GROUP], return_counts=True)[1]
    splits = list[str]()
    for part in PARTS:
        own = np.setdiff1d(groups.of[parts[part]], [NO_GROUP])
        splits.append(
            f"{part} {len(parts[part]):,}" + (f" in {_counted(len(own), 'group')}" if len(own) else "")
        )
    least, most = int(sizes.min()), int(sizes.max())
    each = _counted(most, "example") if least == most else f"{least:,} to {most:,} examples"
    named = f"{_counted(len(sizes), 'group')} ({_first(groups.names)})"
    return f"{origin}: {named}, {each} each: {', '.join(splits)}"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' if count != 1 else ''}"


def _first(names: Sequence[str]) -> str:
    return ", ".join([*names[:_MOST_NAMED], "…"][: len(names)])
