"""outcome.json: why a run of a sweep has no result, beside what there is of the run."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from bsngraph.typed_files import Row, json_text, read_row
from bsngraph.whole_files import write_whole

_OUTCOME = "outcome.json"


class NoResult(Row, frozen=True, kw_only=True):
    """No sub-network is inside the budgets, or the run failed; `error` says more."""

    state: Literal["infeasible", "failed"]
    error: str


def write_outcome(folder: Path, state: Literal["infeasible", "failed"], error: str) -> None:
    """Say why a run has no result."""
    folder.mkdir(exist_ok=True)
    write_whole(folder / _OUTCOME, json_text(NoResult(state=state, error=error)))


def read_outcome(folder: Path) -> NoResult | None:
    """Why a run has no result, None if that is not said.

    Raises:
        InputError: the file is damaged.
    """
    path = folder / _OUTCOME
    return read_row(path, NoResult) if path.exists() else None


def forget_outcome(folder: Path) -> None:
    """Remove what is said of a run that is tried again."""
    (folder / _OUTCOME).unlink(missing_ok=True)
