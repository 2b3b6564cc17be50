"""A run's metrics and checkpoint on disk, epoch by epoch, and what an interrupted run
goes on from.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from msgspec.structs import asdict, replace

from bsngraph.errors import InputError
from bsngraph.runs.checkpoint import Checkpoint, load_checkpoint, write_checkpoint
from bsngraph.runs.rows.epochs import epoch_row
from bsngraph.runs.run_folder import Json, OpenMode, RunFolder, metrics_line


class RunLog:
    """A run's metrics and checkpoint, kept in step: the checkpoint decides which rows
    of the metrics count. `weighted` says that losses are with class weights.

    `checkpoint` is the one that was kept last, or that an interrupted run left.
    """

    def __init__(self, run: RunFolder, mode: OpenMode, *, weighted: bool = False) -> None:
        self.run, self.weighted = run, weighted
        resumed = mode == "resume" and run.file("checkpoint.pt").exists()
        self.checkpoint = load_checkpoint(run) if resumed else Checkpoint()
        written = run.read_epochs()
        if len(written) < self.checkpoint.rows:
            raise InputError(
                f"{run.file('metrics.jsonl')}: has {len(written)} rows, but the checkpoint goes on after "
                f"{self.checkpoint.rows}: start the run again by --overwrite"
            )
        # an older version wrote weighted losses under the plain names
        self.rows = [replace(row, weighted=self.weighted) for row in written[: self.checkpoint.rows]]
        self._lines = [metrics_line(row) for row in self.rows]
        self.started = time.perf_counter() - self.checkpoint.seconds

    @property
    def file(self) -> Path:
        """Where the states of the stages were read from, for errors."""
        return self.run.file("checkpoint.pt")

    def seconds(self) -> float:
        """Wall-clock seconds of the run, those before an interruption included."""
        return time.perf_counter() - self.started

    def keep(self, row: Json, **state: Any) -> None:
        """Write an epoch's metrics, then its checkpoint.

        `state` are the stages that changed; what other stages left stays as it was, so
        that a run which ended can be asked again.
        """
        self.rows.append(epoch_row(row | {"weighted": self.weighted}))
        self._lines.append(metrics_line(self.rows[-1]))
        self.run.write_metrics(self._lines)
        self.checkpoint = replace(self.checkpoint, rows=len(self.rows), seconds=self.seconds(), **state)
        saved = asdict(self.checkpoint)
        write_checkpoint(self.run, {name: value for name, value in saved.items() if value is not None})
