"""The stage of finalists: each is trained from scratch for `finalist_epochs`.

Which ones come next is decided from what the others gave.

Shared weights rank architectures only roughly, and going on from them would keep their
favourites ahead. So each finalist begins with weights of its own, drawn from the same
seed or given by the user's file, and sees the same batches.

The first finalists are known at once. Each further one is decided on as soon as all but
`BELIEVED` of those before it are trained, as if these had given what is expected of
them (the "kriging believer" of Ginsbourger, Le Riche and Carraro 2010). So no training
waits for another one that goes on beside it, and what is decided, like what is learned
in one thread, does not depend on the workers.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

from bsngraph.errors import InputError
from bsngraph.fabric import Architecture
from bsngraph.parallel import (
    CannotBeSentError,
    Inline,
    TaskEngine,
    WorkerNotReadyError,
    server_ahead,
)
from bsngraph.profile import FabricProfile, profile_fabric
from bsngraph.runs import Json
from bsngraph.runs.checkpoint import check_tensors
from bsngraph.searching.choosing.finalists.contenders import Contenders
from bsngraph.searching.choosing.finalists.finalists_state import Finalist, FinalistsState
from bsngraph.searching.choosing.measure_whole import measures_whole
from bsngraph.searching.learning.given_weights import take_weights
from bsngraph.searching.prepare import Job
from bsngraph.supernet import SuperNet, compile_fabric, prune
from bsngraph.training import Progress, TrainingState, derived_seed
from bsngraph.training.side_by_side import (
    TRAINING_MODULES,
    TrainingGround,
    TrainingUnderWay,
    engine_for,
    open_trainers,
    train_side_by_side,
    training_seconds,
)
from bsngraph.typed_files import CURE

STAGE = "finalist"
Next = Callable[[Contenders, FinalistsState], tuple[Contenders, Finalist | None]]

# The weights of the best so many are kept, for the one of them that is chosen.
KEPT = 3

# How many finalists before the one that is decided on may still be in training.
BELIEVED = 1


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
        RunFailedError: a loss is not finite any more, or a worker died.
        InputError: `state` is of other networks.
    """
    _check_state(job, state, file)
    stage = _Stage(job, contenders, state, following, file, keep, progress)
    try:
        stage.run(stage.engine())
    except (CannotBeSentError, WorkerNotReadyError) as error:
        progress.note(f"finalists are trained one after another: {error}")
        stage.run(Inline())
    return stage.state


def workers_ready(job: Job) -> AbstractContextManager[None]:
    """As long as the block lasts, workers of the job's finalists are copies of a server
    that begins to import now, while the search learns, if they are worth having.

    Nothing begins where networks are measured whole: that needs a machine at rest.
    """
    hardware, ground = job.hardware, _ground(job)
    most = job.settings.finalists * training_seconds(ground, job.profile)
    engine = engine_for(ground, most, hardware.workers, hardware.threads * hardware.together)
    if isinstance(engine, Inline) or job.settings.finalists < 2 or measures_whole(job):
        return nullcontext()
    return server_ahead(TRAINING_MODULES)


def network_of(job: Job, finalist: Finalist) -> SuperNet:
    """A finalist's network, with fresh weights of its own, or those that were given for
    its edges.
    """
    net = compile_fabric(_profile(job, finalist), seed=derived_seed(job.seed, "weights")).to(job.device)
    take_weights(net, job.given_weights)
    return net


