"""Whether the networks of a front cost what front.csv says, counted anew on their
files, and whether each is inside the limits that it answers for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bsngraph.certificate.certificate import Means, judge_budget
from bsngraph.certificate.checks import Check, attempted, equal, told
from bsngraph.certificate.cost_checks import counted_again
from bsngraph.delivered.network_files import network_from
from bsngraph.errors import InputError
from bsngraph.measure import is_latency
from bsngraph.runs import RunFolder
from bsngraph.runs.rows.certificate import BudgetClaim, Certificate, CountedCost
from bsngraph.runs.rows.front import Front, FrontRow
from bsngraph.wording import quantity


def front_checks(run: RunFolder, certificate: Certificate, means: Means) -> Iterator[Check]:
    """A check of each cost of each network, and of each limit; none without a front.

    A latency that was measured is only stated.
    """
    if not run.file("front.csv").exists():
        return
    front = attempted("front.csv", "can be read", run.read_front)
    if isinstance(front, Check):
        yield front
        return
    for row in front.networks:
        yield from _network_checks(run, certificate, row, means)
    for row in front.rows:
        if row.architecture is not None:
            yield from _limit_checks(front, certificate, row)


def _network_checks(run: RunFolder, certificate: Certificate, row: FrontRow, means: Means) -> Iterator[Check]:
    name, weights = row.files
    net = attempted(name, "loads", lambda: network_from(run.file(name), run.file(weights)))
    if isinstance(net, Check):
        yield net
        return
    try:
        found = counted_again(net, certificate, means)
    except InputError as error:  # of a duration, say, that was measured for other edges
        yield Check(name, "can be counted", str(error), None)
        return
    for cost, stated in row.costs.items():
        yield _cost_check(name, cost, stated, found.get(cost))


def _cost_check(network: str, cost: str, stated: float, found: CountedCost | None) -> Check:
    name = f"{network}, {cost}"
    if found is None:
        why = "measured once" if is_latency(cost) else "not counted: what it needs is not given"
        return Check(name, told(stated), why, None)
    return Check(name, told(stated), told(found.value), equal(stated, float(found.value)))


def _limit_checks(front: Front, certificate: Certificate, row: FrontRow) -> Iterator[Check]:
    """The limit of the row, and the hard budgets beside the range."""
    limits: Mapping[str, float] = {
        each.cost: each.limit for each in certificate.budgets if each.relation == "<="
    } | {front.cost: row.limit}
    for cost, limit in limits.items():
        name, stated = f"{row.architecture} inside {cost} {quantity(limit)}", row.costs.get(cost)
        if stated is None:
            yield Check(name, told(limit), "front.csv does not say the cost", False)
            continue
        judged = judge_budget(BudgetClaim(name, cost, limit), stated)
        yield Check(name, told(limit), told(stated), judged.met)
