"""From learned weights and Γ to what the user gets: architecture, weights, pictures,
result.json.

In: a job and the trained network. Out: the files of the run folder and a `Result`. Test
data is read here, once, at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bsngraph.certificate import BudgetClaim, Means, make_certificate
from bsngraph.costs import amount
from bsngraph.costs.schedules.schedule_costs import Makespan
from bsngraph.errors import InfeasibleBudgetError
from bsngraph.fabric import Architecture, write_fabric
from bsngraph.runs import Json, RunFolder
from bsngraph.searching.choosing.measure_whole import DELIVERED_AGAIN, measured
from bsngraph.searching.delivering.pictures import caption, draw_architecture, draw_curves
from bsngraph.searching.delivering.result import Result
from bsngraph.searching.delivering.summary import result_summary
from bsngraph.searching.delivering.weights_file import write_weights
from bsngraph.searching.learning.gamma import EdgeDistribution
from bsngraph.searching.prepare import Job
from bsngraph.supernet import SuperNet
from bsngraph.training import Progress, evaluate_net


def deliver(
    job: Job,
    run: RunFolder,
    architecture: Architecture,
    net: SuperNet,
    seconds: float,
    progress: Progress,
    *,
    multipliers: Mapping[str, float] | None = None,
) -> Result:
    """Measure the trained network `net` of `architecture`, and write it with its graph,
    pictures and result.json.

    `multipliers`: λ by cost as the search ended, for the record.

    Raises:
        InfeasibleBudgetError: measured whole once more, the network is over its budget
            on latency.
    """
    everything = np.ones(len(net.fabric.edges), dtype=np.bool_)
    validation = evaluate_net(net, job.dataset, job.dataset.validation, everything)
    test = evaluate_net(net, job.dataset, job.dataset.test, everything)
    write_fabric(net.profile.annotated(), run.file("architecture.dot"))
    write_weights(job, run, net)
    certificate = certify(job, run, progress)
    summary = result_summary(job, architecture, validation, test, seconds, certificate)
    draw_architecture(job, run, architecture, caption(job, summary, multipliers or {}), progress)
    draw_curves(run, progress)
    run.write_json("result.json", summary)
    return Result(run, architecture, net, summary)


def certify(job: Job, run: RunFolder, progress: Progress) -> Json:
    """Count the costs of the delivered network anew, from its files; write
    certificate.json.

    Raises:
        InfeasibleBudgetError: it is over a budget, as a latency may be that is measured
            again.
    """
    claims = [
        BudgetClaim(budget.text, budget.cost.name, budget.limit, budget.relation) for budget in job.budgets
    ]
    certificate = make_certificate(run.path, claims, _means(job, progress))
    for budget, found in zip(job.budgets, certificate["budgets"], strict=True):
        if found["met"] is False:
            limit, value = amount(budget.limit, budget.cost), amount(found["value"], budget.cost)
            cure = "was the machine busy? --resume measures it once more, `bsngraph prune` chooses another"
            raise InfeasibleBudgetError(
                f"the network found is over {budget.text} ({limit}): it takes {value}; {cure}"
            )
    run.write_json("certificate.json", certificate)
    return certificate


def _means(job: Job, progress: Progress) -> Means:
    """What the job knows besides the network's files."""
    durations = [cost for cost in job.costs if isinstance(cost, Makespan)]
    names = [edge.name for edge in job.fabric.edges]
    return Means(
        device=job.device,
        threads=job.threads,
        batch=job.cost_options.latency_batch,
        durations_ms=dict(zip(names, durations[0].durations.tolist(), strict=True)) if durations else None,
        own={name: cost.function for name, cost in job.sources.own.items()},
        timeout_s=job.cost_options.timeout_s,
        measure=lambda net: measured(job, net, DELIVERED_AGAIN, progress),
    )


def write_probabilities(job: Job, run: RunFolder, distribution: EdgeDistribution) -> None:
    """Write probabilities.dot: the fabric with the learned Γ, itself a start for
    another search.
    """
    learned = distribution.probabilities.tolist()
    annotated = job.profile.annotated()
    edges = tuple(
        edge if edge.fixed else replace(edge, probability=round(gamma, 9))
        for edge, gamma in zip(annotated.edges, learned, strict=True)
    )
    write_fabric(replace(annotated, edges=edges), run.file("probabilities.dot"))
