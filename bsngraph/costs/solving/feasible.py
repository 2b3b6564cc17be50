"""Whether budgets can be met, before any training, and the best choice of edges inside
them.

Limits on sums and on schedules go to the integer program (a schedule is at least its
longest path, and its work shared by all cores), so what it excludes is impossible. What
it finds is held against the costs themselves; where it is over one that the program
cannot see, or where the program finds no answer in its time, a walk over neighbouring
choices looks for a way in, and what is not found then is not proved to be impossible.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bsngraph.costs.budget import Budget
from bsngraph.costs.cost import AdditiveCost, Cost, Costs, Scheduled
from bsngraph.costs.solving.cheapest import Cheapest, cheap_starts, cheapest, cheapest_each
from bsngraph.costs.solving.program import Limit, NoAnswerError, PathLimit, solve_choice
from bsngraph.costs.solving.walk import MOST_CHOICES, least
from bsngraph.errors import InfeasibleBudgetError
from bsngraph.fabric import (
    Architecture,
    Booleans,
    Fabric,
    architecture_of,
    connected,
    every_choice,
    live_edges,
)
from bsngraph.wording import quantity

# How often the program is asked again for a choice without what it had found before,
# when that was over a cost that it cannot see.
_ROUNDS = 6
# How long it may think each time, before walking goes on without it.
_SECONDS = 8.0


@dataclass(frozen=True)
class Inside:
    """The best choice inside the budgets. Without one, `proved` says that there is
    none, and not only none found.
    """

    architecture: Architecture | None
    proved: bool


def meets(live: Booleans, budgets: Sequence[Budget]) -> bool:
    """Whether live edges (edges,) are inside every budget that must be met."""
    return bool(inside(live[None], budgets)[0])


def inside(live: Booleans, budgets: Sequence[Budget]) -> Booleans:
    """Which of live edges (batch, edges) are inside every budget that must be met:
    (batch,).
    """
    fits = np.ones(live.shape[0], dtype=np.bool_)
    for budget in budgets:
        if budget.binding and fits.any():
            fits[fits] = [budget.met(value) for value in budget.cost.of(live[fits]).tolist()]
    return fits


def misses(live: Booleans, budgets: Sequence[Budget]) -> Costs:
    """How far each of live edges (batch, edges) is from the budgets that are wishes, in
    shares of them, summed: (batch,).
    """
    total = np.zeros(live.shape[0])
    for budget in budgets:
        if not budget.binding:
            total += np.abs(budget.cost.of(live) / budget.limit - 1)
    return total


def closest(fabric: Fabric, budgets: Sequence[Budget], start: Architecture) -> Architecture:
    """A sub-network inside the budgets that must be met and as close to the others as
    walking from `start` finds.
    """

    def score(live: Booleans) -> Costs:
        return np.where(inside(live, budgets), misses(live, budgets), np.inf)

    kept = fabric.decisions.completed(start.mask)
    assert kept is not None, "an architecture is the live part of a legitimate choice"
    found = least(fabric, score, [kept])
    return start if found is None or math.isinf(found.score) else Architecture.of_mask(found.live)


def check_budgets(fabric: Fabric, budgets: Sequence[Budget]) -> Architecture | None:
    """A sub-network inside all budgets; None where none was found and none is proved
    impossible.

    Raises:
        InfeasibleBudgetError: no sub-network meets one of them, or all of them
            together; the text says what is possible.
    """
    binding = [budget for budget in budgets if budget.binding]
    alone = list(cheapest_each(fabric, [budget.cost for budget in binding]).values())
    for budget, found in zip(binding, alone, strict=True):
        if found.proved and not budget.met(found.value):
            raise InfeasibleBudgetError(impossible(budget, found))
    for found in alone:
        if meets(found.architecture.mask, binding):
            return found.architecture
    together = inside_budgets(fabric, binding)
    if together.architecture is None and together.proved:
        raise InfeasibleBudgetError(_impossible_together(fabric, binding))
    return together.architecture


def best_found(fabric: Fabric, budgets: Sequence[Budget]) -> str:
    """What to say of budgets that no sub-network was found for, though none is proved
    impossible.
    """
    binding = [budget for budget in budgets if budget.binding]
    for budget in binding:
        found = cheapest(fabric, budget.cost)
        if not budget.met(found.value):
            return impossible(budget, found)
    return f"no sub-network was found that meets {_and(binding)} together, though each can be met alone"


def inside_budgets(
    fabric: Fabric,
    budgets: Sequence[Budget],
    *,
    kept_weight: Costs | None = None,
    live_weight: Costs | None = None,
) -> Inside:
    """The sub-network inside the budgets with the least Σ kept_weight·kept + Σ
    live_weight·live.
    """
    zeros = np.zeros(len(fabric.edges))
    kept_weight = zeros if kept_weight is None else kept_weight
    live_weight = zeros if live_weight is None else live_weight
    binding = [budget for budget in budgets if budget.binding]
    if not all(isinstance(budget.cost, AdditiveCost) for budget in binding):
        every = every_choice(fabric, MOST_CHOICES)
        if every is not None:
            return _best_of(fabric, every, binding, kept_weight, live_weight)
    limits = [limit for budget in binding for limit in _limits(budget)]
    guessed = 0
    while True:
        try:
            choice = solve_choice(fabric, kept_weight, live_weight, limits, seconds=_SECONDS)
        except NoAnswerError:
            return _walk_inside(fabric, binding, [])
        if choice is None:
            return Inside(None, proved=not guessed)
        found = architecture_of(fabric, choice.kept)
        if meets(found.mask, binding):
            return Inside(found, proved=True)
        if meets(found.mask, [budget for budget in binding if not isinstance(budget.cost, AdditiveCost)]):
            # HiGHS may exceed a limit by its tolerance. What holds these live edges is
            # over it too, so not all of them may be live.
            limits.append(Limit(found.mask.astype(np.float64), len(found.live) - 1))
        elif guessed < _ROUNDS:  # of most costs that are no sums this is true as well, but not of all
            guessed += 1
            limits.append(Limit(found.mask.astype(np.float64), len(found.live) - 1))
        else:
            return _walk_inside(fabric, binding, [choice.kept])


def amount(value: float, cost: Cost) -> str:
    """A cost for people: `412 k MACs`."""
    return f"{quantity(value)} {cost.unit}".rstrip()


def impossible(budget: Budget, found: Cheapest) -> str:
    """That a budget cannot be met, and what can."""
    share = f", {100 * found.value / budget.cost.total:.2f} % of the fabric" if budget.cost.total else ""
    known = "cheapest" if found.proved else "best found"
    value = amount(found.value, budget.cost)
    return (
        f"no sub-network meets {budget.text} ({amount(budget.limit, budget.cost)}): the {known} costs "
        f"{value}{share}"
    )


def _limits(budget: Budget) -> list[Limit | PathLimit]:
    """What every sub-network inside a budget satisfies, as far as the program can
    see.
    """
    cost, limit = budget.cost, budget.limit * (1 + 1e-12)
    if isinstance(cost, AdditiveCost):
        return [Limit(cost.per_edge, budget.limit)]
    if isinstance(cost, Scheduled):
        whole = bool((cost.durations == cost.durations.round()).all())
        limit = math.floor(limit) or 0.5 if whole else limit
        return [Limit(cost.durations, limit * cost.cores), PathLimit(cost.durations, limit)]
    return []


def _best_of(
    fabric: Fabric, every: Booleans, budgets: Sequence[Budget], kept_weight: Costs, live_weight: Costs
) -> Inside:
    live = live_edges(fabric.sweep, every | fabric.fixed)
    fits = np.asarray(connected(fabric, live).all(axis=1))
    fits[fits] = inside(live[fits], budgets)
    if not fits.any():
        return Inside(None, proved=True)
    value = np.where(fits, every @ kept_weight + live @ live_weight, np.inf)
    return Inside(architecture_of(fabric, every[int(value.argmin())]), proved=True)


def _walk_inside(fabric: Fabric, budgets: Sequence[Budget], starts: Sequence[Booleans]) -> Inside:
    """Down the sum of what is over the budgets, in shares of them, until nothing is;
    from `starts` and from what is cheap.
    """

    def over(live: Booleans) -> Costs:
        total = np.zeros(live.shape[0])
        for budget in budgets:
            total += np.maximum(budget.cost.of(live) / (budget.limit * (1 + 1e-12)) - 1, 0)
        return total

    cheap = (start for budget in budgets for start in cheap_starts(fabric, budget.cost))
    found = least(fabric, over, itertools.chain(starts, cheap), enough=0.0)
    if found is None or found.score > 0:
        return Inside(None, proved=False)
    kept = fabric.decisions.completed(found.live)
    assert kept is not None, "what is live is part of a legitimate choice"
    return Inside(architecture_of(fabric, kept), proved=False)


def _impossible_together(fabric: Fabric, budgets: Sequence[Budget]) -> str:
    first, *others = budgets
    text = f"no sub-network meets {_and(budgets)} together, though each can be met alone"
    if not isinstance(first.cost, AdditiveCost):
        return text
    best = inside_budgets(fabric, others, live_weight=first.cost.per_edge)
    if best.architecture is None:
        return (
            f"no sub-network meets {_and(others)} together, though each can be met alone"
            if best.proved
            else text
        )
    value = float(first.cost.of(best.architecture.mask[None])[0])
    return (
        f"no sub-network meets the budgets together: inside {_and(others)}, the cheapest costs "
        f"{amount(value, first.cost)}, over {first.text} ({amount(first.limit, first.cost)})"
    )


def _and(budgets: Sequence[Budget]) -> str:
    return " and ".join(budget.text for budget in budgets)
