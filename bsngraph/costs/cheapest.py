"""The cheapest sub-network of a fabric, and whether budgets can be met at all, before any training.

A shortest path is the answer where it can be kept and nothing else is live then: every sub-network holds a path. Where fixed or tied
edges come along, or several targets must be connected, an integer program answers (program.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bsngraph.costs.budget import Budget
from bsngraph.costs.profile import Costs
from bsngraph.costs.program import Limit, solve_choice
from bsngraph.costs.table import Cost
from bsngraph.draw.text import quantity
from bsngraph.errors import InfeasibleBudgetError
from bsngraph.fabric import Architecture, Booleans, Fabric, architecture_of, decisions_of


@dataclass(frozen=True)
class Cheapest:
    """The architecture with the least of one cost; `proved` where none is cheaper for certain."""

    architecture: Architecture
    value: float
    proved: bool


def cheapest(fabric: Fabric, cost: Cost) -> Cheapest:
    """The sub-network that connects every target at the least cost, fixed edges charged where live.

    Raises:
        InfeasibleBudgetError: gates and choices leave no sub-network that connects every target.
    """
    path = _shortest_path(fabric, cost.per_edge)
    kept = None if path is None else decisions_of(fabric).completed(path)
    if path is not None and kept is not None:
        found = architecture_of(fabric, kept)
        if np.array_equal(found.mask, path):
            return Cheapest(found, float(cost.of(path[None])[0]), proved=True)
    choice = solve_choice(fabric, np.zeros(len(fabric.edges)), cost.per_edge)
    if choice is None:  # without ties every valid fabric connects its targets
        raise InfeasibleBudgetError("no choice of edges connects every target: the file's gates and choices exclude each other's paths")
    found = architecture_of(fabric, choice.kept)
    return Cheapest(found, float(cost.of(found.mask[None])[0]), choice.proved)


def cheapest_each(fabric: Fabric, costs: Sequence[Cost]) -> dict[str, Cheapest]:
    """The cheapest sub-network by each cost; costs that are multiples of each other (MACs and FLOPs) are solved once.

    Raises:
        InfeasibleBudgetError: gates and choices leave no sub-network that connects every target.
    """
    solved: dict[bytes, Cheapest] = {}
    found = {}
    for cost in costs:
        shape = (cost.per_edge / (cost.per_edge.max(initial=0.0) or 1.0)).round(12).tobytes()
        if shape not in solved:
            solved[shape] = cheapest(fabric, cost)
        least = solved[shape]
        found[cost.name] = replace(least, value=float(cost.of(least.architecture.mask[None])[0]))
    return found


def check_budgets(fabric: Fabric, budgets: Sequence[Budget]) -> Architecture | None:
    """A sub-network inside all budgets, proved to exist; None where there are no budgets.

    Raises:
        InfeasibleBudgetError: no sub-network meets one of them, or all of them together; the text says what is possible.
    """
    if not budgets:
        return None
    least = list(cheapest_each(fabric, [budget.cost for budget in budgets]).values())
    for budget, found in zip(budgets, least, strict=True):
        if not budget.met(found.value):
            raise InfeasibleBudgetError(_infeasible(budget, found))
    for found in least:
        if meets(found.architecture.mask, budgets):
            return found.architecture
    first, *others = budgets
    choice = inside_budgets(fabric, others, live_weight=first.cost.per_edge)
    if choice is None:
        raise InfeasibleBudgetError(f"no sub-network meets {' and '.join(b.text for b in others)} together, though each can be met alone")
    found_value = float(first.cost.of(choice.mask[None])[0])
    if not first.met(found_value):
        rest = " and ".join(budget.text for budget in others)
        raise InfeasibleBudgetError(
            f"no sub-network meets the budgets together: inside {rest}, the cheapest costs "
            f"{amount(found_value, first.cost)}, over {first.text} ({amount(first.limit, first.cost)})"
        )
    return choice


def inside_budgets(
    fabric: Fabric, budgets: Sequence[Budget], *, kept_weight: Costs | None = None, live_weight: Costs | None = None
) -> Architecture | None:
    """The sub-network inside the budgets with the least Σ kept_weight·kept + Σ live_weight·live; None where none is inside."""
    zeros = np.zeros(len(fabric.edges))
    limits = [Limit(budget.cost.per_edge, budget.limit) for budget in budgets]
    while True:
        choice = solve_choice(fabric, zeros if kept_weight is None else kept_weight, zeros if live_weight is None else live_weight, limits)
        if choice is None:
            return None
        found = architecture_of(fabric, choice.kept)
        if meets(found.mask, budgets):
            return found
        # HiGHS may exceed a limit by its tolerance. What holds these live edges is over it too, so not all of them may be live.
        limits.append(Limit(found.mask.astype(np.float64), len(found.live) - 1))


def meets(live: Booleans, budgets: Sequence[Budget]) -> bool:
    """Whether live edges (edges,) are inside every budget."""
    return all(budget.met(float(budget.cost.of(live[None])[0])) for budget in budgets)


def amount(value: float, cost: Cost) -> str:
    """A cost for people: `412 k MACs`."""
    return f"{quantity(value)} {cost.unit}".rstrip()


def _infeasible(budget: Budget, found: Cheapest) -> str:
    share = f", {100 * found.value / budget.cost.total:.2f} % of the fabric" if budget.cost.total else ""
    known = "cheapest" if found.proved else "best found"
    least = amount(found.value, budget.cost)
    return f"no sub-network meets {budget.text} ({amount(budget.limit, budget.cost)}): the {known} costs {least}{share}"


def _shortest_path(fabric: Fabric, weights: Costs) -> Booleans | None:
    """The edges (edges,) of the cheapest source-target path; None where there are several sources or targets."""
    if len(fabric.sources) != 1 or len(fabric.targets) != 1:
        return None
    distance = [np.inf] * len(fabric.nodes)
    best: list[int | None] = [None] * len(fabric.nodes)
    distance[fabric.source_indices[0]] = 0.0
    for node in range(len(fabric.nodes)):
        for edge in fabric.incoming[node]:
            through = distance[fabric.endpoints[edge][0]] + float(weights[edge])
            if through < distance[node]:
                distance[node], best[node] = through, edge
    path = np.zeros(len(fabric.edges), dtype=np.bool_)
    at: int | None = best[fabric.target_indices[0]]
    while at is not None:
        path[at] = True
        at = best[fabric.endpoints[at][0]]
    return path
