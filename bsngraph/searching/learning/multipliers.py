"""The penalty Σ_k λ_k·penalty_k(C_k(H)) of a search's objective, and how λ finds
itself.

The budget's multiplier λ_k is adapted so that the expected cost ends at its limit
(`Multipliers`), from wherever it starts: it grows while the mean of the samples' costs
is over the limit in force, and shrinks while it is under.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bsngraph.costs import Budget
from bsngraph.settings import SearchSettings

Values = NDArray[np.float64]

# How λ is adapted, a step: by up to _GROW while the mean cost is further than _NEAR
# from its limit (in shares of it, smoothed over about 1/_FRESH steps), by _SHRINK a
# step while it is nearer.
_NEAR, _GROW, _SHRINK, _FRESH = 0.03, 0.1, 0.02, 0.1
_LEAST, _MOST = 0.1, 100.0


class Multipliers:
    """λ of each budget, (budgets,), and the penalty that they make."""

    def __init__(self, budgets: Sequence[Budget], settings: SearchSettings) -> None:
        self.budgets, self.settings = tuple(budgets), settings
        self.values: Values = np.full(len(self.budgets), float(settings.penalty))
        self.missed: Values = np.zeros(len(self.budgets))
        self._tight = [
            index for index, budget in enumerate(self.budgets) if budget.binding and not budget.slack
        ]

    def state(self) -> dict[str, list[float]]:
        """What is needed to go on exactly, by cost."""
        pairs = zip(self.budgets, self.values.tolist(), self.missed.tolist(), strict=True)
        return {budget.cost.name: [value, missed] for budget, value, missed in pairs}

    def load(self, state: Mapping[str, Sequence[float]]) -> None:
        """Go on from `state`; a budget that it does not know stays as it is."""
        for index, budget in enumerate(self.budgets):
            if budget.cost.name in state:
                self.values[index], self.missed[index] = state[budget.cost.name]

    def by_name(self) -> dict[str, float]:
        """λ by the name of the budget's cost."""
        return {
            budget.cost.name: float(value) for budget, value in zip(self.budgets, self.values, strict=True)
        }

    def penalty(self, costs: Values, limits: Sequence[float]) -> Values:
        """The penalty of each sample: costs (budgets, batch), a limit for each budget →
        (batch,).
        """
        total = np.zeros(costs.shape[1])
        for budget, multiplier, cost, limit in zip(self.budgets, self.values, costs, limits, strict=True):
            over = cost - limit
            both_ways = self.settings.penalty_form == "absolute-distance" or not budget.binding
            over = np.abs(over) if both_ways else np.maximum(over, 0.0)
            total += multiplier * (over / limit if self.settings.penalty_form == "relative" else over)
        for multiplier, left in self._unspent(costs, limits):
            total += multiplier * left
        return total

    def adapt(self, costs: Values, limits: Sequence[float]) -> None:
        """One step of each λ: costs (budgets, batch) of the step's samples."""
        if not (self.settings.adapt_penalty and self.budgets):
            return
        self.missed += _FRESH * (costs.mean(axis=1) / np.array(limits) - 1 - self.missed)
        tightest = max(self._tight, key=self.missed.__getitem__, default=None)
        for index, budget in enumerate(self.budgets):
            both_ways = index == tightest or not budget.binding
            away = abs(self.missed[index]) if both_ways else max(self.missed[index], 0.0)
            step = min(away - _NEAR, 1.0) * _GROW if away > _NEAR else -_SHRINK
            self.values[index] = min(max(self.values[index] * math.exp(step), _LEAST), _MOST)

    @property
    def scale(self) -> float:
        """What the objective is multiplied with: a large λ must not drown what Adam
        remembers of the loss.
        """
        return 1 / (1 + float(self.values.sum())) if self.settings.adapt_penalty else 1.0

    def _unspent(self, costs: Values, limits: Sequence[float]) -> Iterator[tuple[float, Values]]:
        """λ of the tightest budget, and what each sample that is inside every limit
        leaves of it, in shares: (batch,).
        """
        if self.settings.adapt_penalty and self._tight:
            ratios = costs[self._tight] / np.array(limits)[self._tight, None]
            tightest = self._tight[int(ratios.mean(axis=1).argmax())]
            yield float(self.values[tightest]), np.maximum(1 - ratios.max(axis=0), 0.0)
