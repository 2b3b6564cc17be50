"""The second half of a search: choose the architecture, fine-tune it, deliver it.

In: what a search learned, θ and Γ. Out: the run's result. Choosing reads as: propose candidates inside the budgets → rank them by the
shared weights → train the finalists → measure whole what a latency budget asks for.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from bsngraph.costs import Budget
from bsngraph.errors import InfeasibleBudgetError
from bsngraph.fabric import Architecture
from bsngraph.fabric.atomic import write_whole
from bsngraph.searching.confirmation import confirm, none_measured_inside
from bsngraph.searching.delivery import Result, deliver
from bsngraph.searching.evaluation import evaluate_net, recompute_batch_norm
from bsngraph.searching.finalists import compare_finalists
from bsngraph.searching.job import Job
from bsngraph.searching.learning import Learning
from bsngraph.searching.oracle import ask_oracle
from bsngraph.searching.progress import Progress
from bsngraph.searching.randomness import generator_for
from bsngraph.searching.run_folder import RunFolder
from bsngraph.searching.run_log import RunLog
from bsngraph.searching.selection import choose, explore, judge, propose, with_explorers
from bsngraph.searching.training import NetTraining
from bsngraph.supernet import SuperNet, prune_net

# How often candidates are proposed again under a lower limit, when those measured whole were over a latency budget.
_CONFIRMATIONS = 4


def choose_and_deliver(job: Job, run: RunFolder, learning: Learning, log: RunLog, progress: Progress, *, oracle: bool = False) -> Result:
    """The second half of a search: architecture, fine-tuning, delivery."""
    before = log.state.get("finetune")
    chosen = _Chosen(Architecture(len(job.fabric.edges), tuple(before["live"]))) if before else _choose(job, learning, log, progress)
    architecture = chosen.architecture
    if oracle and not before:
        _ask_oracle(job, run, learning, architecture, progress)
    net = _start(job, learning, chosen, progress)
    if job.settings.finetune_epochs:
        recipe = replace(job.recipe, epochs=job.settings.finetune_epochs, learning_rate=job.settings.finetune_rate)
        tuning = NetTraining(net, job.dataset, recipe, job.seed, "finetune")
        if before:
            tuning.load(before)
        live = list(architecture.live)
        tuning.run(progress, lambda row: log.keep(row, search=learning.state(), finetune={"live": live, **tuning.state()}))
    return deliver(job, run, architecture, net, log.seconds(), progress, multipliers=learning.multipliers.by_name())


@dataclass(frozen=True)
class _Chosen:
    """The architecture, and what it learned as a finalist by itself."""

    architecture: Architecture
    weights: Mapping[str, Tensor] | None = None


def _start(job: Job, learning: Learning, chosen: _Chosen, progress: Progress) -> SuperNet:
    """The chosen network with the shared weights or, where these are better on validation data, with those that it learned by itself."""
    net = prune_net(learning.net, chosen.architecture)
    everything = np.ones(len(net.fabric.edges), dtype=np.bool_)
    recompute_batch_norm(net, job.dataset, everything)
    if chosen.weights is None:
        return net
    own = copy.deepcopy(net)
    own.load_state_dict(chosen.weights)
    shared_loss, own_loss = (evaluate_net(each, job.dataset, job.dataset.validation, everything, job.task).loss for each in (net, own))
    better = "the weights that it learned as a finalist" if own_loss < shared_loss else "the shared weights"
    least, most = sorted((shared_loss, own_loss))
    progress.note(f"it goes on from {better}: validation loss {least:.4g}, with the others {most:.4g}")
    return own if own_loss < shared_loss else net


def _choose(job: Job, learning: Learning, log: RunLog, progress: Progress) -> _Chosen:
    progress.note("choosing the architecture on validation data …")
    net = copy.deepcopy(learning.net)  # candidates replace its BatchNorm statistics
    budgets: Sequence[Budget] = job.budgets
    fastest_ms = math.inf
    for number in range(_CONFIRMATIONS):
        generator = generator_for(job.seed, "candidates", *([number] if number else []))
        known = learning.incumbent.architecture
        try:
            proposals = propose(learning.distribution, net, budgets, job.settings.candidates, generator, known)
        except InfeasibleBudgetError:
            if fastest_ms < math.inf:  # the limit that nothing is inside is a lowered one
                break
            raise
        ranked = choose(net, job.dataset, proposals, budgets, job.task, rounds=job.settings.neighbour_rounds)
        afresh = explore(learning.distribution, net, budgets, job.settings.explorers, generator)
        outcome = compare_finalists(
            job,
            with_explorers(ranked, [judge(net, job.dataset, other, job.task) for other in afresh], job.settings.finalists),
            log.state.get("finalists"),
            lambda row, state: log.keep(row, search=learning.state(), finalists=state),
            progress,
        )
        confirmation = confirm(job, net, budgets, outcome.candidates, progress)
        if confirmation.chosen is not None:
            best = confirmation.chosen
            progress.note(
                f"chose the best of {len(outcome.candidates)} architectures inside the budget by validation loss: "
                f"{len(set(best.architecture.live) & set(job.fabric.searchable))} of {len(job.fabric.searchable)} searchable edges, "
                f"validation {best.score.shown(1)} with the shared weights"
            )
            return _Chosen(best.architecture, outcome.weights if best is outcome.candidates[0] else None)
        fastest_ms = min(fastest_ms, *confirmation.measured_ms)
        budgets = confirmation.tightened
    raise InfeasibleBudgetError(none_measured_inside(job.budgets, fastest_ms))


def _ask_oracle(job: Job, run: RunFolder, learning: Learning, chosen: Architecture, progress: Progress) -> None:
    """Write oracle.csv and oracle.json: every sub-network by the shared weights, and what the choice misses."""
    progress.note("judging every sub-network with the shared weights …")
    found = ask_oracle(learning.net, job.dataset, job.budgets, job.costs, job.task)
    summary = found.summary(chosen)
    write_whole(run.file("oracle.csv"), found.to_csv())
    run.write_json("oracle.json", summary)
    progress.note(
        f"of {summary['sub_networks']} sub-networks {summary['inside']} are inside the budgets; with the shared weights the choice is "
        f"number {summary['chosen']['rank']} of them: loss {summary['chosen']['validation']['loss']:.4g}, the best has "
        f"{summary['best']['validation']['loss']:.4g}"
    )
