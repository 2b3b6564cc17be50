"""The penalty Σ_k λ_k·penalty_k(C_k(H)) of a search's objective, and how λ finds
itself.

The multiplier λ_k of a budget is adapted so that the expected cost ends at its limit,
from wherever λ_k starts: it grows while the mean of the samples' costs is over the
limit in force, and shrinks while it is under.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from bsngraph.costs import Budgets, Costs
from bsngraph.searching.learning.penalty.limits import is_tight
from bsngraph.settings import SearchSettings

# How λ is adapted, a step: by up to _GROW while the mean cost is further than _NEAR
# from its limit (in shares of it, smoothed over about 1/_FRESH steps), by _SHRINK a
# step while it is nearer.
_NEAR, _GROW, _SHRINK, _FRESH = 0.03, 0.1, 0.02, 0.1
_LEAST, _MOST = 0.1, 100.0

# The C library's: numpy's own has other last bits on other processors.
_exp = np.vectorize(math.exp, otypes=[np.float64])

Multiplier = float | tuple[float, ...]
MultiplierState = dict[str, tuple[Multiplier, Multiplier]]


@dataclass(frozen=True, eq=False)
class Penalty:
    """The penalty as it is now, with multipliers (budgets,), or (budgets, rows) where
    each row has its own.

    Each budget adds λ·max(0, C/B − 1), or λ·max(0, C − B) and λ·|C − B| where the form
    of `settings` is absolute or absolute-distance. A soft budget adds its distance on
    both sides. Where λ is adapted, what a sample leaves of the tightest budget is
    priced as well.
    """

    budgets: Budgets
    multipliers: Costs
    settings: SearchSettings

    @property
    def scale(self) -> Costs:
        """What the objective is multiplied with: () or (rows,).

        A large λ must not drown what Adam remembers of the loss.
        """
        total = self.multipliers.sum(axis=0)
        return 1 / (1 + total) if self.settings.adapt_penalty else np.ones_like(total)

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
            total += self.multipliers[tightest] * np.maximum(1 - ratios.max(axis=0), 0.0)
        return total


class Multipliers:
    """λ of each budget on its way: `values` (budgets,), or (budgets, vectors) where
    there is one for each of some limits, mixed as those of Γ(b) are.
    """

    def __init__(self, budgets: Budgets, settings: SearchSettings, vectors: int = 0) -> None:
        self.budgets, self.settings = budgets, settings
        shape = (len(budgets), vectors) if vectors else (len(budgets),)
        self.values: Costs = np.full(shape, float(settings.penalty))
        self.missed: Costs = np.zeros(shape)

    def penalty_of(self, mix: Tensor | None = None) -> Penalty:
        """The penalty with λ as it is now; for rows mixed from vectors by `mix` (rows,
        vectors).
        """
        values = self.values.copy() if mix is None else self.values @ mix.numpy().T
        return Penalty(self.budgets, values, self.settings)

    def adapt(self, costs: Costs, limits: Costs, mix: Tensor | None = None) -> None:
        """One step of each λ: costs (budgets, batch) of the step's samples, the limits
        in force (budgets, rows), and with vectors what each row has of them, `mix`
        (batch, vectors).
        """
        if not (self.settings.adapt_penalty and len(self.budgets)):
            return
        if mix is None:
            self.missed += _FRESH * (costs.mean(axis=1) / limits.mean(axis=1) - 1 - self.missed)
        else:
            shares = mix.numpy()
            held = shares.sum(axis=0)
            ratios = (costs @ shares) / np.maximum(np.broadcast_to(limits, costs.shape) @ shares, 1e-300)
            fresh = _FRESH * np.minimum(held * shares.shape[1] / len(shares), 1.0)
            self.missed += np.where(held > 0, fresh * (ratios - 1 - self.missed), 0.0)
        tight = [index for index, budget in enumerate(self.budgets) if is_tight(budget)]
        tightest = np.array(tight)[self.missed[tight].argmax(axis=0)] if tight else np.array(-1)
        for index, budget in enumerate(self.budgets):
            both_ways = (tightest == index) | (not budget.hard)
            away = np.where(both_ways, np.abs(self.missed[index]), np.maximum(self.missed[index], 0.0))
            step = np.where(away > _NEAR, np.minimum(away - _NEAR, 1.0) * _GROW, -_SHRINK)
            self.values[index] = np.clip(self.values[index] * _exp(step), _LEAST, _MOST)

    def by_name(self) -> dict[str, float]:
        """λ by the name of the budget's cost, the mean of its vectors."""
        means = self.values.reshape(len(self.budgets), -1).mean(axis=1) if len(self.budgets) else []
        names = (budget.cost.name for budget in self.budgets)
        return {name: float(mean) for name, mean in zip(names, means, strict=True)}

    def state(self) -> MultiplierState:
        """What is needed to go on exactly, by cost: λ, and its smoothed miss."""
        names = (budget.cost.name for budget in self.budgets)
        pairs = zip(_plain(self.values), _plain(self.missed), strict=True)
        return dict(zip(names, pairs, strict=True))

    def load(self, state: MultiplierState) -> None:
        """Go on from `state`; a budget that it does not know stays as it is, and so
        does one with another number of vectors.
        """
        for index, budget in enumerate(self.budgets):
            value, missed = state.get(budget.cost.name, ((), ()))
            if np.shape(value) == np.shape(missed) == self.values.shape[1:]:
                self.values[index], self.missed[index] = value, missed


def _plain(values: Costs) -> list[Multiplier]:
    return [tuple(each) if isinstance(each, list) else each for each in values.tolist()]
