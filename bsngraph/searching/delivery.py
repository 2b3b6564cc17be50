"""From learned weights and Γ to what the user gets: architecture, weights, pictures, result.json.

In: a job and the trained network. Out: the files of the run folder and a `Result`. Test data is read here, once, at the end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from safetensors.torch import save as save_safetensors

from bsngraph.certificate import BudgetClaim, Means, make_certificate
from bsngraph.costs import Budget, Cheapest, Cost, amount, cheapest_each, spending
from bsngraph.costs.schedules.schedule_costs import Makespan
from bsngraph.delivered.model_facts import facts_of
from bsngraph.draw import fabric_drawing, render_dot
from bsngraph.draw.charts.curves import render_curves
from bsngraph.errors import BsngraphError, InfeasibleBudgetError
from bsngraph.fabric import Architecture, Fabric, write_fabric
from bsngraph.runs import Json, RunFolder, reading
from bsngraph.searching.confirmation import DELIVERED_AGAIN, measured
from bsngraph.searching.edge_distribution import EdgeDistribution
from bsngraph.searching.job import Job
from bsngraph.supernet import SuperNet, named_weights
from bsngraph.tasks import TASKS
from bsngraph.training import Progress, Score, evaluate_net
from bsngraph.whole_files import write_whole
from bsngraph.wording import quantity


@dataclass(frozen=True)
class Result:
    """What a run found: where it is, the architecture, the trained network, and result.json's content."""

    run: RunFolder
    architecture: Architecture
    net: SuperNet
    summary: Json

    @property
    def test_score(self) -> float:
        """The headline metric of its task on the test split: accuracy, mean IoU, RMSE or mean average precision."""
        return float(self.summary["metrics"]["test"][TASKS[self.summary["task"]].headline.name])

    @property
    def test_accuracy(self) -> float:
        """Of classification."""
        return float(self.summary["metrics"]["test"]["accuracy"])

    @property
    def fabric(self) -> Fabric:
        """The discovered sub-network as a fabric, all edges fixed."""
        return self.net.fabric


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
    """Measure the trained network `net` of `architecture`, and write it with its graph, pictures and result.json.

    `multipliers`: λ by cost as the search ended, for the record.

    Raises:
        InfeasibleBudgetError: measured whole once more, the network is over its budget on latency.
    """
    everything = np.ones(len(net.fabric.edges), dtype=np.bool_)
    validation = evaluate_net(net, job.dataset, job.dataset.validation, everything)
    test = evaluate_net(net, job.dataset, job.dataset.test, everything)
    write_fabric(net.profile.annotated(), run.file("architecture.dot"))
    write_weights(job, run, net)
    certificate = certify(job, run, progress)
    summary = _summary(job, architecture, validation, test, seconds, certificate)
    draw_architecture(job, run, architecture, caption(job, summary, multipliers or {}), progress)
    draw_curves(run, progress)
    run.write_json("result.json", summary)
    return Result(run, architecture, net, summary)


def certify(job: Job, run: RunFolder, progress: Progress) -> Json:
    """Count the costs of the delivered network anew, from its files; write certificate.json.

    Raises:
        InfeasibleBudgetError: it is over a budget, as a latency may be that is measured again.
    """
    claims = [BudgetClaim(budget.text, budget.cost.name, budget.limit, budget.relation) for budget in job.budgets]
    certificate = make_certificate(run.path, claims, _means(job, progress))
    for budget, found in zip(job.budgets, certificate["budgets"], strict=True):
        if found["met"] is False:
            limit, value = amount(budget.limit, budget.cost), amount(found["value"], budget.cost)
            cure = "was the machine busy? --resume measures it once more, `bsngraph prune` chooses another"
            raise InfeasibleBudgetError(f"the network found is over {budget.text} ({limit}): it takes {value}; {cure}")
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
    """Write probabilities.dot: the fabric with the learned Γ, itself a start for another search."""
    learned = distribution.probabilities.tolist()
    annotated = job.profile.annotated()
    edges = tuple(
        edge if edge.fixed else replace(edge, probability=round(gamma, 9)) for edge, gamma in zip(annotated.edges, learned, strict=True)
    )
    write_fabric(replace(annotated, edges=edges), run.file("probabilities.dot"))


