"""Finalists: the first candidates, each trained briefly from scratch, and compared once
more.

In: candidates, those that are to be trained first: the best by the shared weights, and
explorers. Out: the same, the finalists in the order of their validation loss after that
training, and the weights of the first. Shared weights rank architectures only roughly,
and fine-tuning them would keep their favourites ahead: so each begins with weights of
its own, drawn from the same seed, and sees the same batches.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from bsngraph.runs import Json
from bsngraph.searching.choosing.rank import Candidate
from bsngraph.searching.prepare import Job
from bsngraph.supernet import compile_fabric, prune
from bsngraph.training import NetTraining, Progress, derived_seed

STAGE = "finalist"


@dataclass(frozen=True)
class Outcome:
    """The candidates, finalists first and best first, and what the first finalist
    learned, by the names of its own network.
    """

    candidates: list[Candidate]
    weights: Mapping[str, Tensor] | None = None


def compare_finalists(
    job: Job,
    candidates: Sequence[Candidate],
    before: Json | None,
    keep: Callable[[Json, Json], None],
    progress: Progress,
) -> Outcome:
    """Train the job's number of finalists for `finalist_epochs` each; `keep` is called
    with each epoch's metrics and what resuming needs.

    `before` is what `keep` was last called with for the same finalists, where the run
    was interrupted.

    Raises:
        RunFailedError: a loss is not finite any more.
    """
    finalists = candidates[: job.settings.finalists]
    if len(finalists) < 2:
        return Outcome(list(candidates))
    live = [list(finalist.architecture.live) for finalist in finalists]
    done = before or {"live": live, "losses": [], "weights": None, "training": None}
    losses, weights = [float(loss) for loss in done["losses"]], done["weights"]
    recipe = replace(job.recipe, epochs=job.settings.finalist_epochs)
    under_way = done["training"]["epoch"] if done["training"] is not None else 0
    together = _Together(progress, len(finalists) * recipe.epochs, len(losses) * recipe.epochs + under_way)
    for number in range(len(losses), len(finalists)):
        own = compile_fabric(
            prune(job.profile, finalists[number].architecture), seed=derived_seed(job.seed, "weights")
        ).to(job.device)
        training = NetTraining(own, job.dataset, recipe, job.seed, STAGE)
        if done["training"] is not None:
            training.load(done["training"])
            done = done | {"training": None}

        def after_epoch(row: Json, number: int = number, training: NetTraining = training) -> None:
            nonlocal weights
            ended = row["epoch"] == recipe.epochs
            if ended:
                if row["validation_loss"] < min(losses, default=math.inf):
                    weights = copy.deepcopy(training.net.state_dict())
                losses.append(row["validation_loss"])
            state = {
                "live": live,
                "losses": list(losses),
                "weights": weights,
                "training": None if ended else training.state(),
            }
            keep(row | {"finalist": number + 1}, state)

        training.run(together, after_epoch)
    order = sorted(range(len(finalists)), key=lambda number: (losses[number], number))
    progress.note(
        f"finalist {order[0] + 1} of {len(finalists)} has the smallest validation loss after training by "
        "itself: "
        f"{losses[order[0]]:.4g}, the others up to {max(losses):.4g}"
    )
    return Outcome([*(finalists[number] for number in order), *candidates[len(finalists) :]], weights)


class _Together:
    """Shows the trainings of all finalists as one stage."""

    def __init__(self, progress: Progress, epochs: int, done: int) -> None:
        self.progress, self.done = progress, done
        progress.stage("finalists", epochs, done)

    def stage(self, name: str, epochs: int, done: int) -> None:
        """Each training has its own; theirs began before the first."""

    def epoch(self, row: Mapping[str, Any]) -> None:
        """An epoch of one of them."""
        self.done += 1
        self.progress.epoch({**row, "epoch": self.done})

    def note(self, text: str) -> None:
        """Passed on."""
        self.progress.note(text)
