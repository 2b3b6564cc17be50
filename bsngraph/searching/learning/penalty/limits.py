"""How budgets come down to their limits while a search learns.

Limits are (budgets, rows) everywhere. All rows have the same ones in one column, but
under a range each row has limits of its own.
"""

from __future__ import annotations

import numpy as np
import torch

from bsngraph.costs import Budget, Budgets, Costs
from bsngraph.settings import Recipe, SearchSettings


def limits_at(
    epoch: int,
    budgets: Budgets,
    recipe: Recipe,
    settings: SearchSettings,
    starts: tuple[float, ...] | None = None,
    asked: Costs | None = None,
) -> Costs:
    """The limits in force in an epoch: (budgets, rows), each in its cost's unit, for
    limits `asked` (budgets, rows); without these a column for the budgets' own.

    They are lowered evenly, from the whole fabric's cost at the end of burn-in to `aim`
    times the budget. `starts` are the costs to begin from after a warm start, where
    that is not the whole fabric; from there limits may rise as well.

    From above, heavy edges are still there when their weights are good enough to be
    judged. Thrown out early they would never come back.
    """
    start, end = settings.burn_in * recipe.epochs, settings.settle * recipe.epochs
    passed = epoch + 1
    done = 1.0 if passed >= end else 0.0 if passed <= start else (passed - start) / (end - start)
    asked = budgets.limits[:, None] if asked is None else asked
    aims = np.array([settings.aim if is_tight(budget) else 1.0 for budget in budgets])
    goals = aims[:, None] * asked
    if starts is None:
        above = np.maximum(np.array([[budget.cost.total] for budget in budgets]).reshape(-1, 1) - goals, 0.0)
    else:
        above = np.array(starts)[:, None] - goals
    in_force: Costs = goals + (1 - done) * above
    return in_force


def draw_limits(budgets: Budgets, rows: int, generator: torch.Generator) -> Costs:
    """The limits that rows are asked to be inside: (budgets, rows).

    Each row draws its own limit of a range, evenly in its logarithm. Without a range
    there is one column, and nothing is drawn.
    """
    ranged = budgets.range_index
    if ranged is None:
        return budgets.limits[:, None]
    budget, limits = budgets[ranged], np.repeat(budgets.limits[:, None], rows, axis=1)
    assert budget.least is not None
    place = torch.rand(rows, generator=generator, dtype=torch.float64).numpy()
    limits[ranged] = budget.least * (budget.limit / budget.least) ** place
    return limits


def is_tight(budget: Budget) -> bool:
    """Whether a budget is hard and excludes some sub-network."""
    return budget.hard and not budget.slack


def excess(costs: Costs, limits: Costs) -> float:
    """Mean of max(0, C/B − 1) over samples' costs (batch,) and the limits (batch,) that
    they were asked to be inside.
    """
    return float(np.maximum(costs / limits - 1, 0.0).mean())
