"""One run of a sweep, wherever it runs: in the sweep's own process, in another one, or
on another machine.

In: what all runs share, and one planned run. Out: how it ended, and its files where the
worker does not see the sweep's folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from bsngraph.data import Dataset
from bsngraph.errors import BsngraphError, InfeasibleBudgetError, InputError
from bsngraph.measure import CostOptions, find_hardware
from bsngraph.ops.user_code.code_again import load_missing
from bsngraph.runs import OpenMode, RunFolder
from bsngraph.runs.lock import LOCK_FILE, FolderInUseError
from bsngraph.searching.opening import versions_here
from bsngraph.searching.request import Destination, Goal
from bsngraph.searching.search import run_search
from bsngraph.sweeping.plan import PlannedRun
from bsngraph.training import Silent

Ending = Literal["finished", "infeasible", "failed", "in use"]


@dataclass(frozen=True)
class SharedWork:
    """What all runs share. `operations` are files and modules of the user's own.

    `token` is the name of a file that stands in the sweep's folder while it goes on: a
    worker that does not find it there works in a folder of its own.
    """

    folder: Path
    token: str
    dataset: Dataset
    task: str | None
    costs: CostOptions
    device: str
    threads: int
    operations: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunEnding:
    """How a run ended, what was wrong, and what else the user should know; the run's
    files by name where they have to be brought back.
    """

    ending: Ending
    error: str = ""
    notes: tuple[str, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)


def get_ready(shared: SharedWork) -> None:
    """Load the user's operations in a process that has not."""
    load_missing(shared.operations)


def run_one(shared: SharedWork, run: PlannedRun) -> RunEnding:
    """Begin a run, or go on with it, to its end.

    Raises:
        Exception: a bug; what a user can cause is in the ending.
    """
    if (shared.folder / shared.token).exists():
        return _ended(shared, run, shared.folder / run.name)
    with TemporaryDirectory(prefix="bsngraph-") as own:
        ending = _ended(shared, run, Path(own) / run.name)
        return replace(ending, files=_content(Path(own) / run.name))


def _ended(shared: SharedWork, run: PlannedRun, folder: Path) -> RunEnding:
    notes: list[str] = []
    try:
        _searched(shared, run, folder, notes)
    except FolderInUseError as error:
        return RunEnding("in use", str(error))
    except InfeasibleBudgetError as error:
        return RunEnding("infeasible", str(error), tuple(notes))
    except (BsngraphError, OSError) as error:
        return RunEnding("failed", str(error), tuple(notes))
    return RunEnding("finished", "", tuple(notes))


def _searched(shared: SharedWork, run: PlannedRun, folder: Path, notes: list[str]) -> None:
    goal = Goal(data=shared.dataset, task=shared.task, budgets=run.budgets, costs=shared.costs)
    hardware = find_hardware(shared.device, shared.threads, workers=1)
    while True:
        mode = _mode(folder, str(hardware.device), notes)
        try:
            run_search(run.profile, goal, run.method, hardware, Destination(folder, mode), Silent())
            return
        except FolderInUseError:
            raise
        except InputError:
            if mode == "new" and (folder / "config.json").exists():
                continue  # another process has begun it since, and ended
            raise


def _mode(folder: Path, device: str, notes: list[str]) -> OpenMode:
    """Go on with what was begun, and begin anew what only another machine could go on
    with to the same bits.
    """
    if not (folder / "config.json").exists():
        return "new"
    run = RunFolder(folder)
    if run.finished:
        return "resume"
    config = run.read_config()
    if (config.device, config.versions) == (device, versions_here()):
        return "resume"
    notes.append(f"{folder.name} was begun on another machine or by other versions, and begins again")
    return "overwrite"


def _content(folder: Path) -> dict[str, bytes]:
    """Every file of a run, by its path in the folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != LOCK_FILE
    }
