"""A run folder → what it says of itself in a line of a table.

A damaged run is a line, too: its state says what is wrong. Nothing that a folder holds
is executed, and splits.json, weights and checkpoints are not opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from bsngraph.errors import InputError
from bsngraph.runs.lock import run_goes_on
from bsngraph.runs.rows.config import AnyConfig
from bsngraph.runs.rows.epochs import EpochRow
from bsngraph.runs.rows.result import RunResult, Scores
from bsngraph.runs.run_folder import RunFolder

ListedState = Literal["finished", "running", "can resume", "broken"]


@dataclass(frozen=True)
class ShownScore:
    """The headline metric of a run's task, on validation or on test data."""

    name: str
    split: Literal["validation", "test"]
    value: float


@dataclass(frozen=True)
class ListedBudget:
    """A budget as it was written, its cost, and whether it is met; None of a run that
    has not ended.
    """

    text: str
    cost: str
    met: bool | None = None


@dataclass(frozen=True)
class ListedRun:
    """A run in a line.

    `why` says what is wrong with a broken run, and `stage` and `epochs` how far an
    unfinished one has come. `costs` are values by name and `units` their units. What
    is not known is None or empty.
    """

    path: Path
    state: ListedState
    why: str = ""
    command: str | None = None
    fabric: str | None = None
    data: str | None = None
    task: str | None = None
    budgets: tuple[ListedBudget, ...] = ()
    score: ShownScore | None = None
    costs: Mapping[str, float] | None = None
    units: Mapping[str, str] | None = None
    seconds: float | None = None
    seed: int | None = None
    stage: str | None = None
    epochs: int | None = None


def listed_run_of(folder: Path) -> ListedRun:
    """What a run folder says; `state` is `broken` where its files cannot be read."""
    run = RunFolder(folder)
    try:
        asked = _asked(folder, run.read_config())
    except InputError as error:
        return _broken(ListedRun(folder, "broken"), error)
    try:
        if run.finished:
            return _finished(asked, run.read_result())
        state: ListedState = "running" if run_goes_on(folder) else "can resume"
        return _unfinished(replace(asked, state=state), run.read_epochs())
    except InputError as error:
        return _broken(asked, error)


def shown_metric(scores: Scores) -> tuple[str, float] | None:
    """The metric that a task shows: the first one that is a number and no loss."""
    for name, value in scores.items():
        if "loss" not in name and isinstance(value, float | int):
            return name, float(value)
    return None


def _asked(folder: Path, config: AnyConfig) -> ListedRun:
    return ListedRun(
        folder,
        "can resume",
        command=config.command,
        fabric=config.fabric,
        data=config.data.name,
        task=config.data.task,
        budgets=tuple(ListedBudget(budget.text, budget.cost) for budget in config.budgets),
        seed=config.seed,
    )


def _finished(asked: ListedRun, result: RunResult) -> ListedRun:
    shown = shown_metric(result.metrics.test)
    met = {budget.cost: budget.met for budget in result.budgets}
    return replace(
        asked,
        state="finished",
        budgets=tuple(replace(budget, met=met.get(budget.cost)) for budget in asked.budgets),
        score=ShownScore(shown[0], "test", shown[1]) if shown else None,
        costs={name: cost.value for name, cost in result.costs.items()},
        units={name: cost.unit for name, cost in result.costs.items()},
        seconds=result.seconds,
    )


def _unfinished(asked: ListedRun, rows: Sequence[EpochRow]) -> ListedRun:
    if not rows:
        return asked
    last = rows[-1]
    shown = shown_metric(dict(last.validation))
    return replace(
        asked,
        score=ShownScore(shown[0], "validation", shown[1]) if shown else None,
        seconds=sum(row.seconds for row in rows),
        stage=last.stage,
        epochs=len(rows),
    )


def _broken(said: ListedRun, error: InputError) -> ListedRun:
    """A run whose file `error` is about; the path of the folder stands in the line
    already.
    """
    return replace(said, state="broken", why=str(error).removeprefix(f"{said.path}/"))
