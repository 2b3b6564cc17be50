"""A run → a tracker, once or for as long as the run goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bsngraph.errors import InputError, nearest
from bsngraph.runs.run_folder import RunFolder
from bsngraph.tracking.event_file import open_event_file
from bsngraph.tracking.mlflow_store import open_mlflow_store, store_uri
from bsngraph.tracking.snapshot import RunSnapshot, snapshot_of
from bsngraph.tracking.tracker import TrackerRow

_PAUSE_S, _IDLE_LOOKS = 2.0, 30

#: Every tracker by its name. To add one, write a class that is a `Tracker`, and a row
#: here.
TRACKERS = {
    "tensorboard": TrackerRow(
        open=open_event_file,
        default_folder=lambda run: run.path / "tensorboard",
        viewer=lambda folder: ("tensorboard", "--logdir", str(folder)),
    ),
    "mlflow": TrackerRow(
        open=open_mlflow_store,
        default_folder=lambda run: run.path.resolve().parent / "mlflow",
        viewer=lambda folder: ("mlflow", "ui", "--backend-store-uri", store_uri(folder)),
    ),
}


@dataclass(frozen=True)
class LoggedRun:
    """A run in a tracker: the folder, how many epochs it has, whether the run had
    ended, and the command that shows it.
    """

    folder: Path
    epochs: int
    finished: bool
    viewer: tuple[str, ...]


def log_run(
    run: RunFolder,
    to: str,
    folder: Path | None = None,
    *,
    follow: bool = False,
    pause: Callable[[], None] = lambda: time.sleep(_PAUSE_S),
) -> LoggedRun:
    """Make a tracker have what a run says; with `follow` until the run ends.

    A run that is stopped is followed for a minute more, as it may be resumed. One that
    was logged before is gone on with or replaced, never doubled. `pause` waits between
    two looks.

    Raises:
        InputError: there is no such tracker or no run, a file of it is damaged, or the
            folder cannot be used.
        BsngraphError: the tracker is not installed.
    """
    if to not in TRACKERS:
        raise InputError(f"{to} is no tracker: {nearest(to, TRACKERS)}")
    row = TRACKERS[to]
    folder = folder or row.default_folder(run)
    now = snapshot_of(run)
    with row.open(run, folder) as tracker:
        tracker.show(now)
        idle = 0
        while follow and now.result is None and idle < _IDLE_LOOKS:
            pause()
            now = _next(run, now)
            tracker.show(now)
            idle = 0 if now.goes_on else idle + 1
        tracker.conclude(now)
    return LoggedRun(folder, len(now.rows), now.result is not None, row.viewer(folder))


def _next(run: RunFolder, before: RunSnapshot) -> RunSnapshot:
    """What the run says now; what it said before while it is being replaced."""
    if not run.file("config.json").exists():
        return before
    return snapshot_of(run)
