"""A plan's runs over workers, until each has ended: the loop of a sweep.

A run that another process holds is waited for, so that two sweeps in one folder help
each other. A run whose worker died is begun again. Each end is recorded as it comes.
"""

from __future__ import annotations

import time
import traceback
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bsngraph.errors import BsngraphError
from bsngraph.ops.user_code.code_again import sendable_code
from bsngraph.parallel import Inline, TaskEnd, TaskEngine, WorkerLostError, WorkerNotReadyError, run_tasks
from bsngraph.runs.lock import locked
from bsngraph.sweeping.ahead import LOADED_LATE
from bsngraph.sweeping.outcomes.outcome_file import forget_outcome, write_outcome
from bsngraph.sweeping.plan import Plan, PlannedRun
from bsngraph.sweeping.sweep_progress import Growing
from bsngraph.sweeping.swept_run import RunEnding, SharedWork, get_ready, run_one
from bsngraph.whole_files import write_whole

_TRIES = 3  # of a run whose worker died
_POLL_S = 2.0


def run_all(
    plan: Plan, runs: Sequence[PlannedRun], folder: Path, engine: TaskEngine, growing: Growing
) -> None:
    """Run each to its end; `growing` is told of each.

    Raises:
        BsngraphError: no worker can take the work over.
    """
    for run in runs:
        forget_outcome(folder / run.name)
    lost: Counter[str] = Counter()
    waiting = list(runs)
    with _token(folder) as token:
        shared = _shared(plan, folder, token, engine)
        while waiting:
            again, waits = [], False
            for task in run_tasks(
                run_one, waiting, engine, shared=shared, setup=get_ready, preloaded=LOADED_LATE
            ):
                run = waiting[task.number]
                ending = _ending(task)
                if isinstance(task.error, WorkerLostError) and lost[run.name] < _TRIES - 1:
                    lost[run.name] += 1
                    again.append(run)
                elif ending.ending == "in use":
                    waits = True
                    again.append(run)
                else:
                    _keep(folder / run.name, ending)
                    growing.ended(run.name, ending.notes)
            waiting = again
            if waits:
                time.sleep(_POLL_S)


def _shared(plan: Plan, folder: Path, token: str, engine: TaskEngine) -> SharedWork:
    request = plan.request
    used = {edge.op for run in plan.runs for edge in run.profile.fabric.edges}
    return SharedWork(
        folder=folder.absolute(),
        token=token,
        dataset=plan.dataset,
        task=request.task,
        costs=request.costs,
        device=request.device,
        threads=request.threads,
        operations=() if isinstance(engine, Inline) else sendable_code(used),
    )


def _ending(task: TaskEnd[RunEnding]) -> RunEnding:
    """What a run gave; a bug is a failed run with its traceback.

    Raises:
        WorkerNotReadyError: the worker could begin nothing.
    """
    error = task.error
    if error is None:
        return task.answer
    if isinstance(error, WorkerNotReadyError):
        raise error
    if isinstance(error, BsngraphError):
        return RunEnding("failed", str(error))
    return RunEnding("failed", "".join(traceback.format_exception(error)))


def _keep(folder: Path, ending: RunEnding) -> None:
    """Record how a run ended, and its files if they were brought back."""
    if ending.files:
        folder.mkdir(exist_ok=True)
        with locked(folder):
            for name in sorted(ending.files, key=lambda name: name == "result.json"):  # the last one
                (folder / name).parent.mkdir(exist_ok=True)
                write_whole(folder / name, ending.files[name])
    if ending.ending in ("infeasible", "failed"):
        write_outcome(folder, ending.ending, ending.error)


@contextmanager
def _token(folder: Path) -> Iterator[str]:
    """A file by which a worker sees that it has the same folder; its name."""
    path = folder / f".bsngraph-{uuid.uuid4().hex}"
    write_whole(path, "")
    try:
        yield path.name
    finally:
        path.unlink(missing_ok=True)
