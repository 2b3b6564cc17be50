"""Whether the costs and budgets of a certificate are those of the network that is
there now.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

from bsngraph.certificate.certificate import Means, count_asked, judge_budget, recount
from bsngraph.certificate.checks import Check, equal, told
from bsngraph.errors import InputError
from bsngraph.measure import is_latency
from bsngraph.runs.rows.certificate import BudgetClaim, Certificate, CountedCost, JudgedBudget
from bsngraph.runs.rows.result import RunResult
from bsngraph.supernet import SuperNet
from bsngraph.wording import quantity


def counted_again(net: SuperNet, certificate: Certificate, means: Means) -> dict[str, CountedCost]:
    """Every cost of the certificate but a latency that was measured, as far as `means`
    allow: with the durations that the certificate itself records, where none are given.
    """
    recorded = [entry.durations_ms for entry in certificate.costs.values() if entry.durations_ms is not None]
    if recorded and means.durations_ms is None:
        means = replace(means, durations_ms=recorded[0])
    asked = [
        name
        for name, stated in certificate.costs.items()
        if not is_latency(name) or (stated.spread is not None and means.promised is not None)
    ]
    return recount(net, asked, means)


def cost_checks(
    net: SuperNet, certificate: Certificate, costs: Mapping[str, CountedCost], means: Means
) -> Iterator[Check]:
    """Each cost of the certificate against what was counted now."""
    for name, stated in certificate.costs.items():
        if _was_measured(name, stated):
            yield _latency(net, name, stated, means)
        else:
            yield _cost(name, stated, costs.get(name))


def _was_measured(name: str, stated: CountedCost) -> bool:
    """Whether a cost is a latency of here, and no promise for another device."""
    return is_latency(name) and stated.spread is None


def _latency(net: SuperNet, name: str, stated: CountedCost, means: Means) -> Check:
    """Measured here under the conditions that the certificate states, as far as they
    can be had.
    """
    conditions = stated.conditions
    if conditions is not None:
        means = replace(means, device=conditions.device, threads=conditions.threads, batch=conditions.batch)
    try:
        found = count_asked(net, name, replace(means, promised=None))
    except InputError as error:
        return Check(name, _spread(stated), str(error), None)
    assert found is not None
    place = "" if found.conditions == conditions else ", under other conditions"
    return Check(name, _spread(stated), _spread(found) + place, None)


def _spread(entry: CountedCost) -> str:
    low, high = (math.nan if one is None else one for one in (entry.low, entry.high))
    return f"{entry.value:.4g} ms ({low:.4g} to {high:.4g})"


def _cost(name: str, stated: CountedCost, found: CountedCost | None) -> Check:
    if found is None:
        return Check(f"cost {name}", _amount(stated), "not counted: what it needs is not given", None)
    return Check(f"cost {name}", _amount(stated), _amount(found), equal(stated.value, found.value))


def _amount(entry: CountedCost) -> str:
    told = f"{float(entry.value):,.10g} {entry.unit}".rstrip()
    if entry.spread is None or entry.conditions is None:
        return told
    return f"{told}: the sum of edges and {100 * entry.spread:.1f} % of it, on {entry.conditions.told()}"


def budget_checks(certificate: Certificate, costs: Mapping[str, CountedCost]) -> Iterator[Check]:
    """Each budget against the cost counted now; one on a latency, or on what cannot be
    counted, against the certificate's own value.
    """
    for stated in certificate.budgets:
        entry = costs.get(stated.cost) or certificate.costs[stated.cost]
        claim = BudgetClaim(stated.text, stated.cost, stated.limit, stated.relation)
        judged = judge_budget(claim, float(entry.value))
        same = (
            equal(stated.value, judged.value)
            and equal(stated.slack, judged.slack)
            and stated.met == judged.met
        )
        ok = same and judged.met is not False
        yield Check(f"budget {stated.text}", _told(stated), _told(judged), ok)


def _told(budget: JudgedBudget) -> str:
    word = {True: "met", False: "not met", None: "a soft budget"}[budget.met]
    side = "left" if budget.slack >= 0 else "over"
    return f"{word}, {quantity(abs(budget.slack))} {side}"


def result_checks(result: RunResult, costs: Mapping[str, CountedCost]) -> Iterator[Check]:
    """What result.json says the costs are is what was counted."""
    for name, entry in result.costs.items():
        if name in costs:
            found = costs[name].value
            yield Check(f"result.json {name}", told(entry.value), told(found), equal(entry.value, found))
