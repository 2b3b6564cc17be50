"""Costs: shapes and counts of a fabric, the table of costs, budgets, what is cheapest
and what is inside the budgets.
"""

from bsngraph.costs.budget import CLOSE, Budget, BudgetRequest, check_units, parse_budget, resolve_budgets
from bsngraph.costs.cost import AdditiveCost, Cost, Costs, Scheduled
from bsngraph.costs.solving.cheapest import Cheapest, cheapest, cheapest_each
from bsngraph.costs.solving.feasible import (
    Inside,
    amount,
    best_found,
    check_budgets,
    closest,
    inside,
    inside_budgets,
    meets,
    misses,
)
from bsngraph.costs.spending import spending
from bsngraph.costs.table import COSTS, Sources, annotated_costs, complete_costs, price

__all__ = [
    "CLOSE",
    "COSTS",
    "AdditiveCost",
    "Budget",
    "BudgetRequest",
    "Cheapest",
    "Cost",
    "Costs",
    "Inside",
    "Scheduled",
    "Sources",
    "amount",
    "annotated_costs",
    "best_found",
    "cheapest",
    "cheapest_each",
    "check_budgets",
    "check_units",
    "closest",
    "complete_costs",
    "inside",
    "inside_budgets",
    "meets",
    "misses",
    "parse_budget",
    "price",
    "resolve_budgets",
    "spending",
]