def write_weights(job: Job, run: RunFolder, net: SuperNet) -> None:
    """Write model.safetensors: weights by edge name; normalisation and class names in the metadata."""
    tensors = {name: tensor.cpu().contiguous().clone() for name, tensor in named_weights(net).items()}
    metadata = facts_of(job.dataset).metadata()
    write_whole(run.file("model.safetensors"), _sorted_metadata(save_safetensors(tensors, metadata=metadata)))


def _sorted_metadata(model: bytes) -> bytes:
    """The same safetensors file with its metadata sorted: the library writes them in another order each time."""
    size = int.from_bytes(model[:8], "little")
    header = json.loads(model[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + model[8 + size :]


def draw_architecture(job: Job, run: RunFolder, architecture: Architecture, lines: Sequence[str], progress: Progress) -> None:
    """Write overlay.dot, and its pictures where there is a Graphviz."""
    cost = job.budgets[0].cost if job.budgets else job.costs[0]
    source = fabric_drawing(
        job.fabric,
        kept=architecture.live,
        shapes=job.profile.node_shapes,
        edge_costs=spending(job.fabric, cost, architecture).tolist(),
        cost_name=cost.name,
        caption=lines,
    )
    write_whole(run.file("overlay.dot"), source)
    try:
        for name in ("architecture.svg", "architecture.png"):
            render_dot(source, run.file(name))
    except BsngraphError as error:  # no Graphviz, or one that fails: the picture's source is there, and the result matters more
        progress.note(str(error))


def draw_curves(run: RunFolder, progress: Progress) -> None:
    """Draw metrics.jsonl, where it has rows and there is a matplotlib."""
    rows = run.read_metrics()
    try:
        with reading(run, "metrics.jsonl"):
            for name in ("curves.svg", "curves.png") if rows else ():
                render_curves(rows, run.file(name))
    except BsngraphError as error:  # as above
        progress.note(str(error))


def caption(job: Job, summary: Json, multipliers: Mapping[str, float]) -> list[str]:
    """The lines under the picture: what was kept, and each budget."""
    edges = summary["edges"]
    name = job.fabric.name or "fabric"
    headline = TASKS[summary["task"]].headline
    score = headline.shown(summary["metrics"]["test"][headline.name], 1)
    lines = [f"{name}: {edges['kept']} of {edges['searchable']} searchable edges kept, test {score}"]
    for budget in job.budgets:
        value = summary["costs"][budget.cost.name]["value"]
        share = f" ({100 * value / budget.cost.total:.1f} %)" if budget.cost.total else ""
        line = f"{budget.cost.name}: {quantity(value)} of the fabric's {quantity(budget.cost.total)}{share}, budget {budget.text}"
        multiplier = multipliers.get(budget.cost.name)
        lines.append(line if multiplier is None else f"{line}, λ {multiplier:.3g}")
    return lines


def _summary(
    job: Job,
    architecture: Architecture,
    validation: Score,
    test: Score,
    seconds: float,
    certificate: Json,
) -> Json:
    live = architecture.mask[None]
    least = cheapest_each(job.fabric, job.costs)
    costs = {cost.name: _cost_summary(cost, float(cost.of(live)[0]), least[cost.name]) for cost in job.costs}
    if "latency" in costs:  # of the network as a whole, with its 10th and 90th percentile
        whole = certificate["costs"]["latency"]
        costs["latency"] |= {"value": whole["value"], "estimated": costs["latency"]["value"], "low": whole["low"], "high": whole["high"]}
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
    return {"value": value, "unit": cost.unit, "fabric": cost.total, "cheapest": least.value, "proved": least.proved}


def _budget_summaries(budgets: Sequence[Budget], costs: Json) -> list[Json]:
    values = {budget.cost.name: costs[budget.cost.name]["value"] for budget in budgets}
    return [
        {
            "cost": budget.cost.name,
            "relation": budget.relation,
            "limit": budget.limit,
            "value": values[budget.cost.name],
            "met": budget.met(values[budget.cost.name]),
        }
        for budget in budgets
    ]