class _Stage:
    """The stage under way: `state` is how far it has come."""

    def __init__(
        self,
        job: Job,
        contenders: Contenders,
        state: FinalistsState,
        following: Next,
        file: Path,
        keep: Callable[[Json, FinalistsState], None],
        progress: Progress,
    ) -> None:
        self.job, self.contenders, self.state, self.following = job, contenders, state, following
        self.file, self.keep, self.progress = file, keep, progress
        self.count, self.epochs = job.settings.finalists, job.settings.finalist_epochs
        self.measures = measures_whole(job)
        self.ground = _ground(job)
        self.ended = self._kept()
        progress.stage("finalists", self.count * self.epochs, self.ended)

    def engine(self) -> TaskEngine:
        """Where the trainings run."""
        each = [training_seconds(self.ground, _profile(self.job, one)) for one in self.state.finalists]
        left = sum(each) / len(each) * (self.count - len(self.state.results))
        hardware = self.job.hardware
        return engine_for(self.ground, left, hardware.workers, hardware.threads * hardware.together)

    def run(self, engine: TaskEngine) -> None:
        """Train what is left.

        Raises:
            CannotBeSentError, WorkerNotReadyError: no other process can do so.
        """
        self.ended = self._kept()
        self._decide()
        opened = open_trainers(self.ground, engine, (edge.op for edge in self.job.fabric.edges))
        with opened as workers, replace(self.job.hardware, threads=1).in_use():
            first = len(self.state.results)
            train_side_by_side(workers, first, self._begin, self.epochs, self._keep, self._show)

    def _decide(self) -> None:
        """Decide on the finalists whose turn it is, or as many as there are networks.

        What is measured whole is decided on when nothing else runs.
        """
        trained = len(self.state.results)
        if not trained or (self.measures and trained < len(self.state.finalists)):
            return
        while len(self.state.finalists) < min(trained + BELIEVED + 1, self.count):
            believing = self.contenders.believing(self.state)
            self.contenders, found = self.following(self.contenders, believing)
            if found is None:
                return
            self.state = self.state.with_next(found)

    def _begin(self, number: int) -> TrainingUnderWay | None:
        if number >= len(self.state.finalists):
            return None
        training = self.ground.training(network_of(self.job, self.state.finalists[number]))
        if number == len(self.state.results) and self.state.training is not None:
            training.load(self.state.training, self.file)
        return TrainingUnderWay(number, training.net.profile, training.state())

    def _keep(self, number: int, row: Json, training: TrainingState) -> None:
        after = self.state.after(row, training, self.epochs)
        if training.epoch == self.epochs:
            # nothing else has weights where nothing was learned
            leaders = KEPT if self.job.learns else len(after.results)
            after = after.keeping(self.contenders.worth_keeping(after, leaders))
        self.state = after
        self.keep(row | {"finalist": number + 1}, after)
        if after.training is None:
            self._decide()

    def _show(self, row: Json) -> None:
        """Count the epochs of all trainings as those of one stage."""
        self.ended += 1
        self.progress.epoch({**row, "epoch": self.ended})

    def _kept(self) -> int:
        """How many epochs of all trainings are kept."""
        begun = 0 if self.state.training is None else self.state.training.epoch
        return len(self.state.results) * self.epochs + begun


def _ground(job: Job) -> TrainingGround:
    """What the trainings of finalists share."""
    recipe = replace(job.recipe, epochs=job.settings.finalist_epochs)
    return TrainingGround(job.dataset, job.task, recipe, job.seed, STAGE, job.device).without_test()


def _profile(job: Job, finalist: Finalist) -> FabricProfile:
    """The shapes and counts of a finalist's network."""
    return profile_fabric(prune(job.profile, Architecture(len(job.fabric.edges), finalist.live)))


def _check_state(job: Job, state: FinalistsState, file: Path) -> None:
    """Raise where the state that `file` held is not one of these networks."""
    done = len(state.results)
    begun = 0 if state.training is None else state.training.epoch
    if not (
        done <= len(state.finalists) <= max(job.settings.finalists, done)
        and begun < job.settings.finalist_epochs
    ):
        raise InputError(f"{file}: its finalists are not those of a search: {CURE}")
    for number, weights in state.weights.items():
        if not (number.isdecimal() and int(number) < done):
            raise InputError(f"{file}: its finalists are not those of a search: {CURE}")
        check_tensors(network_of(job, state.finalists[int(number)]).state_dict(), weights, file)
