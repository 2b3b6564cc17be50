"""Finalists: the first candidates, each trained briefly from scratch, and compared once more.

In: candidates, those that are to be trained first: the best by the shared weights, and explorers (`selection.seeded`). Out: the same,
the finalists in the order of their validation loss after that training. Shared
weights rank architectures only roughly, and fine-tuning them would keep their favourites ahead: so each begins with weights of its own,
drawn from the same seed, and sees the same batches. Their training is not carried on: what is chosen is fine-tuned from the shared
weights, as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from bsngraph.searching.job import Job
from bsngraph.searching.progress import Progress
from bsngraph.searching.randomness import derived_seed
from bsngraph.searching.run_folder import Json
from bsngraph.searching.selection import Candidate
from bsngraph.searching.training import NetTraining
from bsngraph.supernet import compile_fabric, prune

STAGE = "finalist"


def compare_finalists(
    job: Job, candidates: Sequence[Candidate], before: Json | None, keep: Callable[[Json, Json], None], progress: Progress
) -> list[Candidate]:
    """Train the job's number of finalists for `finalist_epochs` each; `keep` is called with each epoch's metrics and what resuming needs.

    `before` is what `keep` was last called with, where the run was interrupted; it counts where it is of the same finalists.

    Raises:
        RunFailedError: a loss is not finite any more.
    """
    finalists = candidates[: job.settings.finalists]
    if len(finalists) < 2:
        return list(candidates)
    live = [list(finalist.architecture.live) for finalist in finalists]
    done: Json = before if before is not None and before["live"] == live else {"live": live, "losses": [], "training": None}
    losses = [float(loss) for loss in done["losses"]]
    recipe = replace(job.recipe, epochs=job.settings.finalist_epochs)
    for number in range(len(losses), len(finalists)):
        own = compile_fabric(prune(job.profile, finalists[number].architecture), seed=derived_seed(job.seed, "weights")).to(job.device)
        training = NetTraining(own, job.dataset, recipe, job.seed, STAGE)
        if done["training"] is not None:
            training.load(done["training"])
            done = done | {"training": None}

        def after_epoch(row: Json, number: int = number, training: NetTraining = training) -> None:
            if row["epoch"] == recipe.epochs:
                losses.append(row["validation_loss"])
            state = {"live": live, "losses": list(losses), "training": None if row["epoch"] == recipe.epochs else training.state()}
            keep(row | {"finalist": number + 1}, state)

        training.run(progress, after_epoch)
    order = sorted(range(len(finalists)), key=lambda number: (losses[number], number))
    progress.note(
        f"of {len(finalists)} finalists number {order[0] + 1} by the shared weights has the smallest validation loss after training: "
        f"{losses[order[0]]:.4g}, the others up to {max(losses):.4g}"
    )
    return [*(finalists[number] for number in order), *candidates[len(finalists) :]]
