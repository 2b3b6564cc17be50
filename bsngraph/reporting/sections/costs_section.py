"""Costs against budgets: a bar for each cost, from nothing to the whole fabric."""

from __future__ import annotations

from dataclasses import dataclass

from bsngraph.costs import COSTS
from bsngraph.reporting.sections.scales import Scale
from bsngraph.reporting.sections.verdict import Mark, after, budget_met
from bsngraph.runs.rows.result import BudgetResult, CostResult, RunResult
from bsngraph.wording import percent, quantity


@dataclass(frozen=True)
class CostLine:
    """A cost of the network. `fill`, `limit_at` and `cheapest_at` are places on its
    bar, in percent; `verdict` is empty without a budget.
    """

    name: str
    amount: str
    share: str
    meaning: str
    budget: str
    verdict: str
    mark: Mark
    fill: float
    limit_at: float | None
    cheapest_at: float
    remark: str


def costs_of(result: RunResult) -> tuple[CostLine, ...]:
    """A line for each cost, those with a budget first."""
    budgets = {budget.cost: budget for budget in result.budgets}
    names = [*budgets, *(name for name in result.costs if name not in budgets)]
    return tuple(_line(name, result.costs[name], budgets.get(name)) for name in names)


def _line(name: str, cost: CostResult, budget: BudgetResult | None) -> CostLine:
    unit = after(name, cost.unit)
    most = max(cost.fabric, cost.value, budget.limit if budget else 0.0) or 1.0
    scale = Scale(0.0, most)
    kind = COSTS.get(name.partition(":")[0])
    return CostLine(
        name=name,
        amount=f"{quantity(cost.value)}{unit}",
        share=f"{percent(cost.value / cost.fabric)} of the whole fabric's {quantity(cost.fabric)}{unit}"
        if cost.fabric
        else f"the whole fabric has {quantity(cost.fabric)}{unit}",
        meaning=kind.definition if kind else "a cost of the fabric's author",
        budget=_limit(budget, cost, unit) if budget else "",
        verdict=_verdict(budget) if budget else "",
        mark="open" if not budget else "good" if budget_met(budget) else "bad",
        fill=scale.at(cost.value),
        limit_at=scale.at(budget.limit) if budget else None,
        cheapest_at=scale.at(cost.cheapest),
        remark=_remark(cost, unit),
    )


def _verdict(budget: BudgetResult) -> str:
    if budget_met(budget):
        return "met"
    return "NOT met" if budget.relation == "<=" else "not close"


def _limit(budget: BudgetResult, cost: CostResult, unit: str) -> str:
    word = "at most" if budget.relation == "<=" else "close to"
    share = f" ({percent(budget.value / budget.limit)} of it spent)" if budget.limit else ""
    least = f", the upper end of a range from {quantity(budget.least)}{unit} on" if budget.least else ""
    return f"budget: {word} {quantity(budget.limit)}{unit}{least}{share}"


def _remark(cost: CostResult, unit: str) -> str:
    """How a latency was found, and the cheapest sub-network."""
    least = (
        f"the cheapest sub-network {'has' if cost.proved else 'found has'} {quantity(cost.cheapest)}{unit}"
    )
    if cost.spread is not None and cost.conditions is not None:
        return (
            f"not measured: the calibrated sum of edges and {percent(cost.spread)} of it, "
            f"on {cost.conditions.told()}; {least}"
        )
    if cost.low is not None and cost.high is not None:
        return (
            f"measured whole; 10th to 90th percentile {quantity(cost.low)} to {quantity(cost.high)}{unit}; "
            f"{least}"
        )
    return least
