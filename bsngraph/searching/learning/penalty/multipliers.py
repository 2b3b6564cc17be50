"""The penalty Σ_k λ_k·penalty_k(C_k(H)) of a search's objective, and how λ finds
itself.

The multiplier λ_k of a budget is adapted so that the expected cost ends at its limit,
from wherever λ_k starts: it grows while the mean of the samples' costs is over the
limit in force, and shrinks while it is under.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bsngraph.costs import Budgets, Costs
from bsngraph.searching.learning.penalty.limits import is_tight
from bsngraph.settings import SearchSettings

# How λ is adapted, a step: by up to _GROW while the mean cost is further than _NEAR
# from its limit (in shares of it, smoothed over about 1/_FRESH steps), by _SHRINK a
# step while it is nearer.
_NEAR, _GROW, _SHRINK, _FRESH = 0.03, 0.1, 0.02, 0.1
_LEAST, _MOST = 0.1, 100.0


@dataclass(frozen=True, eq=False)
class Penalty:
    """The penalty as it is now, with multipliers (budgets,).

    Each budget adds λ·max(0, C/B − 1), or λ·max(0, C − B) and λ·|C − B| where the form
    of `settings` is absolute or absolute-distance. A soft budget adds its distance on
    both sides. Where λ is adapted, what a sample leaves of the tightest budget is
    priced as well.
    """

    budgets: Budgets
    multipliers: Costs
    settings: SearchSettings

    @property
    def scale(self) -> float:
        """What the objective is multiplied with.

        A large λ must not drown what Adam remembers of the loss.
        """
        return 1 / (1 + float(self.multipliers.sum())) if self.settings.adapt_penalty else 1.0

    def of(self, costs: Costs, limits: Costs) -> Costs:
        """The penalty of each sample: costs (budgets, batch), limits (budgets, rows)
        with a row for each sample or one for all → (batch,).
        """
        form = self.settings.penalty_form
        total = np.zeros(costs.shape[1])
        for index, budget in enumerate(self.budgets):
            over = costs[index] - limits[index]
            both_ways = form == "absolute-distance" or not budget.hard
            over = np.abs(over) if both_ways else np.maximum(over, 0.0)
            total += self.multipliers[index] * (over / limits[index] if form == "relative" else over)
        tight = [index for index, budget in enumerate(self.budgets) if is_tight(budget)]
        if self.settings.adapt_penalty and tight:
            ratios = costs[tight] / limits[tight]
            tightest = tight[int(ratios.mean(axis=1).argmax())]
            total += float(self.multipliers[tightest]) * np.maximum(1 - ratios.max(axis=0), 0.0)
        return total


class Multipliers:
    """λ of each budget on its way: `values` (budgets,)."""

    def __init__(self, budgets: Budgets, settings: SearchSettings) -> None:
        self.budgets, self.settings = budgets, settings
        self.values: Costs = np.full(len(budgets), float(settings.penalty))
        self.missed: Costs = np.zeros(len(budgets))

    @property
    def penalty(self) -> Penalty:
        """The penalty with λ as it is now."""
        return Penalty(self.budgets, self.values.copy(), self.settings)

    def adapt(self, costs: Costs, limits: Costs) -> None:
        """One step of each λ: costs (budgets, batch) of the step's samples, the limits
        in force (budgets, rows).
        """
        if not (self.settings.adapt_penalty and len(self.budgets)):
            return
        self.missed += _FRESH * (costs.mean(axis=1) / limits.mean(axis=1) - 1 - self.missed)
        tight = [index for index, budget in enumerate(self.budgets) if is_tight(budget)]
        tightest = max(tight, key=self.missed.__getitem__, default=None)
        for index, budget in enumerate(self.budgets):
            both_ways = index == tightest or not budget.hard
            away = abs(self.missed[index]) if both_ways else max(self.missed[index], 0.0)
            step = min(away - _NEAR, 1.0) * _GROW if away > _NEAR else -_SHRINK
            self.values[index] = min(max(self.values[index] * math.exp(step), _LEAST), _MOST)

    def by_name(self) -> dict[str, float]:
        """λ by the name of the budget's cost."""
        names = (budget.cost.name for budget in self.budgets)
        return dict(zip(names, self.values.tolist(), strict=True))

    def state(self) -> dict[str, tuple[float, float]]:
        """What is needed to go on exactly, by cost: λ, and its smoothed miss."""
        names = (budget.cost.name for budget in self.budgets)
        pairs = zip(self.values.tolist(), self.missed.tolist(), strict=True)
        return dict(zip(names, pairs, strict=True))

    def load(self, state: Mapping[str, Sequence[float]]) -> None:
        """Go on from `state`; a budget that it does not know stays as it is."""
        for index, budget in enumerate(self.budgets):
            if budget.cost.name in state:
                self.values[index], self.missed[index] = state[budget.cost.name]
