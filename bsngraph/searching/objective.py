"""What the search minimises: Δ(f(x, H), y) + Σ_k penalty_k(C_k(H)), and how the budgets come down to their limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bsngraph.costs import Budget
from bsngraph.fabric import Booleans
from bsngraph.searching.settings import Recipe, SearchSettings

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Penalty:
    """λ·max(0, C/B − 1) (relative, free of units) or the paper's λ·max(0, C − B) (absolute), summed over the budgets."""

    budgets: tuple[Budget, ...]
    settings: SearchSettings

    def of(self, live: Booleans, limits: Sequence[float]) -> Values:
        """The penalty of each sample: live edges (batch, edges), a limit for each budget → (batch,)."""
        total = np.zeros(live.shape[0])
        for budget, limit in zip(self.budgets, limits, strict=True):
            over = np.maximum(budget.cost.of(live) - limit, 0.0)
            total += self.settings.penalty * (over / limit if self.settings.penalty_form == "relative" else over)
        return total


def excess(budget: Budget, live: Booleans) -> float:
    """Mean of max(0, C/B − 1) over samples (batch, edges)."""
    return float(np.maximum(budget.cost.of(live) / budget.limit - 1, 0.0).mean())


def limits_at(epoch: int, budgets: Sequence[Budget], recipe: Recipe, settings: SearchSettings) -> tuple[float, ...]:
    """The limits in force in an epoch: lowered evenly from the whole fabric's cost, at the end of burn-in, to `aim` times the budget.

    From above, heavy edges are still there when their weights are good enough to be judged; thrown out early they would never come
    back.
    """
    start, end = settings.burn_in * recipe.epochs, settings.settle * recipe.epochs
    passed = epoch + 1
    done = 1.0 if passed >= end else 0.0 if passed <= start else (passed - start) / (end - start)
    goals = [budget.limit if budget.slack else settings.aim * budget.limit for budget in budgets]
    return tuple(goal + (1 - done) * max(budget.cost.total - goal, 0.0) for goal, budget in zip(goals, budgets, strict=True))
