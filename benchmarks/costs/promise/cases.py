"""A random fabric with one to four budgets: in one half of the cases between below the
cheapest and the whole, in the other exactly what some random sub-network costs, so that
there is one to find.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import bsngraph
from benchmarks.costs.promise.random_fabrics import random_fabric
from bsngraph.costs import Budget, Budgets, Cost, Sources, cheapest, price
from bsngraph.costs.user_costs import BlackBox
from bsngraph.errors import InfeasibleBudgetError
from bsngraph.fabric import Booleans, Fabric
from bsngraph.measure import random_architectures
from bsngraph.profile import FabricProfile

KINDS = ("macs", "params", "bytes", "memory", "steps:1", "steps:2", "steps:4", "energy", "own")

Numbers = NDArray[np.float64]


def own_weights(fabric: Fabric) -> Numbers:
    """What the black box goes by, a number for each edge's name: (edges,)."""
    return np.array([_weight(edge.name) for edge in fabric.edges])


def own(architecture: Fabric) -> float:
    """A cost that falls when some edges are added."""
    return abs(sum(_weight(edge.name) for edge in architecture.edges)) + 1.0


def _weight(name: str) -> float:
    return zlib.crc32(name.encode()) % 7 - 2.0


class Own:
    """The black box for the reference: the same values without its code."""

    name, unit = "own", ""

    def __init__(self, fabric: Fabric) -> None:
        self.weights = own_weights(fabric)
        self.total = float(abs(self.weights.sum()) + 1)

    def of(self, live: Booleans) -> Numbers:
        return np.abs(live @ self.weights) + 1


@dataclass(frozen=True)
class Case:
    """A fabric with budgets as the package sees them, and costs with limits for the
    reference.
    """

    profile: FabricProfile
    budgets: Budgets
    costs: tuple[Cost, ...]

    @property
    def limits(self) -> tuple[float, ...]:
        return tuple(budget.limit for budget in self.budgets)


def random_case(random: np.random.Generator) -> Case:
    while True:
        profile = bsngraph.profile_fabric(random_fabric(random))
        if not len(profile.fabric.searchable):
            continue
        sources = Sources(own={"own": BlackBox("own", own, profile)})
        found = random_architectures(profile.fabric, 1, seed=int(random.integers(2**32)))
        known = found[0].mask[None] if found and random.random() < 0.5 else None
        budgets, reference = [], []
        for name in random.choice(KINDS, size=random.integers(1, 5), replace=False).tolist():
            cost = price(profile, name, sources)
            plain: Cost = Own(profile.fabric) if name == "own" else cost
            limit = _between(profile.fabric, plain, random) if known is None else float(plain.of(known)[0])
            budgets.append(Budget(cost, limit if limit > 0 else 0.5, f"{name}={limit:.4g}"))
            reference.append(plain)
        return Case(profile, Budgets(tuple(budgets)), tuple(reference))


def _between(fabric: Fabric, cost: Cost, random: np.random.Generator) -> float:
    """A limit between a little below the cheapest and the whole fabric."""
    try:
        low = 0.9 * cheapest(fabric, cost).value
    except InfeasibleBudgetError:  # its gates and choices leave no sub-network at all
        low = 0.5 * cost.total
    return float(low + random.random() ** 2 * max(cost.total - low, 0.2 * low))
