"""The stage of learning: from the fabric's fresh weights, or from where a run was
interrupted, to θ and Γ as the recipe's epochs leave them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bsngraph.fabric import Architecture, write_fabric
from bsngraph.runs import Json, RunFolder
from bsngraph.runs.run_log import RunLog
from bsngraph.searching.learning.given_weights import take_weights
from bsngraph.searching.learning.learning_state import LearningState
from bsngraph.searching.learning.search_epochs import Learning
from bsngraph.searching.learning.warm_start import WarmStart
from bsngraph.searching.prepare import Job
from bsngraph.supernet import compile_fabric, prune
from bsngraph.training import Progress, Silent, derived_seed
from bsngraph.training.shards.team import ALONE, Team


def learn(
    job: Job,
    run: RunFolder,
    log: RunLog,
    known: Architecture | None,
    before: WarmStart | None,
    progress: Progress,
    team: Team = ALONE,
) -> Learning:
    """Learn to the end of the recipe; every epoch is kept in the run folder.

    `known` is an architecture inside the budgets, `before` what another search learned.
    The other processes of `team` are in `learn_along`.

    Raises:
        RunFailedError: the loss is not finite any more, or another process ended.
        InputError: the run goes on, and its checkpoint is of another search.
    """
    learning = new_learning(job, known, team)
    take_weights(learning.net, job.given_weights)
    if before is not None:
        learning.start_from(before)
    if log.checkpoint.search is not None:
        learning.load(LearningState.from_checkpoint(log.checkpoint.search, log.file), log.file)

    team.from_first((learning.state(), learning.starts))

    def keep(row: Json) -> None:
        best = learning.incumbent.architecture
        if best is not None:
            write_fabric(prune(job.profile, best), run.file("incumbent.dot"))
        log.keep(row, search=learning.state().to_checkpoint())

    learning.run(progress, keep)
    write_probabilities(job, run, learning)
    return learning


def learn_along(job: Job, team: Team) -> Learning:
    """Take part in what the first process of `team` learns, from where that begins.

    Raises:
        RunFailedError: another process ended.
    """
    learning = new_learning(job, None, team)
    state, learning.starts = team.from_first()
    learning.load(state, Path("the first process"))
    learning.run(Silent(), lambda row: None)
    return learning


def new_learning(job: Job, known: Architecture | None, team: Team = ALONE) -> Learning:
    """A search that has not begun, its weights drawn from the seed."""
    net = compile_fabric(job.profile, seed=derived_seed(job.seed, "weights")).to(job.device)
    return Learning(net, job.dataset, job.budgets, job.costs, job.recipe, job.settings, job.seed, known, team)


def write_probabilities(job: Job, run: RunFolder, learned: Learning) -> None:
    """Write probabilities.dot, the fabric with the learned Γ: a start for a search.
    Where nothing was learned there is none.
    """
    if not job.learns:
        return
    gamma = learned.gamma.at(job.budgets.limits[:, None]).probabilities.tolist()
    annotated = job.profile.annotated()
    edges = tuple(
        edge if edge.fixed else replace(edge, probability=round(probability, 9))
        for edge, probability in zip(annotated.edges, gamma, strict=True)
    )
    write_fabric(replace(annotated, edges=edges), run.file("probabilities.dot"))
