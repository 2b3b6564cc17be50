"""Trainings side by side: the same bits whatever the workers and in whatever order
epochs end; a script needs nothing special for them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from shuffled_workers import Shuffled, shuffle
from tiny import STRIPES_DROPOUT, fabric_of, job_of, recipe, settings

from bsngraph.errors import InputError, RunFailedError
from bsngraph.fabric import Architecture
from bsngraph.measure import Hardware, find_hardware
from bsngraph.ops import OPERATIONS, load_operations
from bsngraph.ops.user_code.code_again import load_missing, sendable_code
from bsngraph.parallel import (
    CannotBeSentError,
    Inline,
    Processes,
    TaskEnd,
    WorkerLostError,
    WorkerNotReadyError,
)
from bsngraph.profile import profile_fabric
from bsngraph.runs import Json
from bsngraph.searching.choosing.finalists import train_finalists as stage
from bsngraph.searching.choosing.finalists.contenders import Contenders
from bsngraph.searching.choosing.finalists.finalists_state import Finalist, FinalistsState, Trained
from bsngraph.searching.choosing.finalists.train_finalists import STAGE, train_finalists
from bsngraph.searching.choosing.predicting.pool import masks_of
from bsngraph.searching.choosing.predicting.predictor import fit_predictor
from bsngraph.searching.choosing.shortlist import contenders_inside
from bsngraph.searching.prepare import Job
from bsngraph.training import Silent
from bsngraph.training.side_by_side import TrainingGround, engine_for, train_epoch, training_seconds

TESTS = Path(__file__).parent
FILE = Path("checkpoint.pt")
SEVEN = settings(finalists=7, finalist_epochs=2)

Contest = tuple[Job, Contenders, FinalistsState]


@pytest.fixture(scope="module")
def contest(tmp_path_factory: pytest.TempPathFactory) -> Contest:
    """A job with its contenders, of which three are decided on."""
    folder = tmp_path_factory.mktemp("contest")
    job = job_of(profile_fabric(fabric_of(STRIPES_DROPOUT, folder)), folder, "price=6", settings=SEVEN)
    contenders = contenders_inside(job, job.budgets)
    first = (Finalist(Architecture.of_mask(row).live, "random") for row in contenders.live[:3])
    return job, contenders, FinalistsState(tuple(first))


def following(contenders: Contenders, state: FinalistsState) -> tuple[Contenders, Finalist | None]:
    return contenders, next(iter(contenders.most_promising(state, 1)), None)


Kept = list[tuple[Json, FinalistsState]]


def trained(contest: Contest, *, state: FinalistsState | None = None, stop: int = 99, **more: Any) -> Kept:
    """What is kept of the finalists; Ctrl-C comes after `stop` epochs."""
    job, contenders, first = contest
    job = replace(job, hardware=Hardware(torch.device("cpu"), 1, more.pop("workers", 1)))
    kept: Kept = more.pop("kept", [])

    def keep(row: Json, after: FinalistsState) -> None:
        kept.append(({name: value for name, value in row.items() if name != "seconds"}, after))
        if len(kept) == stop:
            raise KeyboardInterrupt

    train_finalists(job, contenders, state or first, following, FILE, keep, more.pop("progress", Silent()))
    return kept


@pytest.fixture(scope="module")
def inline(contest: Contest) -> Kept:
    return trained(contest)


def assert_same(found: Kept, expected: Kept) -> None:
    assert [row for row, _ in found] == [row for row, _ in expected]
    for (_, mine), (_, theirs) in zip(found, expected, strict=True):
        assert equal(mine.to_checkpoint(), theirs.to_checkpoint())


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return list(one) == list(other) and all(map(equal, one.values(), other.values()))
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


@pytest.mark.parametrize("count", [2, 4])
def test_what_is_kept_does_not_depend_on_the_order_in_which_epochs_end(
    contest: Contest, inline: Kept, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    shuffle(monkeypatch, stage, count)
    assert_same(trained(contest), inline)


@pytest.mark.parametrize("stop", [4, 9, 11])
def test_finalists_stopped_side_by_side_go_on_alone_to_the_same_bits(
    contest: Contest, inline: Kept, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    with monkeypatch.context() as patch:
        shuffle(patch, stage, 2)
        with pytest.raises(KeyboardInterrupt):
            trained(contest, stop=stop)
    assert_same(trained(contest, state=inline[stop - 1][1]), inline[stop:])


def test_epochs_are_kept_one_training_after_the_other_and_shown_as_they_end(
    contest: Contest, inline: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [(row["finalist"], row["epoch"]) for row, _ in inline] == [
        (number, epoch) for number in range(1, 8) for epoch in (1, 2)
    ]
    shown: list[tuple[int, float]] = []

    class Told(Silent):
        def epoch(self, row: Any) -> None:
            shown.append((row["epoch"], row["train_loss"]))

    shuffle(monkeypatch, stage, 3)
    trained(contest, progress=Told())
    assert [number for number, _ in shown] == list(range(1, 15))
    losses = [row["train_loss"] for row, _ in inline]
    assert [loss for _, loss in shown] != losses
    assert sorted(loss for _, loss in shown) == sorted(losses)


def test_each_is_decided_on_as_if_the_one_in_training_had_given_what_is_expected_of_it(
    contest: Contest, inline: Kept
) -> None:
    _, contenders, _ = contest
    state = inline[-1][1]
    assert [each.chosen_by for each in state.finalists] == ["random"] * 3 + ["prediction"] * 4
    places = contenders.places.of(masks_of([each.live for each in state.finalists], contenders.live.shape[1]))
    for begun in range(3, 7):
        predictor = fit_predictor(places[: begun - 1], state.scores[: begun - 1])
        expected = predictor.predict(places[begun - 1 : begun]).mean[0]
        believed = Trained(float(np.exp(-expected)), {})
        seen = FinalistsState(state.finalists[:begun], (*state.results[: begun - 1], believed))
        assert contenders.most_promising(seen, 1)[0] == state.finalists[begun]


def test_no_worker_waits_until_there_is_nothing_left_to_begin(
    contest: Contest, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy: list[int] = []

    class InTurn(Shuffled):
        def ended(self) -> Iterator[TaskEnd[Any]]:
            while self.tasks:
                busy.append(len(self.tasks))
                number, task = self.tasks.pop(0)
                yield TaskEnd(number, None, (train_epoch(self.ground, task),))

    shuffle(monkeypatch, stage, 2, InTurn)
    trained(contest)
    assert busy == [2] * 12 + [1, 1]


@pytest.mark.parametrize(
    ("measures", "decided"), [(False, [3, 3, 4, 5, 6, 7, 7]), (True, [3, 3, 3, 5, 5, 7, 7])]
)
def test_what_is_measured_whole_is_decided_on_when_nothing_else_runs(
    contest: Contest, monkeypatch: pytest.MonkeyPatch, measures: bool, decided: list[int]
) -> None:
    monkeypatch.setattr(stage, "measures_whole", lambda job: measures)
    kept = trained(contest)
    assert [len(state.finalists) for row, state in kept if row["epoch"] == 1] == decided


@pytest.mark.parametrize("epoch", [2, 3])
def test_a_training_that_went_on_after_its_end_is_an_input_error(
    contest: Contest, inline: Kept, epoch: int
) -> None:
    training = inline[0][1].training
    assert training is not None
    damaged = replace(inline[0][1], training=replace(training, epoch=epoch))
    with pytest.raises(InputError, match="its finalists are not those of a search"):
        trained(contest, state=damaged)


def test_a_loss_that_is_not_finite_ends_the_stage(contest: Contest, monkeypatch: pytest.MonkeyPatch) -> None:
    job, contenders, state = contest
    shuffle(monkeypatch, stage, 2)
    wild = replace(job, method=replace(job.method, recipe=recipe(learning_rate=1e30, clip=float("inf"))))
    with pytest.raises(RunFailedError, match=r"the loss is \w+ in epoch 1 of the finalist"):
        trained((wild, contenders, state))


def test_a_worker_that_dies_ends_the_stage_and_what_was_kept_goes_on(
    contest: Contest, inline: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: Kept = []

    class Dying(Shuffled):
        def ended(self) -> Iterator[TaskEnd[Any]]:
            for number, end in enumerate(super().ended()):
                yield end if number < 5 else TaskEnd(end.number, WorkerLostError("a worker died"))

    shuffle(monkeypatch, stage, 2, Dying)
    with pytest.raises(RunFailedError, match="a worker died"):
        trained(contest, kept=kept)
    assert_same(kept, inline[: len(kept)])
    monkeypatch.undo()
    assert_same(trained(contest, state=kept[-1][1]), inline[len(kept) :])


class Notes(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_what_no_worker_can_take_over_is_trained_here(
    contest: Contest, inline: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = Notes()
    monkeypatch.setitem(OPERATIONS, "conv", replace(OPERATIONS["conv"], origin="__main__"))
    assert_same(trained(contest, workers=2, progress=notes), inline)
    assert notes.notes == [
        "finalists are trained one after another: its operations are defined in the script itself: put them "
        "into a module and import it"
    ]


def test_workers_that_are_not_ready_leave_the_rest_to_this_process(
    contest: Contest, inline: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes, opened = Notes(), stage.open_trainers

    class NotReady(Shuffled):
        def ended(self) -> Iterator[TaskEnd[Any]]:
            for number, end in enumerate(super().ended()):
                yield end if number < 4 else TaskEnd(end.number, WorkerNotReadyError("out of memory"))

    class Opened:
        def __init__(self, ground: TrainingGround, engine: Any, ops: Any) -> None:
            self.inline = opened(ground, engine, ops)
            self.fails = isinstance(engine, Processes)
            self.ground = ground

        def __enter__(self) -> Any:
            return NotReady(2, self.ground) if self.fails else self.inline.__enter__()

        def __exit__(self, *raised: Any) -> None:
            if not self.fails:
                self.inline.__exit__(*raised)

    monkeypatch.setattr(stage, "open_trainers", Opened)
    assert_same(trained(contest, workers=2, progress=notes), inline)
    assert notes.notes == ["finalists are trained one after another: out of memory"]


def test_workers_get_no_test_data(contest: Contest) -> None:
    job = contest[0]
    ground = TrainingGround(job.dataset, job.task, recipe(), 0, STAGE, job.device).without_test()
    assert ground.dataset.test is ground.dataset.validation


@pytest.mark.parametrize(
    ("device", "seconds", "workers", "engine"),
    [
        ("cpu", 1e6, None, Processes(2)),
        ("cpu", 1.0, None, Inline()),
        ("cpu", 1.0, 3, Processes(3)),
        ("cpu", 1e6, 1, Inline()),
        ("cuda", 1e6, 4, Inline()),
    ],
)
def test_more_processes_are_for_a_cpu_and_for_work_that_pays(
    contest: Contest, monkeypatch: pytest.MonkeyPatch, device: str, seconds: float, workers: Any, engine: Any
) -> None:
    monkeypatch.setattr("bsngraph.training.side_by_side.usable_cores", lambda: 2)
    job = contest[0]
    ground = TrainingGround(job.dataset, job.task, recipe(), 0, STAGE, torch.device(device))
    assert engine_for(ground, seconds, workers, 8) == engine
    assert workers is not None or engine_for(ground, seconds, None, 1) == Inline()
    assert 0 < training_seconds(ground, job.profile) < 1


@pytest.mark.parametrize(
    ("workers", "finalists", "measures", "begins"),
    [(2, 7, False, True), (1, 7, False, False), (2, 1, False, False), (2, 7, True, False)],
)
def test_workers_begin_while_a_search_learns_if_they_will_train_its_finalists(
    contest: Contest,
    monkeypatch: pytest.MonkeyPatch,
    workers: int,
    finalists: int,
    measures: bool,
    begins: bool,
) -> None:
    begun: list[tuple[str, ...]] = []
    monkeypatch.setattr(stage, "server_ahead", lambda modules: begun.append(modules) or nullcontext())
    monkeypatch.setattr(stage, "measures_whole", lambda job: measures)
    job = contest[0]
    job = replace(
        job,
        hardware=replace(job.hardware, workers=workers),
        method=replace(job.method, settings=settings(finalists=finalists)),
    )
    with stage.workers_ready(job):
        assert len(begun) == begins
    assert all(train_epoch.__module__ in modules for modules in begun)


def test_a_number_of_workers_is_checked() -> None:
    with pytest.raises(InputError, match="workers=0 must be between 1 and"):
        find_hardware("cpu", 1, 0)


OPERATION = """
from torch import nn

