"""Γ(b): a Γ for every limit b of a range, learned all at once.

Its logits are piecewise linear in log b: eight vectors of logits stand at limits from
the least to the most of the range, the same factor apart, and between two of them
logits are mixed. So samples under one limit teach Γ under those near it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bsngraph.costs import Budgets, Costs
from bsngraph.fabric import Fabric
from bsngraph.searching.learning.gamma.edge_logits import EdgeLogits
from bsngraph.searching.learning.gamma.gamma import Gamma
from bsngraph.settings import EdgeOptimizer, SearchSettings

HATS = 8


@dataclass(frozen=True)
class Hats:
    """Hat functions of log b that add up to 1: `count` of them between two limits.

    Under the least limit and over the most, the nearest hat alone is there.
    """

    least: float
    most: float
    count: int = HATS

    def at(self, limits: Costs) -> Tensor:
        """How much each hat has of limits (rows,): (rows, hats) float64."""
        place = np.log(limits / self.least) / math.log(self.most / self.least) * (self.count - 1)
        place = np.clip(place, 0.0, self.count - 1)
        distance = np.abs(place[:, None] - np.arange(self.count))
        return torch.from_numpy(np.maximum(1.0 - distance, 0.0))


class BudgetGamma(Gamma):
    """The logits of Γ(b), (hats, edges) float64, and the optimizer that moves them.

    `budget` is the place of the range among the budgets, as limits have them. All hats
    start as a `Gamma` does.
    """

    def __init__(
        self,
        fabric: Fabric,
        budget: int,
        hats: Hats,
        initial_probability: float,
        optimizer: EdgeOptimizer = "adam",
        rate: float = 0.05,
    ) -> None:
        super().__init__(fabric, initial_probability, optimizer, rate, vectors=hats.count)
        self.budget, self.hats = budget, hats

    def at(self, limits: Costs) -> EdgeLogits:
        """The distributions under limits (budgets, rows), as they are now: of one
        column one for all samples, else one for each row.
        """
        mix = self.hats.at(limits[self.budget])
        mixed = mix @ self.logits
        return EdgeLogits(self.index, mixed[0]) if len(mix) == 1 else EdgeLogits(self.index, mixed, mix)


def gamma_for(fabric: Fabric, budgets: Budgets, settings: SearchSettings) -> Gamma:
    """The Γ that a search with these budgets learns: Γ(b) where one is a range."""
    ranged = budgets.range_index
    how = settings.initial_probability, settings.edge_optimizer, settings.edge_learning_rate
    if ranged is None:
        return Gamma(fabric, *how)
    budget = budgets[ranged]
    assert budget.least is not None
    return BudgetGamma(fabric, ranged, Hats(budget.least, budget.limit), *how)
