"""Step 3, measure whole: a latency budget is met by the network as it runs. That of a
device which is not here is met by the sum of edges and its spread, and nothing is
measured.

In: architectures, best first, whose edges add up to less than the limit. Out: those
that were measured inside it. If these are too few, a lower limit on the sum of edges
comes with them, to look for others under.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bsngraph.costs import Budget, Budgets, amount
from bsngraph.fabric import Architecture
from bsngraph.measure import LATENCY_ENGINES, Timing, is_latency, measure_network
from bsngraph.searching.prepare import Job
from bsngraph.supernet import SuperNet, prune_net
from bsngraph.training import Progress, Silent

# What is chosen must be this much inside its limit, so that the next measurement is
# inside as well.
_MARGIN = 0.98
_TRIED = 4

# How often a network that is over is measured again, a second each: a busy machine only
# makes it slower. What has been trained is given longer to show that it is inside.
_CANDIDATE_AGAIN, DELIVERED_AGAIN = 3, 20


@dataclass(frozen=True)
class Confirmation:
    """The architectures that may be chosen, in their order, and what those measured
    took.

    `tightened` are the budgets to look for others under, None if these are enough.
    """

    inside: list[Architecture]
    measured_ms: Mapping[Architecture, float] = field(default_factory=dict)
    tightened: Budgets | None = None


def confirm(
    job: Job,
    net: SuperNet,
    budgets: Budgets,
    architectures: Sequence[Architecture],
    wanted: int,
    progress: Progress,
) -> Confirmation:
    """Measure candidates whole, best first, until `wanted` of them are inside the job's
    hard budget on latency. Without such a budget, or if it is for another device, all
    are confirmed unmeasured.

    If most are over, the limit on the sum of edges comes down by as much as they missed
    it.
    """
    budget = latency_budget(job.budgets)
    if budget is None or not measures_whole(job):
        return Confirmation(list(architectures))
    progress.note(
        f"measuring candidates whole, a second or more each, until {wanted} are inside {budget.text} …"
    )
    inside: list[Architecture] = []
    measured_ms: dict[Architecture, float] = {}
    over: list[tuple[float, float]] = []  # what each took, and the sum of its edges
    for architecture in architectures[: max(2 * wanted, _TRIED)]:
        timing = measured(job, prune_net(net, architecture), _CANDIDATE_AGAIN, Silent(), share=_MARGIN)
        took = measured_ms[architecture] = timing.median_ms
        if not budget.met(took / _MARGIN):
            over.append((took, float(budget.cost.of(architecture.mask[None])[0])))
        else:
            inside.append(architecture)
            if len(inside) == wanted:
                break
    if over:
        took, estimate = min(over)
        progress.note(
            f"{len(over)} of {len(measured_ms)} candidates measured whole are over {_MARGIN:.0%} of "
            f"{budget.text}: "
            f"the fastest of them takes {took:.3g} ms, not the {estimate:.3g} ms of its edges"
        )
    if len(inside) == wanted or len(inside) >= len(over):
        return Confirmation(inside, measured_ms)
    needed = statistics.median_high(_MARGIN * budget.limit * estimate / took for took, estimate in over)
    return Confirmation(inside, measured_ms, budgets.with_limit(budget.cost.name, needed))


def measures_whole(job: Job) -> bool:
    """Whether networks are measured before they may be chosen: under a hard budget on
    the latency of this device.
    """
    elsewhere = job.latencies is not None and job.latencies.spread is not None
    return latency_budget(job.budgets) is not None and not elsewhere


def latency_budget(budgets: Budgets) -> Budget | None:
    """The hard budget on a latency, by whatever engine, if there is one."""
    return next((budget for budget in budgets.hard if is_latency(budget.cost.name)), None)


def none_measured_inside(budgets: Budgets, fastest_ms: float) -> str:
    """What to say where every network that was measured whole was over the budget on
    latency.
    """
    budget = latency_budget(budgets)
    assert budget is not None, "only for it networks are measured"
    limit, best = amount(budget.limit, budget.cost), amount(fastest_ms, budget.cost)
    return f"no network was measured inside {budget.text} ({limit}): the best found takes {best}"


def measured(job: Job, net: SuperNet, again: int, progress: Progress, *, share: float = 1.0) -> Timing:
    """The latency of a network with all its edges, under the job's conditions; while it
    is over `share` of the budget, the best of up to `again` more.
    """
    asked = [budget.cost.name for budget in job.budgets if is_latency(budget.cost.name)]
    engine = LATENCY_ENGINES[asked[0] if asked else "latency"]
    runner = engine.runner(job.hardware.threads)  # an engine that prepares a network does so once

    def measure() -> Timing:
        return measure_network(
            net,
            device=job.device,
            threads=job.hardware.threads,
            batch=job.cost_options.latency_batch,
            engine=engine,
            runner=runner,
        )

    budget, best = latency_budget(job.budgets), measure()
    for number in range(again):
        if budget is None or budget.met(best.median_ms / share):
            break
        if number == 0:
            progress.note(
                f"the network takes {best.median_ms:.3g} ms, over {budget.text}: measuring it again, up "
                f"to {again} times …"
            )
        best = min(best, measure(), key=lambda timing: timing.median_ms)
    return best
