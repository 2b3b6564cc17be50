"""Step 4, finalists: the first candidates, each trained briefly from scratch, compared
once more.

Shared weights rank architectures only roughly, and fine-tuning them would keep their
favourites ahead. So each finalist begins with weights of its own, drawn from the same
seed, and sees the same batches.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from bsngraph.errors import InputError
from bsngraph.runs import Json
from bsngraph.runs.checkpoint import check_tensors, decode_state
from bsngraph.searching.choosing.candidate import Candidate
from bsngraph.searching.prepare import Job
from bsngraph.settings import Recipe
from bsngraph.supernet import SuperNet, compile_fabric, prune
from bsngraph.training import NetTraining, Progress, TrainingState, derived_seed
from bsngraph.typed_files import CURE, Count, Finite

STAGE = "finalist"


@dataclass(frozen=True, eq=False)
class FinalistsState:
    """The finalists between two epochs: everything needed to go on exactly.

    `live` are the edges of each, in order. `losses` are the validation losses of those
    whose training ended, `weights` what the best of these learned, and `training` is
    the state of the next one, None if it has not begun.
    """

    live: tuple[tuple[Count, ...], ...]
    losses: tuple[Finite, ...] = ()
    weights: dict[str, Tensor] | None = None
    training: TrainingState | None = None

    def to_checkpoint(self) -> dict[str, Any]:
        """Tensors and plain values only, as checkpoint.pt holds them."""
        return {
            "live": [list(live) for live in self.live],
            "losses": list(self.losses),
            "weights": self.weights,
            "training": None if self.training is None else self.training.to_checkpoint(),
        }

    @staticmethod
    def from_checkpoint(value: object, file: Path) -> FinalistsState:
        """What `to_checkpoint` gave.

        Raises:
            InputError: it is something else; the text names `file` and the place.
        """
        return decode_state(value, FinalistsState, file)

    def after(self, row: Json, training: NetTraining, epochs: int) -> FinalistsState:
        """The state after an epoch of the next finalist."""
        if row["epoch"] < epochs:
            return replace(self, training=training.state())
        loss = row["validation_loss"]
        better = loss < min(self.losses, default=math.inf)
        weights = copy.deepcopy(training.net.state_dict()) if better else self.weights
        return replace(self, losses=(*self.losses, loss), weights=weights, training=None)


@dataclass(frozen=True, eq=False)
class Outcome:
    """The candidates, finalists first and best first, and what the first finalist
    learned, by the names of its own network.
    """

    candidates: list[Candidate]
    weights: Mapping[str, Tensor] | None = None


def train_finalists(
    job: Job,
    candidates: Sequence[Candidate],
    before: FinalistsState | None,
    file: Path,
    keep: Callable[[Json, FinalistsState], None],
    progress: Progress,
) -> Outcome:
    """Train the job's number of finalists for `finalist_epochs` each.

    `keep` is called with each epoch's metrics and what resuming needs. `before` is what
    it was last called with for the same finalists, read from `file`, if the run was
    interrupted.

    Raises:
        RunFailedError: a loss is not finite any more.
        InputError: `before` is of other networks.
    """
    finalists = candidates[: job.settings.finalists]
    if len(finalists) < 2 and before is None:
        return Outcome(list(candidates))
    recipe = replace(job.recipe, epochs=job.settings.finalist_epochs)
    if before is not None:
        _check_state(job, finalists, before, file)
    state = before or FinalistsState(tuple(finalist.architecture.live for finalist in finalists))
    under_way = 0 if state.training is None else state.training.epoch
    done = len(state.losses) * recipe.epochs + under_way
    together = _Together(progress, len(finalists) * recipe.epochs, done)
    for finalist in finalists[len(state.losses) :]:
        state = _trained(job, finalist, recipe, state, file, keep, together)
    losses = state.losses
    order = sorted(range(len(finalists)), key=lambda number: (losses[number], number))
    progress.note(
        f"finalist {order[0] + 1} of {len(finalists)} has the smallest validation loss after training by "
        f"itself: {losses[order[0]]:.4g}, the others up to {max(losses):.4g}"
    )
    ranked = [finalists[number] for number in order]
    return Outcome([*ranked, *candidates[len(finalists) :]], state.weights)


def _trained(
    job: Job,
    finalist: Candidate,
    recipe: Recipe,
    state: FinalistsState,
    file: Path,
    keep: Callable[[Json, FinalistsState], None],
    progress: Progress,
) -> FinalistsState:
    """The state after the training of the next finalist."""
    net = _network_of(job, finalist)
    training = NetTraining(net, job.dataset, recipe, job.seed, STAGE)
    if state.training is not None:
        training.load(state.training, file)
    states = [state]

    def after_epoch(row: Json) -> None:
        states.append(state.after(row, training, recipe.epochs))
        keep(row | {"finalist": len(state.losses) + 1}, states[-1])

    training.run(progress, after_epoch)
    return states[-1]


def _network_of(job: Job, finalist: Candidate) -> SuperNet:
    """The finalist's network, with weights of its own."""
    pruned = prune(job.profile, finalist.architecture)
    return compile_fabric(pruned, seed=derived_seed(job.seed, "weights")).to(job.device)


def _check_state(job: Job, finalists: Sequence[Candidate], state: FinalistsState, file: Path) -> None:
    """Raise where the state that `file` held is not one of these finalists."""
    done = len(state.losses)
    if len(finalists) < 2 or done > len(finalists) or (state.weights is None) != (done == 0):
        raise InputError(f"{file}: its finalists are not those of a search: {CURE}")
    if state.weights is not None:
        best = finalists[state.losses.index(min(state.losses))]
        check_tensors(_network_of(job, best).state_dict(), state.weights, file)


class _Together:
    """Shows the trainings of all finalists as one stage."""

    def __init__(self, progress: Progress, epochs: int, done: int) -> None:
        self.progress, self.done = progress, done
        progress.stage("finalists", epochs, done)

    def stage(self, name: str, epochs: int, done: int) -> None:
        """Each training begins a stage; theirs began before the first."""

    def epoch(self, row: Mapping[str, Any]) -> None:
        """An epoch of one of them."""
        self.done += 1
        self.progress.epoch({**row, "epoch": self.done})

    def note(self, text: str) -> None:
        """Passed on."""
        self.progress.note(text)
