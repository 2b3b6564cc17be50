"""Training chosen networks further, before they are delivered: one, or those of a front
side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from bsngraph.errors import InputError
from bsngraph.parallel import (
    CannotBeSentError,
    Inline,
    TaskEngine,
    WorkerNotReadyError,
)
from bsngraph.profile import FabricProfile, profile_fabric
from bsngraph.runs import Json
from bsngraph.runs.checkpoint import check_tensors, decode_state
from bsngraph.runs.run_log import RunLog
from bsngraph.searching.choosing.choose import Chosen
from bsngraph.searching.deliverable import Deliverable, deliverable_of, with_weights
from bsngraph.searching.learning.learning_state import architecture_in
from bsngraph.searching.learning.search_epochs import Learning
from bsngraph.searching.prepare import Job
from bsngraph.supernet import prune, prune_net
from bsngraph.training import Progress, TrainingState, lay_out
from bsngraph.training.side_by_side import (
    TrainingGround,
    TrainingUnderWay,
    engine_for,
    open_trainers,
    train_side_by_side,
    training_seconds,
)
from bsngraph.typed_files import CURE, Count

Live = tuple[Count, ...]


@dataclass(frozen=True, eq=False)
class FineTuningState:
    """Fine-tuning between two epochs: the live edges of the network, and its training.

    Of a front `networks` are the live edges of all its networks in their order, and
    `ended` the weights of those that come before this one.
    """

    live: Live
    training: TrainingState
    networks: tuple[Live, ...] = ()
    ended: tuple[dict[str, Tensor], ...] = ()

    def to_checkpoint(self) -> dict[str, Any]:
        """Tensors and plain values only, as checkpoint.pt holds them."""
        state: dict[str, Any] = {"live": list(self.live), "training": self.training.to_checkpoint()}
        if self.networks:
            state |= {"networks": [list(each) for each in self.networks], "ended": list(self.ended)}
        return state

    @staticmethod
    def from_checkpoint(value: object, file: Path) -> FineTuningState:
        """What `to_checkpoint` gave.

        Raises:
            InputError: it is something else; the text names `file` and the place.
        """
        return decode_state(value, FineTuningState, file)


def fine_tune(
    job: Job, learned: Learning, chosen: Sequence[Chosen], log: RunLog, progress: Progress
) -> tuple[Deliverable, ...]:
    """The chosen networks, each trained for `finetune_epochs` at `finetune_rate`; as
    they are if these are none.

    Networks of a front are trained each in one thread, side by side where that pays.

    Raises:
        RunFailedError: the loss is not finite any more, or a worker died.
        InputError: the run goes on, and its checkpoint is of another network.
    """
    if not job.settings.finetune_epochs:
        return tuple(deliverable_of(job, learned.net, each, progress) for each in chosen)
    stage = _Tuning(job, learned, chosen, log, progress)
    try:
        stage.run(stage.engine())
    except (CannotBeSentError, WorkerNotReadyError) as error:
        progress.note(f"the front is fine-tuned one after another: {error}")
        stage.run(Inline())
    return stage.ready()


class _Tuning:
    """The stage under way: `ended` are the weights of the networks that are done, and
    `before` is where the next one was interrupted.
    """

    def __init__(
        self, job: Job, learned: Learning, chosen: Sequence[Chosen], log: RunLog, progress: Progress
    ) -> None:
        self.job, self.learned, self.chosen, self.log, self.progress = job, learned, chosen, log, progress
        self.several, self.epochs = len(chosen) > 1, job.settings.finetune_epochs
        recipe = replace(job.recipe, epochs=self.epochs, learning_rate=job.settings.finetune_rate)
        ground = TrainingGround(job.dataset, job.task, recipe, job.seed, "finetune", job.device)
        self.ground = ground.without_test()
        self.ended, self.before = self._interrupted()
        self.shown = self._kept()
        progress.stage("finetune", len(chosen) * self.epochs, self.shown)

    def engine(self) -> TaskEngine:
        """Where the trainings run: that of a single network here, with all threads."""
        if not self.several:
            return Inline()
        left = (self._profile(number) for number in range(len(self.ended), len(self.chosen)))
        hardware, seconds = self.job.hardware, sum(training_seconds(self.ground, each) for each in left)
        return engine_for(self.ground, seconds, hardware.workers, hardware.threads * hardware.together)

    def run(self, engine: TaskEngine) -> None:
        """Train what is left.

        Raises:
            CannotBeSentError, WorkerNotReadyError: no other process can do so.
        """
        self.shown = self._kept()
        threads = 1 if self.several else self.job.hardware.threads
        opened = open_trainers(self.ground, engine, (edge.op for edge in self.job.fabric.edges))
        with opened as workers, replace(self.job.hardware, threads=threads).in_use():
            train_side_by_side(workers, len(self.ended), self._begin, self.epochs, self._keep, self._show)

    def ready(self) -> tuple[Deliverable, ...]:
        """The networks with what they learned."""
        found = tuple(
            with_weights(self.learned.net, each.architecture, weights, "fine-tuned")
            for each, weights in zip(self.chosen, self.ended, strict=True)
        )
        for one in found:
            lay_out(one.net)
        return found

    def _interrupted(self) -> tuple[tuple[dict[str, Tensor], ...], TrainingState | None]:
        """The weights of the networks that had ended, and the training that had not."""
        saved, file = self.log.checkpoint.finetune, self.log.file
        if saved is None:
            return (), None
        state = FineTuningState.from_checkpoint(saved, file)
        if state.training.epoch < self.epochs:
            return state.ended, state.training
        whole = prune_net(self.learned.net, self.chosen[len(state.ended)].architecture)
        check_tensors(whole.state_dict(), state.training.net, file)
        return (*state.ended, state.training.net), None

    def _begin(self, number: int) -> TrainingUnderWay | None:
        if number == len(self.chosen):
            return None
        if self.several:
            self.progress.note(f"fine-tuning network {number + 1} of {len(self.chosen)} of the front …")
        start = deliverable_of(self.job, self.learned.net, self.chosen[number], self.progress)
        training = self.ground.training(start.net)
        if number == len(self.ended) and self.before is not None:
            training.load(self.before, self.log.file)
        return TrainingUnderWay(number, start.net.profile, training.state())

    def _keep(self, number: int, row: Json, training: TrainingState) -> None:
        """Write an epoch's metrics and what resuming needs."""
        networks = tuple(one.architecture.live for one in self.chosen)
        state = FineTuningState(
            networks[number], training, networks if self.several else (), ended=self.ended
        )
        more = {"network": number + 1} if self.several else {}
        search = self.learned.state().to_checkpoint()
        self.log.keep(row | more, search=search, finetune=state.to_checkpoint())
        self.before = training
        if training.epoch == self.epochs:
            self.ended, self.before = (*self.ended, training.net), None

    def _show(self, row: Json) -> None:
        """Count the epochs of all networks as those of one stage."""
        self.shown += 1
        self.progress.epoch({**row, "epoch": self.shown})

    def _kept(self) -> int:
        """How many epochs of all networks are kept."""
        return len(self.ended) * self.epochs + (0 if self.before is None else self.before.epoch)

    def _profile(self, number: int) -> FabricProfile:
        return profile_fabric(prune(self.job.profile, self.chosen[number].architecture))


def chosen_before(
    job: Job, learned: Learning, log: RunLog, alone: Iterable[Chosen]
) -> tuple[Chosen, ...] | None:
    """What had been chosen when the run was interrupted in its fine-tuning; `alone` are
    networks that have weights of their own.

    Raises:
        InputError: the checkpoint is of another fabric, or of other networks.
    """
    if log.checkpoint.finetune is None:
        return None
    file = log.file
    state = FineTuningState.from_checkpoint(log.checkpoint.finetune, file)
    networks = [architecture_in(job.fabric, live, file) for live in state.networks or (state.live,)]
    number = len(state.ended)
    if number >= len(networks) or networks[number].live != state.live:
        raise InputError(f"{file}: its networks are not those of a fine-tuning: {CURE}")
    for architecture, weights in zip(networks, state.ended, strict=False):
        check_tensors(prune_net(learned.net, architecture).state_dict(), weights, file)
    own = {each.architecture: each for each in alone}
    return tuple(own.get(each, Chosen(each)) for each in networks)
