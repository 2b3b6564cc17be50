"""Certify: count every cost of the delivered network anew, from its files.

The count does not go by the search's costs. It comes before test data is read, so
that a network outside its budgets is never measured on it.
"""

from __future__ import annotations

from bsngraph.certificate import Means, make_certificate
from bsngraph.costs import amount
from bsngraph.costs.schedules.schedule_costs import Makespan
from bsngraph.errors import InfeasibleBudgetError
from bsngraph.runs import RunFolder
from bsngraph.runs.rows.certificate import BudgetClaim, Certificate
from bsngraph.searching.choosing.measure_whole import DELIVERED_AGAIN, measured
from bsngraph.searching.prepare import Job
from bsngraph.training import Progress


def certify(job: Job, run: RunFolder, progress: Progress) -> Certificate:
    """Write certificate.json, and give its content.

    Raises:
        InfeasibleBudgetError: the network is over a budget, as a latency may be that is
            measured again.
    """
    certificate = make_certificate(run.path, claims_of(job), means_of(job, progress))
    for budget, found in zip(job.budgets, certificate.budgets, strict=True):
        if found.met is False:
            limit, value = amount(budget.limit, budget.cost), amount(found.value, budget.cost)
            cure = "was the machine busy? --resume measures it once more, `bsngraph prune` chooses another"
            raise InfeasibleBudgetError(
                f"the network found is over {budget.text} ({limit}): it takes {value}; {cure}"
            )
    run.write_json("certificate.json", certificate)
    return certificate


def claims_of(job: Job) -> list[BudgetClaim]:
    """The job's budgets as a certificate states them; of a range the upper end."""
    return [
        BudgetClaim(budget.text, budget.cost.name, budget.limit, budget.relation) for budget in job.budgets
    ]


def means_of(job: Job, progress: Progress) -> Means:
    """What the job knows besides the network's files."""
    durations = [cost for cost in job.costs if isinstance(cost, Makespan)]
    names = [edge.name for edge in job.fabric.edges]
    return Means(
        device=job.device,
        threads=job.hardware.threads,
        batch=job.cost_options.latency_batch,
        durations_ms=dict(zip(names, durations[0].durations.tolist(), strict=True)) if durations else None,
        own={name: cost.function for name, cost in job.sources.own.items()},
        timeout_s=job.cost_options.timeout_s,
        measure=lambda net: measured(job, net, DELIVERED_AGAIN, progress),
    )
