"""Whole groups → splits, so that every split has every class and about its share of it.

First each split gets a group for each class that it lacks, rare classes first. Then the
large groups go where most is missing, then the small ones. At last groups move as long
as that brings the counts nearer to their shares, and if they are few they change places
too: a few groups are hard to share out evenly.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Owners = NDArray[np.int64]

_MOST_TRIES = 100_000
_MOST_PASSES = 20
_FEW, _MANY = 50, 10_000
_ROUNDING = 1e-9


def assign_groups(
    groups: NDArray[np.int64],
    strata: NDArray[np.int64],
    shares: NDArray[np.float64],
    generator: np.random.Generator,
) -> Owners | None:
    """The split of each group, by number: (groups,).

    In: the group and the class of each example (n,), both numbered from 0 without gaps;
    the share of each split, which sum to 1. None if no way was found to give each split
    every class.
    """
    plan = _Plan(groups, strata, shares, generator)
    if not plan.cover():
        return None
    plan.fill()
    return plan.owner


class _Plan:
    """Which split has which group, and how many examples of each class (splits,
    classes) that makes.
    """

    def __init__(
        self,
        groups: NDArray[np.int64],
        strata: NDArray[np.int64],
        shares: NDArray[np.float64],
        generator: np.random.Generator,
    ) -> None:
        count, classes = int(groups.max()) + 1, int(strata.max()) + 1
        cells, sizes = np.unique(groups * classes + strata, return_counts=True)
        ends = np.searchsorted(cells, np.arange(1, count) * classes)
        self.classes = np.split(cells % classes, ends)  # of each group
        self.sizes = np.split(sizes, ends)
        self.targets = shares[:, None] * np.bincount(strata, minlength=classes)
        self.now = np.zeros(self.targets.shape, dtype=np.int64)
        self.owner = np.full(count, -1, dtype=np.int64)
        mixed = generator.permutation(count)
        whole = np.array([each.sum() for each in self.sizes])[mixed]
        self.order: list[int] = mixed[np.argsort(-whole, kind="stable")].tolist()

    def fill(self) -> None:
        """Give every group to a split, and let them move."""
        for group in self.order:
            if self.owner[group] < 0:
                self.put(group, self.best(group))
        count = len(self.order)
        for _ in range(_MOST_PASSES if count <= _MANY else 0):
            moved = sum(self.move(group) for group in self.order)
            if count <= _FEW:
                moved += sum(self.swap(one, other) for one, other in combinations(self.order, 2))
            if not moved:
                break

    def strain(self) -> float:
        """How far the counts are from their shares: chi-squared."""
        return float(np.sum((self.now - self.targets) ** 2 / self.targets))

    def put(self, group: int, part: int) -> None:
        """Give a group to a split."""
        self.now[part, self.classes[group]] += self.sizes[group]
        self.owner[group] = part

    def take(self, group: int) -> int:
        """Take a group from its split."""
        part = int(self.owner[group])
        self.now[part, self.classes[group]] -= self.sizes[group]
        self.owner[group] = -1
        return part

    def best(self, group: int) -> int:
        """The split whose counts come nearest to its shares by this group: the least
        chi-squared.
        """
        kinds, sizes = self.classes[group], self.sizes[group]
        more = sizes * (sizes + 2 * (self.now[:, kinds] - self.targets[:, kinds]))
        return int((more / self.targets[:, kinds]).sum(axis=1).argmin())

    def move(self, group: int) -> bool:
        """Give a group to a better split, if its own keeps every class without it."""
        before = self.take(group)
        after = self.best(group) if self.now[before, self.classes[group]].all() else before
        self.put(group, after)
        return after != before

    def swap(self, one: int, other: int) -> bool:
        """Let two groups change places, if that is better and leaves every split every
        class.
        """
        if self.owner[one] == self.owner[other]:
            return False
        before = self.strain()
        self._exchange(one, other)
        if self.now.all() and self.strain() < before * (1 - _ROUNDING):
            return True
        self._exchange(one, other)
        return False

    def _exchange(self, one: int, other: int) -> None:
        first, second = self.take(one), self.take(other)
        self.put(one, second)
        self.put(other, first)

    def cover(self) -> bool:
        """Give each split a group of each class that it lacks; False if no way was
        found.
        """
        holders: list[list[int]] = [[] for _ in self.targets[0]]
        for group in reversed(self.order):  # small ones first: the rest is free
            for kind in self.classes[group].tolist():
                holders[kind].append(group)
        rare = sorted(range(len(holders)), key=lambda kind: len(holders[kind]))
        parts = np.argsort(self.targets[:, 0], kind="stable").tolist()
        wanted = [(kind, part) for kind in rare for part in parts]
        return self._search(wanted, holders)

    def _search(self, wanted: list[tuple[int, int]], holders: list[list[int]]) -> bool:
        """Depth first; each wish keeps what may still be tried for it."""
        tried: list[tuple[Iterator[int], int]] = []  # what is left to try, and what stands
        tries, wish = 0, 0
        waiting = self._ways(wanted, holders, 0)
        while wish < len(wanted):
            group = next(waiting, None)
            tries += 1
            if group is not None and tries < _MOST_TRIES:
                if group >= 0:
                    self.put(group, wanted[wish][1])
                tried.append((waiting, group))
                wish += 1
                waiting = self._ways(wanted, holders, wish)
                continue
            if not tried or tries >= _MOST_TRIES:
                return False
            waiting, group = tried.pop()
            wish -= 1
            if group >= 0:
                self.take(group)
        return True

    def _ways(self, wanted: list[tuple[int, int]], holders: list[list[int]], wish: int) -> Iterator[int]:
        """The groups that grant a wish; -1 alone if it is granted already."""
        if wish == len(wanted):
            return iter(())
        kind, part = wanted[wish]
        if self.now[part, kind]:
            return iter((-1,))
        return iter([group for group in holders[kind] if self.owner[group] < 0])
