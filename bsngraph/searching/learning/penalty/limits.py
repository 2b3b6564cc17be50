"""How budgets come down to their limits while a search learns.

Limits are (budgets, rows) everywhere. Here all rows of an epoch have the same ones, so
there is one column.
"""

from __future__ import annotations

import numpy as np

from bsngraph.costs import Budget, Budgets, Costs
from bsngraph.settings import Recipe, SearchSettings


def limits_at(
    epoch: int,
    budgets: Budgets,
    recipe: Recipe,
    settings: SearchSettings,
    starts: tuple[float, ...] | None = None,
) -> Costs:
    """The limits in force in an epoch: (budgets, 1), each in its cost's unit.

    They are lowered evenly, from the whole fabric's cost at the end of burn-in to `aim`
    times the budget. `starts` are the costs to begin from after a warm start, where
    that is not the whole fabric; from there limits may rise as well.

    From above, heavy edges are still there when their weights are good enough to be
    judged. Thrown out early they would never come back.
    """
    start, end = settings.burn_in * recipe.epochs, settings.settle * recipe.epochs
    passed = epoch + 1
    done = 1.0 if passed >= end else 0.0 if passed <= start else (passed - start) / (end - start)
    goals = [settings.aim * budget.limit if is_tight(budget) else budget.limit for budget in budgets]
    if starts is None:
        above = [max(budget.cost.total - goal, 0.0) for goal, budget in zip(goals, budgets, strict=True)]
    else:
        above = [first - goal for goal, first in zip(goals, starts, strict=True)]
    return np.array([[goal + (1 - done) * far] for goal, far in zip(goals, above, strict=True)]).reshape(
        -1, 1
    )


def is_tight(budget: Budget) -> bool:
    """Whether a budget is hard and excludes some sub-network."""
    return budget.hard and not budget.slack


def excess(costs: Costs, budget: Budget) -> float:
    """Mean of max(0, C/B − 1) over samples' costs (batch,)."""
    return float(np.maximum(costs / budget.limit - 1, 0.0).mean())
