"""What the package is judged by: another search for a sub-network inside the budgets,
and costs counted again on the pruned network.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

import bsngraph
from benchmarks.costs.promise.cases import Case, Numbers, own
from bsngraph.certificate import simulate
from bsngraph.certificate.recount import count_bytes, count_macs, count_memory, count_params
from bsngraph.fabric import Booleans, connected, live_edges

ENUMERATED = 1024
TRIED, WALKS = 20_000, 20


class Reference:
    """Looks for a sub-network inside the budgets without the package's search."""

    def __init__(self, case: Case) -> None:
        self.case, self.fabric = case, case.profile.fabric
        self.decisions, self.sweep = self.fabric.decisions, self.fabric.sweep
        self.fixed = self.fabric.fixed

    @property
    def choices(self) -> int:
        count = 2 ** len(self.decisions.free)
        for choice in self.decisions.choices:
            count *= len(choice)
        return count

    def finds(self, seed: int) -> bool:
        """Whether there is one; where all choices are too many, whether one was
        found.
        """
        if self.choices <= ENUMERATED:
            return bool((self.over(np.stack(list(self._all()))) == 0).any())
        random = np.random.default_rng(seed)
        values = np.stack([self._random(random, random.uniform(0.05, 1)) for _ in range(TRIED)])
        over = self.over(values)
        best = np.argsort(over, kind="stable")[:WALKS]
        return bool(over.min() == 0) or any(self._walk(values[row], float(over[row]), random) for row in best)

    def over(self, values: Booleans) -> Numbers:
        """By how much choices (choices, variables) are over the budgets, in shares of
        them; infinite where a target is not connected.
        """
        live = live_edges(self.sweep, self.decisions.kept(values) | self.fixed)
        total = np.where(connected(self.fabric, live).all(axis=1), 0.0, np.inf)
        rows = np.flatnonzero(np.isfinite(total))
        if len(rows):
            for cost, limit in zip(self.case.costs, self.case.limits, strict=True):
                total[rows] += np.maximum(cost.of(live[rows]) / limit - 1 - 1e-12, 0)
        return total

    def _all(self) -> Iterator[Booleans]:
        choices = [list(choice) for choice in self.decisions.choices]
        for free in itertools.product([False, True], repeat=len(self.decisions.free)):
            for picked in itertools.product(*choices):
                values = np.zeros(len(self.decisions.edges_of), dtype=np.bool_)
                values[list(self.decisions.free)] = free
                values[list(picked)] = True
                yield values

    def _random(self, random: np.random.Generator, chance: float) -> Booleans:
        values = random.random(len(self.decisions.edges_of)) < chance
        for choice in self.decisions.choices:
            values[list(choice)] = np.arange(len(choice)) == random.integers(len(choice))
        return np.asarray(values)

    def _walk(self, values: Booleans, over: float, random: np.random.Generator) -> bool:
        """Changes of one or two decisions at random, taken where they are not worse."""
        for _ in range(60):
            changed = np.repeat(values[None], 64, axis=0)
            for row in changed:
                for _ in range(random.integers(1, 3)):
                    self._change(row, random)
            scores = self.over(changed)
            best = int(scores.argmin())
            if scores[best] <= over:
                values, over = changed[best], float(scores[best])
            if over == 0:
                return True
        return False

    def _change(self, values: Booleans, random: np.random.Generator) -> None:
        groups: list[Sequence[int]] = [
            *((variable,) for variable in self.decisions.free),
            *self.decisions.choices,
        ]
        group = list(groups[random.integers(len(groups))])
        values[group] = (
            ~values[group] if len(group) == 1 else np.arange(len(group)) == random.integers(len(group))
        )


def recounted(net: bsngraph.SuperNet, name: str) -> float:
    """A cost of a pruned network, counted on the network itself."""
    profile = net.profile
    kind, _, cores = name.partition(":")
    if kind == "steps":
        return simulate(profile.fabric, [float(macs > 0) for macs in profile.macs], int(cores))
    if kind == "energy":
        return sum(edge.costs["energy"] for edge in profile.fabric.edges)
    if kind == "own":
        return own(profile.fabric)
    if kind in ("macs", "memory"):
        return count_macs(profile) if kind == "macs" else count_memory(profile)
    return count_params(net) if kind == "params" else count_bytes(net)
