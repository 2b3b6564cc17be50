"""The stage of learning: from the fabric's fresh weights, or from where a run was
interrupted, to θ and Γ as the recipe's epochs leave them.
"""

from __future__ import annotations

from dataclasses import replace

from bsngraph.fabric import Architecture, write_fabric
from bsngraph.runs import Json, RunFolder
from bsngraph.runs.run_log import RunLog
from bsngraph.searching.learning.given_weights import take_weights
from bsngraph.searching.learning.learning_state import LearningState
from bsngraph.searching.learning.search_epochs import Learning
from bsngraph.searching.learning.warm_start import WarmStart
from bsngraph.searching.prepare import Job
from bsngraph.supernet import compile_fabric, prune
from bsngraph.training import Progress, derived_seed


def learn(
    job: Job,
    run: RunFolder,
    log: RunLog,
    known: Architecture | None,
    before: WarmStart | None,
    progress: Progress,
) -> Learning:
    """Learn to the end of the recipe; every epoch is kept in the run folder.

    `known` is an architecture inside the budgets, `before` what another search learned.

    Raises:
        RunFailedError: the loss is not finite any more.
        InputError: the run goes on, and its checkpoint is of another search.
    """
    learning = new_learning(job, known)
    take_weights(learning.net, job.given_weights)
    if before is not None:
        learning.start_from(before)
    if log.checkpoint.search is not None:
        learning.load(LearningState.from_checkpoint(log.checkpoint.search, log.file), log.file)

    def keep(row: Json) -> None:
        best = learning.incumbent.architecture
        if best is not None:
            write_fabric(prune(job.profile, best), run.file("incumbent.dot"))
        log.keep(row, search=learning.state().to_checkpoint())

    learning.run(progress, keep)
    write_probabilities(job, run, learning)
    return learning


def new_learning(job: Job, known: Architecture | None) -> Learning:
    """A search that has not begun, its weights drawn from the seed."""
    net = compile_fabric(job.profile, seed=derived_seed(job.seed, "weights")).to(job.device)
    return Learning(net, job.dataset, job.budgets, job.costs, job.recipe, job.settings, job.seed, known)


def write_probabilities(job: Job, run: RunFolder, learned: Learning) -> None:
    """Write probabilities.dot, the fabric with the learned Γ: a start for a search."""
    gamma = learned.gamma.at(job.budgets.limits[:, None]).probabilities.tolist()
    annotated = job.profile.annotated()
    edges = tuple(
        edge if edge.fixed else replace(edge, probability=round(probability, 9))
        for edge, probability in zip(annotated.edges, gamma, strict=True)
    )
    write_fabric(replace(annotated, edges=edges), run.file("probabilities.dot"))
