"""result.json: metrics, every cost against its budget, the edges kept."""

from __future__ import annotations

from bsngraph.costs import Budgets, Cheapest, Cost, cheapest_each
from bsngraph.fabric import Architecture
from bsngraph.measure import is_latency
from bsngraph.runs import Json
from bsngraph.runs.rows.certificate import Certificate, CountedCost
from bsngraph.searching.prepare import Job
from bsngraph.training import Score
from bsngraph.typed_files import plain


def result_summary(
    job: Job,
    architecture: Architecture,
    validation: Score,
    test: Score,
    seconds: float,
    certificate: Certificate,
) -> Json:
    """The content of result.json."""
    live = architecture.mask[None]
    least = cheapest_each(job.fabric, job.costs)
    costs = {cost.name: _cost_summary(cost, float(cost.of(live)[0]), least[cost.name]) for cost in job.costs}
    for name in filter(is_latency, costs):
        costs[name] |= _latency_summary(certificate.costs[name], costs[name]["value"])
    searchable = set(job.fabric.searchable)
    return {
        "task": job.dataset.task,
        "metrics": {"validation": validation.summary(), "test": test.summary()},
        "costs": costs,
        "budgets": _budget_summaries(job.budgets, costs),
        "edges": {
            "kept": len(searchable & set(architecture.live)),
            "searchable": len(searchable),
            "fixed": len(job.fabric.edges) - len(searchable),
        },
        "seconds": seconds,
        "seed": job.seed,
    }


def _cost_summary(cost: Cost, value: float, least: Cheapest) -> Json:
    return {
        "value": value,
        "unit": cost.unit,
        "fabric": cost.total,
        "cheapest": least.value,
        "proved": least.proved,
    }


def _latency_summary(whole: CountedCost, sum_ms: float) -> Json:
    """A latency of the network as a whole, with its 10th and 90th percentile; that of
    another device, with its spread and what it holds for.
    """
    if whole.spread is None:
        return {"value": whole.value, "estimated": sum_ms, "low": whole.low, "high": whole.high}
    return {
        "value": whole.value,
        "estimated": whole.value / (1 + whole.spread),
        "spread": whole.spread,
        "conditions": plain(whole.conditions),
    }


def _budget_summaries(budgets: Budgets, costs: Json) -> list[Json]:
    values = {budget.cost.name: costs[budget.cost.name]["value"] for budget in budgets}
    return [
        {
            "cost": budget.cost.name,
            "relation": budget.relation,
            "limit": budget.limit,
            "value": values[budget.cost.name],
            "met": budget.met(values[budget.cost.name]),
            **({} if budget.least is None else {"least": budget.least}),
        }
        for budget in budgets
    ]
