"""Costs: shapes and counts of a fabric, the table of costs, budgets, the cheapest sub-network."""

from bsngraph.costs.budget import Budget, BudgetRequest, parse_budget, resolve_budgets
from bsngraph.costs.cheapest import Cheapest, amount, cheapest, cheapest_each, check_budgets, inside_budgets, meets
from bsngraph.costs.profile import Costs, FabricProfile, profile_draft, profile_fabric
from bsngraph.costs.table import COSTS, Cost, annotated_costs, complete_costs, price

__all__ = [
    "COSTS",
    "Budget",
    "BudgetRequest",
    "Cheapest",
    "Cost",
    "Costs",
    "FabricProfile",
    "amount",
    "annotated_costs",
    "cheapest",
    "cheapest_each",
    "check_budgets",
    "complete_costs",
    "inside_budgets",
    "meets",
    "parse_budget",
    "price",
    "profile_draft",
    "profile_fabric",
    "resolve_budgets",
]
