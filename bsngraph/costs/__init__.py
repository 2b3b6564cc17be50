"""Costs: shapes and counts of a fabric, the table of costs, budgets, what is cheapest
and what is inside the budgets.
"""

from bsngraph.costs.budget_request import (
    BudgetRequest,
    asks_range,
    check_units,
    parse_budget,
    resolve_budgets,
)
from bsngraph.costs.budgets import CLOSE, Budget, Budgets
from bsngraph.costs.cost import AdditiveCost, Cost, Costs, Scheduled
from bsngraph.costs.solving.best_inside import Inside, closest, inside_budgets
from bsngraph.costs.solving.cheapest import Cheapest, cheapest, cheapest_each
from bsngraph.costs.solving.feasible import amount, best_found, check_budgets
from bsngraph.costs.spending import spending
from bsngraph.costs.table import COSTS, Sources, annotated_costs, complete_costs, price

__all__ = [
    "CLOSE",
    "COSTS",
    "AdditiveCost",
    "Budget",
    "BudgetRequest",
    "Budgets",
    "Cheapest",
    "Cost",
    "Costs",
    "Inside",
    "Scheduled",
    "Sources",
    "amount",
    "annotated_costs",
    "asks_range",
    "best_found",
    "cheapest",
    "cheapest_each",
    "check_budgets",
    "check_units",
    "closest",
    "complete_costs",
    "inside_budgets",
    "parse_budget",
    "price",
    "resolve_budgets",
    "spending",
]
