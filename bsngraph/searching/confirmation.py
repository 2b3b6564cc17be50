"""A latency budget is met by the network as it runs: what the sum of edges let through is measured whole before it is chosen.

In: candidates, best first. Out: the best one whose measured latency is inside the budget, or the limit on the sum of edges that would
have been needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bsngraph.costs import Budget, amount
from bsngraph.measure import Timing, measure_network
from bsngraph.searching.job import Job
from bsngraph.searching.progress import Progress
from bsngraph.searching.selection import Candidate
from bsngraph.supernet import SuperNet, prune_net

# What is chosen must be this much inside its limit, so that the next measurement is inside as well.
_MARGIN = 0.98
_TRIED = 4
_MEASURED_AGAIN = 3


@dataclass(frozen=True)
class Confirmation:
    """The candidate that is inside. Or None, the budgets with a limit on latency lowered by as much as those tried missed it, and what
    these took."""

    chosen: Candidate | None
    tightened: tuple[Budget, ...]
    measured_ms: tuple[float, ...] = ()


def latency_budget(budgets: Sequence[Budget]) -> Budget | None:
    """The budget on latency that must be met, where there is one."""
    return next((budget for budget in budgets if budget.cost.name == "latency" and budget.binding), None)


def confirm(job: Job, net: SuperNet, budgets: Sequence[Budget], candidates: Sequence[Candidate], progress: Progress) -> Confirmation:
    """Measure candidates whole, best first, until one is inside the job's limit on latency; without one the best candidate is chosen."""
    budget = latency_budget(job.budgets)
    if budget is None:
        return Confirmation(candidates[0], tuple(budgets))
    needed, taken = [], []  # the sum of edges at which a network like this one would be inside; what it took
    for candidate in candidates[:_TRIED]:
        timing = measured(job, prune_net(net, candidate.architecture))
        if timing.median_ms <= _MARGIN * budget.limit:
            return Confirmation(candidate, tuple(budgets))
        estimate = float(budget.cost.of(candidate.architecture.mask[None])[0])
        needed.append(estimate * _MARGIN * budget.limit / timing.median_ms)
        taken.append(timing.median_ms)
        progress.note(f"a candidate takes {timing.median_ms:.3g} ms, not the {estimate:.3g} ms of its edges: over {budget.text}")
    tightened = tuple(replace(other, limit=max(needed)) if other.cost.name == budget.cost.name else other for other in budgets)
    return Confirmation(None, tightened, tuple(taken))


def none_measured_inside(budgets: Sequence[Budget], fastest_ms: float) -> str:
    """What to say where every network that was measured whole was over the budget on latency."""
    budget = latency_budget(budgets)
    assert budget is not None, "only for it networks are measured"
    limit, best = amount(budget.limit, budget.cost), amount(fastest_ms, budget.cost)
    return f"no network was measured inside {budget.text} ({limit}): the best found takes {best}"


def measured(job: Job, net: SuperNet) -> Timing:
    """The latency of a network with all its edges, under the job's conditions; the best of a few where the first is over the budget."""
    budget = latency_budget(job.budgets)
    batch = job.cost_options.latency_batch
    best = measure_network(net, device=job.device, threads=job.threads, batch=batch)
    for _ in range(_MEASURED_AGAIN):
        if budget is None or budget.met(best.median_ms):
            break
        again = measure_network(net, device=job.device, threads=job.threads, batch=batch)
        best = min(best, again, key=lambda timing: timing.median_ms)
    return best