import bsngraph


@bsngraph.operation("twice")
def twice(shape, *, factor: float = 2.0):
    "Multiply by a constant."
    return nn.Sequential(nn.Conv2d(shape[0], shape[0], 1), Times(factor))


class Times(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return self.factor * x
"""


def test_code_that_changed_since_it_was_loaded_is_not_loaded_again(tmp_path: Path) -> None:
    file = tmp_path / "my_ops.py"
    file.write_text(OPERATION, encoding="utf-8")
    os.utime(file, (0, 0))
    load_operations(str(file))
    try:
        assert sendable_code(["conv", "twice", "twice"]) == (str(file),)
        before = OPERATIONS["twice"]
        load_missing(sendable_code(["twice"]))
        assert OPERATIONS["twice"] is before
        os.utime(file)
        with pytest.raises(CannotBeSentError, match=r"my_ops\.py has changed since its operations were"):
            sendable_code(["twice"])
        del OPERATIONS["twice"]
        load_missing([str(file)])
    finally:
        del OPERATIONS["twice"]


# No `if __name__ == "__main__"`, operations from a module, data from Python.
SCRIPT = """
import os
import sys
from pathlib import Path

os.utime("my_ops.py", (0, 0))
print("begun")

import my_ops
import pytest
from tiny import STRIPES_NORM, fabric_of, no_pictures, recipe, settings, stripes

import bsngraph

no_pictures(pytest.MonkeyPatch())
folder = Path(sys.argv[1])
fabric = fabric_of(STRIPES_NORM.replace("op=identity, cost_price=0", "op=twice, cost_price=0"), folder)
how = dict(recipe=recipe(epochs=1), settings=settings(finalists=3, finalist_epochs=2, finetune_epochs=2))
for workers in (2, 1):
    out = folder / str(workers)
    result = bsngraph.search(fabric, stripes(), ["price=1..8"], out=out, threads=2, workers=workers, **how)
"""


def test_a_script_without_a_guard_trains_in_processes_to_the_same_bits(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / "my_ops.py").write_text(OPERATION, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])}
    environment["OMP_NUM_THREADS"] = "2"
    done = subprocess.run(
        [sys.executable, "script.py", str(tmp_path)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "begun\n", "")
    front = [str(path.relative_to(tmp_path / "1")) for path in (tmp_path / "1/front").glob("*.safetensors")]
    assert len(front) > 1
    for name in ("model.safetensors", "trainings.csv", *front):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()
