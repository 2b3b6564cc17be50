"""The second half of a search: choose the architecture, fine-tune it, deliver it.

In: what a search learned, θ and Γ. Out: the run's result. Choosing reads as: propose
candidates inside the budgets → rank them by the shared weights → measure whole what a
latency budget asks for → train the finalists.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from bsngraph.costs import Budget
from bsngraph.errors import InfeasibleBudgetError
from bsngraph.fabric import Architecture
from bsngraph.runs import RunFolder
from bsngraph.runs.run_log import RunLog
from bsngraph.searching.choosing.finalists import compare_finalists
from bsngraph.searching.choosing.measure_whole import confirm, none_measured_inside
from bsngraph.searching.choosing.oracle import ask_oracle
from bsngraph.searching.choosing.propose import explore, propose
from bsngraph.searching.choosing.rank import Candidate, choose, judge, with_explorers
from bsngraph.searching.delivering.deliver import deliver
from bsngraph.searching.delivering.result import Result
from bsngraph.searching.learning.search_learning import Learning
from bsngraph.searching.prepare import Job
from bsngraph.supernet import SuperNet, prune_net
from bsngraph.training import NetTraining, Progress, evaluate_net, generator_for, recompute_batch_norm
from bsngraph.whole_files import write_whole

# How often candidates are proposed, again under a lower limit when most of those
# measured whole were over a latency budget.
_CONFIRMATIONS = 4


def choose_and_deliver(
    job: Job, run: RunFolder, learning: Learning, log: RunLog, progress: Progress, *, oracle: bool = False
) -> Result:
    """The second half of a search: architecture, fine-tuning, delivery."""
    before = log.state.get("finetune")
    chosen = (
        _Chosen(Architecture(len(job.fabric.edges), tuple(before["live"])))
        if before
        else _choose(job, learning, log, progress)
    )
    architecture = chosen.architecture
    if oracle and not before:
        _ask_oracle(job, run, learning, architecture, progress)
    net = _start(job, learning, chosen, progress)
    if job.settings.finetune_epochs:
        recipe = replace(
            job.recipe, epochs=job.settings.finetune_epochs, learning_rate=job.settings.finetune_rate
        )
        tuning = NetTraining(net, job.dataset, recipe, job.seed, "finetune")
        if before:
            tuning.load(before)
        live = list(architecture.live)
        tuning.run(
            progress,
            lambda row: log.keep(row, search=learning.state(), finetune={"live": live, **tuning.state()}),
        )
    return deliver(
        job, run, architecture, net, log.seconds(), progress, multipliers=learning.multipliers.by_name()
    )


@dataclass(frozen=True)
class _Chosen:
    """The architecture, and what it learned as a finalist by itself."""

    architecture: Architecture
    weights: Mapping[str, Tensor] | None = None


def _start(job: Job, learning: Learning, chosen: _Chosen, progress: Progress) -> SuperNet:
    """The chosen network with the shared weights or, where these are better on
    validation data, with those that it learned by itself.
    """
    net = prune_net(learning.net, chosen.architecture)
    everything = np.ones(len(net.fabric.edges), dtype=np.bool_)
    recompute_batch_norm(net, job.dataset, everything)
    if chosen.weights is None:
        return net
    own = copy.deepcopy(net)
    own.load_state_dict(chosen.weights)
    shared_loss, own_loss = (
        evaluate_net(each, job.dataset, job.dataset.validation, everything, job.task).loss
        for each in (net, own)
    )
    better = "the weights that it learned as a finalist" if own_loss < shared_loss else "the shared weights"
    least, most = sorted((shared_loss, own_loss))
    progress.note(f"it goes on from {better}: validation loss {least:.4g}, with the others {most:.4g}")
    return own if own_loss < shared_loss else net


def _choose(job: Job, learning: Learning, log: RunLog, progress: Progress) -> _Chosen:
    progress.note("choosing the architecture on validation data …")
    # candidates replace its BatchNorm statistics
    net, before = copy.deepcopy(learning.net), log.state.get("finalists")
    if before is None:
        candidates = _candidates(job, learning, net, progress)
    else:
        finalists = [Architecture(len(job.fabric.edges), tuple(live)) for live in before["live"]]
        candidates = [judge(net, job.dataset, finalist, job.task) for finalist in finalists]
    outcome = compare_finalists(
        job,
        candidates,
        before,
        lambda row, state: log.keep(row, search=learning.state(), finalists=state),
        progress,
    )
    best = outcome.candidates[0]
    progress.note(
        f"chose the best of {len(outcome.candidates)} architectures inside the budget by validation loss: "
        f"{len(set(best.architecture.live) & set(job.fabric.searchable))} of {len(job.fabric.searchable)} "
        "searchable edges, "
        f"validation {best.score.shown(1)} with the shared weights"
    )
    return _Chosen(best.architecture, outcome.weights)


def _candidates(job: Job, learning: Learning, net: SuperNet, progress: Progress) -> list[Candidate]:
    """What may be chosen, finalists first. Under a budget on latency all of it was
    measured whole.

    Raises:
        InfeasibleBudgetError: no sub-network is inside the budgets, or none was
            measured inside.
    """
    wanted = max(job.settings.finalists, 1)
    budgets: Sequence[Budget] = job.budgets
    found: dict[Architecture, Candidate] = {}
    measured_ms: dict[Architecture, float] = {}
    for number in range(_CONFIRMATIONS):
        generator = generator_for(job.seed, "candidates", *([number] if number else []))
        try:
            proposals = propose(
                learning.distribution,
                net,
                budgets,
                job.settings.candidates,
                generator,
                learning.incumbent.architecture,
            )
        except InfeasibleBudgetError:
            if measured_ms:  # the limit that nothing is inside is a lowered one
                break
            raise
        ranked = choose(net, job.dataset, proposals, budgets, job.task, rounds=job.settings.neighbour_rounds)
        afresh = explore(learning.distribution, net, budgets, job.settings.explorers, generator)
        explorers = [judge(net, job.dataset, other, job.task) for other in afresh]
        candidates = with_explorers(ranked, explorers, job.settings.finalists)
        new = [candidate for candidate in candidates if candidate.architecture not in measured_ms]
        confirmation = confirm(job, net, budgets, new, wanted - len(found), progress)
        found |= {candidate.architecture: candidate for candidate in confirmation.inside}
        measured_ms |= confirmation.measured_ms
        if confirmation.tightened is None or len(found) >= wanted:
            break
        budgets = confirmation.tightened
    if not found:
        raise InfeasibleBudgetError(none_measured_inside(job.budgets, min(measured_ms.values())))
    return list(found.values())


def _ask_oracle(
    job: Job, run: RunFolder, learning: Learning, chosen: Architecture, progress: Progress
) -> None:
    """Write oracle.csv and oracle.json: every sub-network by the shared weights, and
    what the choice misses.
    """
    progress.note("judging every sub-network with the shared weights …")
    found = ask_oracle(learning.net, job.dataset, job.budgets, job.costs, job.task)
    summary = found.summary(chosen)
    write_whole(run.file("oracle.csv"), found.to_csv())
    run.write_json("oracle.json", summary)
    progress.note(
        f"of {summary['sub_networks']} sub-networks {summary['inside']} are inside the budgets; with the "
        "shared weights the choice is "
        f"number {summary['chosen']['rank']} of them: loss {summary['chosen']['validation']['loss']:.4g}, "
        "the best has "
        f"{summary['best']['validation']['loss']:.4g}"
    )
