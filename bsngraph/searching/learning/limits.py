"""How budgets come down to their limits while a search learns, and what samples cost of
them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bsngraph.costs import Budget
from bsngraph.fabric import Booleans
from bsngraph.searching.learning.multipliers import Values
from bsngraph.settings import Recipe, SearchSettings


def budget_costs(budgets: Sequence[Budget], live: Booleans) -> Values:
    """The cost of each sample for each budget: live edges (batch, edges) → (budgets,
    batch).
    """
    return np.stack([budget.cost.of(live) for budget in budgets]) if budgets else np.zeros((0, live.shape[0]))


def excess(costs: Values, budget: Budget) -> float:
    """Mean of max(0, C/B − 1) over samples' costs (batch,)."""
    return float(np.maximum(costs / budget.limit - 1, 0.0).mean())


def limits_at(
    epoch: int,
    budgets: Sequence[Budget],
    recipe: Recipe,
    settings: SearchSettings,
    starts: Sequence[float] | None = None,
) -> tuple[float, ...]:
    """The limits in force in an epoch: lowered evenly from the whole fabric's cost, at
    the end of burn-in, to `aim` times the budget.

    `starts` are the costs to begin from where that is not the whole fabric, after a
    warm start: from there limits may rise as well.

    From above, heavy edges are still there when their weights are good enough to be
    judged; thrown out early they would never come back.
    """
    start, end = settings.burn_in * recipe.epochs, settings.settle * recipe.epochs
    passed = epoch + 1
    done = 1.0 if passed >= end else 0.0 if passed <= start else (passed - start) / (end - start)
    goals = [
        settings.aim * budget.limit if budget.binding and not budget.slack else budget.limit
        for budget in budgets
    ]
    if starts is not None:
        return tuple(goal + (1 - done) * (start - goal) for goal, start in zip(goals, starts, strict=True))
    return tuple(
        goal + (1 - done) * max(budget.cost.total - goal, 0.0)
        for goal, budget in zip(goals, budgets, strict=True)
    )
