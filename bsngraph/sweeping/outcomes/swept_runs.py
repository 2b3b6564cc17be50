"""A sweep's folder → its runs as they stand: waiting, running, interrupted, finished,
infeasible or failed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bsngraph.errors import InputError
from bsngraph.runs import RunFolder
from bsngraph.runs.lock import run_goes_on
from bsngraph.runs.rows.result import RunResult
from bsngraph.sweeping.outcomes.outcome_file import read_outcome
from bsngraph.sweeping.record import PlannedLimit, PlannedRow, SweepRecord, read_sweep_record

RunState = Literal["waiting", "running", "interrupted", "finished", "infeasible", "failed"]
STATES: tuple[RunState, ...] = ("finished", "running", "waiting", "interrupted", "infeasible", "failed")


@dataclass(frozen=True)
class SweptRun:
    """A run of a sweep: its folder, its value on each axis, its budgets, its state.

    `result` is what it delivered, `error` why it has no result.
    """

    name: str
    folder: Path
    values: dict[str, str]
    budgets: tuple[PlannedLimit, ...]
    state: RunState
    result: RunResult | None = None
    error: str = ""

    def score(self, metric: str, split: Literal["validation", "test"] = "validation") -> float | None:
        """A metric of a finished run, None if it has no such number."""
        value = None if self.result is None else getattr(self.result.metrics, split).get(metric)
        return value if isinstance(value, float | int) else None

    def cost(self, name: str) -> float | None:
        """A cost of the network of a finished run, in its unit."""
        found = None if self.result is None else self.result.costs.get(name)
        return None if found is None else found.value


@dataclass(frozen=True)
class Sweep:
    """A sweep as it stands in its folder: what was asked, and a row for each run."""

    folder: Path
    record: SweepRecord
    rows: tuple[SweptRun, ...]

    @property
    def counts(self) -> dict[RunState, int]:
        """How many runs are in each state that some are in."""
        states = [row.state for row in self.rows]
        return {state: states.count(state) for state in STATES if state in states}


def read_sweep(folder: str | Path) -> Sweep:
    """What became of the runs of a sweep so far.

    Raises:
        InputError: the folder holds no sweep, or one of its files is damaged.
    """
    folder = Path(folder)
    record = read_sweep_record(folder)
    return Sweep(folder, record, tuple(_swept(folder / row.name, row) for row in record.runs))


def _swept(folder: Path, row: PlannedRow) -> SweptRun:
    state, result, error = _state(RunFolder(folder))
    return SweptRun(row.name, folder, row.values, row.budgets, state, result, error)


def _state(run: RunFolder) -> tuple[RunState, RunResult | None, str]:
    try:
        if run.finished:
            return "finished", run.read_result(), ""
        said = read_outcome(run.path)
    except InputError as error:
        return "failed", None, str(error)
    if said is not None:
        return said.state, None, said.error
    if not run.file("config.json").exists():
        return "waiting", None, ""
    return "running" if run_goes_on(run.path) else "interrupted", None, ""
