"""The stage of finalists: each is trained from scratch for `finalist_epochs`; which one
comes next is decided from what the others gave.

Shared weights rank architectures only roughly, and going on from them would keep their
favourites ahead. So each finalist begins with weights of its own, drawn from the same
seed, and sees the same batches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bsngraph.errors import InputError
from bsngraph.fabric import Architecture
from bsngraph.runs import Json
from bsngraph.runs.checkpoint import check_tensors
from bsngraph.searching.choosing.finalists.contenders import Contenders
from bsngraph.searching.choosing.finalists.finalists_state import Finalist, FinalistsState
from bsngraph.searching.prepare import Job
from bsngraph.supernet import SuperNet, compile_fabric, prune
from bsngraph.training import NetTraining, Progress, derived_seed
from bsngraph.typed_files import CURE

STAGE = "finalist"
Next = Callable[[Contenders, FinalistsState], tuple[Contenders, Finalist | None]]

# The weights of the best so many are kept, for the one of them that is chosen.
KEPT = 3


def train_finalists(
    job: Job,
    contenders: Contenders,
    state: FinalistsState,
    following: Next,
    file: Path,
    keep: Callable[[Json, FinalistsState], None],
    progress: Progress,
) -> FinalistsState:
    """Train the job's number of finalists, or as many as there are networks.

    `state` holds those to begin with, or is where a run was interrupted, read from
    `file`. `following` decides on each further one, and on who may still become one.
    `keep` is called with each epoch's metrics and what resuming needs.

    Raises:
        RunFailedError: a loss is not finite any more.
        InputError: `state` is of other networks.
    """
    _check_state(job, state, file)
    count, epochs = job.settings.finalists, job.settings.finalist_epochs
    under_way = 0 if state.training is None else state.training.epoch
    together = _Together(progress, count * epochs, len(state.results) * epochs + under_way)
    while len(state.results) < count:
        if len(state.finalists) == len(state.results):
            contenders, found = following(contenders, state)
            if found is None:
                break
            state = state.with_next(found)
        state = _trained(job, contenders, state, file, keep, together)
    return state


def network_of(job: Job, finalist: Finalist) -> SuperNet:
    """A finalist's network, with fresh weights of its own."""
    pruned = prune(job.profile, Architecture(len(job.fabric.edges), finalist.live))
    return compile_fabric(pruned, seed=derived_seed(job.seed, "weights")).to(job.device)


def _trained(
    job: Job,
    contenders: Contenders,
    state: FinalistsState,
    file: Path,
    keep: Callable[[Json, FinalistsState], None],
    progress: Progress,
) -> FinalistsState:
    """The state after the training of the last finalist that was decided on."""
    number = len(state.results)
    recipe = replace(job.recipe, epochs=job.settings.finalist_epochs)
    training = NetTraining(network_of(job, state.finalists[number]), job.dataset, recipe, job.seed, STAGE)
    if state.training is not None:
        training.load(state.training, file)
    states = [state]

    def after_epoch(row: Json) -> None:
        after = state.after(row, training)
        if len(after.results) > number:
            after = after.keeping(contenders.worth_keeping(after, KEPT))
        states.append(after)
        keep(row | {"finalist": number + 1}, after)

    training.run(progress, after_epoch)
    return states[-1]


def _check_state(job: Job, state: FinalistsState, file: Path) -> None:
    """Raise where the state that `file` held is not one of these networks."""
    done = len(state.results)
    if not done <= len(state.finalists) <= max(job.settings.finalists, done):
        raise InputError(f"{file}: its finalists are not those of a search: {CURE}")
    for number, weights in state.weights.items():
        if not (number.isdecimal() and int(number) < done):
            raise InputError(f"{file}: its finalists are not those of a search: {CURE}")
        check_tensors(network_of(job, state.finalists[int(number)]).state_dict(), weights, file)


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
