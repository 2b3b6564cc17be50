"""Several trainings at once, each in one thread: the same bits whatever the number of
workers.

A task is one epoch of one training: its state goes in; the state after it and its
metrics come out. So a worker holds nothing that would be lost with it, and any worker
can go on with any training. Epochs are kept in the order of one training after the
other, whichever ended first.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import torch

from bsngraph.data import Dataset
from bsngraph.ops.user_code.code_again import load_missing, sendable_code
from bsngraph.parallel import Inline, Processes, TaskEngine, Workers, open_workers, usable_cores
from bsngraph.profile import FabricProfile
from bsngraph.runs import Json
from bsngraph.settings import Recipe
from bsngraph.supernet import SuperNet, compile_fabric
from bsngraph.tasks import Task
from bsngraph.training.net_training import NetTraining, TrainingState

# What a process imports to train: this module, and what torch's optimizers load late.
TRAINING_MODULES = (__name__, "torch._dynamo")

# What an epoch takes at least, in seconds of a usual CPU: for each edge in a step, and
# for multiplications. A worker needs some seconds to begin, so there must be that much
# work before it pays.
_EDGE_STEP_S, _MACS_A_SECOND, _PAYS_FROM_S = 3e-4, 1e10, 15.0
_BACKWARD = 3  # a training step has three times the MACs of a forward pass


@dataclass(frozen=True, eq=False)
class TrainingGround:
    """What trainings share, as it is sent to a worker once. `codes` are where the
    user's operations come from.
    """

    dataset: Dataset
    task: Task
    recipe: Recipe
    seed: int
    stage: str
    device: torch.device
    codes: tuple[str, ...] = ()

    def training(self, net: SuperNet) -> NetTraining:
        """The training of a network, from its beginning."""
        return NetTraining(net, self.dataset, self.recipe, self.seed, self.stage, self.task)

    def without_test(self) -> TrainingGround:
        """The same, with no test data to read or to send."""
        data = replace(self.dataset, test=self.dataset.validation, unused=None, rows=None)
        return replace(self, dataset=data)


@dataclass(frozen=True, eq=False)
class TrainingUnderWay:
    """A network between two epochs of its training."""

    number: int
    profile: FabricProfile
    state: TrainingState


EpochEnd = tuple[Json, TrainingState]


def open_trainers(
    ground: TrainingGround, engine: TaskEngine, ops: Iterable[str]
) -> AbstractContextManager[Workers[TrainingUnderWay, EpochEnd]]:
    """Workers that train networks with the operations `ops` on a ground, as long as the
    block lasts.

    Raises:
        CannotBeSentError, WorkerNotReadyError: no other process can do so.
    """
    if isinstance(engine, Processes):
        ground = replace(ground, codes=sendable_code(ops))
    return open_workers(
        train_epoch,
        engine,
        shared=ground,
        setup=get_ground_ready,
        preloaded=TRAINING_MODULES,
        begin_here=True,
    )


def get_ground_ready(ground: TrainingGround) -> None:
    """Load what a new process lacks: for `open_workers`.

    Raises:
        InputError: the user's operations cannot be loaded there.
    """
    load_missing(ground.codes)


def train_epoch(ground: TrainingGround, task: TrainingUnderWay) -> EpochEnd:
    """One epoch of a training: its metrics, and the state after it.

    Raises:
        RunFailedError: the loss is not finite any more.
    """
    training = ground.training(compile_fabric(task.profile, seed=0).to(ground.device))
    training.go_on_from(task.state)
    row = training.run_epoch()
    return row, training.state()


def train_side_by_side(
    workers: Workers[TrainingUnderWay, EpochEnd],
    first: int,
    begin: Callable[[int], TrainingUnderWay | None],
    epochs: int,
    keep: Callable[[int, Json, TrainingState], None],
    ended: Callable[[Json], None],
) -> None:
    """Train networks, each from where it begins to the end of its `epochs`, as long as
    more can begin.

    `begin` is asked for the training of each number, from `first` on: None as long as
    that one cannot begin, which may change when epochs are kept. `keep` is called with
    each epoch's number, metrics and state: all of the first training, then all of the
    second, and so on. `ended` is called as epochs end.

    Raises:
        RunFailedError: a loss is not finite any more, or a worker died.
        WorkerNotReadyError: a worker cannot take the trainings over.
    """
    numbers, under_way = itertools.count(first), dict[int, TrainingUnderWay]()
    early: dict[int, deque[EpochEnd]] = {}
    waiting = next(numbers)

    def start(training: TrainingUnderWay) -> None:
        under_way[training.number] = training
        workers.start(training.number, training)

    def start_others() -> None:
        nonlocal waiting
        while len(under_way) < workers.count and (training := begin(waiting)) is not None:
            early[waiting] = deque()
            start(training)
            waiting = next(numbers)

    start_others()
    for end in workers.ended():
        row, state = end.answer
        early[end.number].append((row, state))
        training = under_way.pop(end.number)
        if state.epoch < epochs:
            start(replace(training, state=state))
        start_others()
        _keep_in_turn(early, epochs, keep)
        start_others()
        ended(row)


def training_seconds(ground: TrainingGround, profile: FabricProfile) -> float:
    """About what a training takes on one thread of a usual CPU."""
    batch = min(ground.recipe.batch_size, len(ground.dataset.train))
    steps = ground.recipe.epochs * max(len(ground.dataset.train) // batch, 1)
    edges, macs = len(profile.fabric.edges), _BACKWARD * batch * float(profile.macs.sum())
    return steps * (edges * _EDGE_STEP_S + macs / _MACS_A_SECOND)


def engine_for(ground: TrainingGround, seconds: float, workers: int | None, threads: int) -> TaskEngine:
    """Where trainings run that take so many `seconds` together.

    On a GPU they run one after another, and so they do without a number of `workers` if
    more processes would not pay. Else there is a process for each thread, as far as
    there are cores.
    """
    if ground.device.type != "cpu":
        return Inline()
    if workers is None:
        workers = min(threads, usable_cores()) if seconds >= _PAYS_FROM_S else 1
    return Inline() if workers == 1 else Processes(workers)


def _keep_in_turn(
    early: dict[int, deque[EpochEnd]], epochs: int, keep: Callable[[int, Json, TrainingState], None]
) -> None:
    """Keep the epochs whose turn it is; the first of `early` is in turn."""
    while early:
        number, ends = next(iter(early.items()))
        while ends:
            row, state = ends.popleft()
            keep(number, row, state)
            if state.epoch == epochs:
                del early[number]
        if number in early:
            return
