"""Whether budgets can be met before any training, and what to say if they cannot."""

from __future__ import annotations

from bsngraph.costs.budgets import Budget, Budgets
from bsngraph.costs.cost import AdditiveCost, Cost
from bsngraph.costs.solving.best_inside import inside_budgets
from bsngraph.costs.solving.cheapest import Cheapest, cheapest, cheapest_each
from bsngraph.errors import InfeasibleBudgetError
from bsngraph.fabric import Architecture, Fabric
from bsngraph.wording import quantity


def check_budgets(fabric: Fabric, budgets: Budgets) -> Architecture | None:
    """A sub-network inside all budgets, a range at its lower end; None where none was
    found and none is proved impossible.

    Raises:
        InfeasibleBudgetError: no sub-network meets one of them, or all of them
            together; the text says what is possible.
    """
    budgets = budgets.lowest.hard
    alone = list(cheapest_each(fabric, [budget.cost for budget in budgets]).values())
    for budget, found in zip(budgets, alone, strict=True):
        if found.proved and not budget.met(found.value):
            raise InfeasibleBudgetError(impossible(budget, found))
    for found in alone:
        if budgets.met_by(found.architecture.mask):
            return found.architecture
    together = inside_budgets(fabric, budgets)
    if together.architecture is None and together.proved:
        raise InfeasibleBudgetError(_impossible_together(fabric, budgets))
    return together.architecture


def best_found(fabric: Fabric, budgets: Budgets) -> str:
    """What to say of budgets that no sub-network was found for, though none is proved
    impossible.
    """
    budgets = budgets.lowest.hard
    for budget in budgets:
        found = cheapest(fabric, budget.cost)
        if not budget.met(found.value):
            return impossible(budget, found)
    return f"no sub-network was found that meets {_and(budgets)} together, though each can be met alone"


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


def _impossible_together(fabric: Fabric, budgets: Budgets) -> str:
    first, others = budgets[0], Budgets(budgets.each[1:])
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
    known = "cheapest" if best.proved else "best found"
    return (
        f"no sub-network meets the budgets together: inside {_and(others)}, the {known} costs "
        f"{amount(value, first.cost)}, over {first.text} ({amount(first.limit, first.cost)})"
    )


def _and(budgets: Budgets) -> str:
    return " and ".join(budget.text for budget in budgets)
