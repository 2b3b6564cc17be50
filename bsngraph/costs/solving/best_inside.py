"""The best choice of edges inside the budgets.

Limits on sums and on schedules go to the integer program (a schedule is at least its
longest path, and its work shared by all cores), so what it excludes is impossible. What
it finds is held against the costs themselves. The program cannot see every cost, and it
may find no answer in its time. Then a walk over neighbouring choices looks for a way
in, and what it does not find is not proved to be impossible.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bsngraph.costs.budgets import Budget, Budgets
from bsngraph.costs.cost import AdditiveCost, Costs, Scheduled, effort_of
from bsngraph.costs.solving.cheapest import cheap_starts
from bsngraph.costs.solving.program import Limit, NoAnswerError, PathLimit, solve_choice, time_limit_s
from bsngraph.costs.solving.walk import MOST_ENUMERATED, all_choices, least
from bsngraph.fabric import (
    Architecture,
    Booleans,
    Fabric,
    architecture_of,
    connected,
    live_edges,
)

# How often the program is asked again for a choice without what it had found before,
# when that was over a cost that it cannot see.
_ROUNDS = 6
# How long it may think each time, before walking goes on without it.
_SECONDS = 8.0


@dataclass(frozen=True)
class Inside:
    """The best choice inside the budgets, and whether it is proved that there is no
    better one: without an architecture, that there is none at all.
    """

    architecture: Architecture | None
    proved: bool


def closest(fabric: Fabric, budgets: Budgets, start: Architecture) -> Architecture:
    """A sub-network inside the hard budgets and as close to the soft ones as walking
    from `start` finds.
    """

    def score(live: Booleans) -> Costs:
        return np.where(budgets.inside(live), budgets.miss(live), np.inf)

    kept = fabric.decisions.completed(start.mask)
    assert kept is not None, "an architecture is the live part of a legitimate choice"
    found = least(fabric, score, [kept], effort=_effort(fabric, budgets))
    return start if found is None or math.isinf(found.score) else Architecture.of_mask(found.live)


def inside_budgets(
    fabric: Fabric,
    budgets: Budgets,
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
    budgets = budgets.hard
    unseen = Budgets(tuple(budget for budget in budgets if not isinstance(budget.cost, AdditiveCost)))
    if unseen.each:
        every = all_choices(fabric, MOST_ENUMERATED, _effort(fabric, budgets))
        if every is not None:
            return _best_of(fabric, every, budgets, kept_weight, live_weight)
    limits = [limit for budget in budgets for limit in _limits(budget)]
    guessed = 0
    until = time.perf_counter() + time_limit_s(fabric)
    while time.perf_counter() < until:
        try:
            choice = solve_choice(fabric, kept_weight, live_weight, limits, seconds=_SECONDS)
        except NoAnswerError:
            return _walk_inside(fabric, budgets, [])
        if choice is None:
            return Inside(None, proved=not guessed)
        found = architecture_of(fabric, choice.kept)
        if budgets.met_by(found.mask):
            return Inside(found, proved=choice.proved and not guessed)
        if unseen.met_by(found.mask):
            # HiGHS may exceed a limit by its tolerance. What holds these live edges is
            # over it too, so not all of them may be live.
            limits.append(Limit(found.mask.astype(np.float64), len(found.live) - 1))
        elif guessed < _ROUNDS:  # of most costs that are no sums this is true as well, but not of all
            guessed += 1
            limits.append(Limit(found.mask.astype(np.float64), len(found.live) - 1))
        else:
            return _walk_inside(fabric, budgets, [choice.kept])
    return _walk_inside(fabric, budgets, [])


def _effort(fabric: Fabric, budgets: Budgets) -> int:
    """About how many numbers are gone through for every budget of one sample."""
    edges = len(fabric.edges)
    return edges + sum(effort_of(budget.cost, edges) for budget in budgets)


def _limits(budget: Budget) -> list[Limit | PathLimit]:
    """What every sub-network inside a budget satisfies, as far as the program can
    see.
    """
    cost, limit = budget.cost, budget.most
    if isinstance(cost, AdditiveCost):
        return [Limit(cost.per_edge, budget.limit)]
    if isinstance(cost, Scheduled):
        whole = bool((cost.durations == cost.durations.round()).all())
        limit = math.floor(limit) or 0.5 if whole else limit
        return [Limit(cost.durations, limit * cost.cores), PathLimit(cost.durations, limit)]
    return []


def _best_of(
    fabric: Fabric, every: Booleans, budgets: Budgets, kept_weight: Costs, live_weight: Costs
) -> Inside:
    live = live_edges(fabric.sweep, every | fabric.fixed)
    fits = np.asarray(connected(fabric, live).all(axis=1))
    fits[fits] = budgets.inside(live[fits])
    if not fits.any():
        return Inside(None, proved=True)
    value = np.where(fits, every @ kept_weight + live @ live_weight, np.inf)
    return Inside(architecture_of(fabric, every[int(value.argmin())]), proved=True)


def _walk_inside(fabric: Fabric, budgets: Budgets, starts: Sequence[Booleans]) -> Inside:
    """Down the sum of what is over the budgets, in shares of them, until nothing is;
    from `starts` and from what is cheap.
    """

    def over(live: Booleans) -> Costs:
        total = np.zeros(live.shape[0])
        for budget in budgets:
            total += np.maximum(budget.cost.of(live) / budget.most - 1, 0)
        return total

    cheap = (start for budget in budgets for start in cheap_starts(fabric, budget.cost))
    every = itertools.chain(starts, cheap)
    found = least(fabric, over, every, effort=_effort(fabric, budgets), enough=0.0)
    if found is None or found.score > 0:
        return Inside(None, proved=False)
    kept = fabric.decisions.completed(found.live)
    assert kept is not None, "what is live is part of a legitimate choice"
    return Inside(architecture_of(fabric, kept), proved=False)
