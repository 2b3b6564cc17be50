"""A run's metrics and checkpoint on disk, epoch by epoch, and what an interrupted run
goes on from.
"""

from __future__ import annotations

import time
from typing import Any

from bsngraph.runs.checkpoint import read_checkpoint, write_checkpoint
from bsngraph.runs.run_folder import Json, OpenMode, RunFolder, reading


class RunLog:
    """A run's metrics and checkpoint, kept in step: the checkpoint decides which rows
    of the metrics count.
    """

    def __init__(self, run: RunFolder, mode: OpenMode) -> None:
        self.run = run
        resumed = mode == "resume" and run.file("checkpoint.pt").exists()
        self.state: Json = read_checkpoint(run) if resumed else {"rows": 0, "seconds": 0.0}
        with reading(run, "checkpoint.pt"):
            self.rows: list[Json] = run.read_metrics()[: int(self.state["rows"])]
            self.started = time.perf_counter() - float(self.state["seconds"])

    def seconds(self) -> float:
        """Wall-clock seconds of the run so far, those before an interruption included.
        """
        return time.perf_counter() - self.started

    def keep(self, row: Json, **state: Any) -> None:
        """Write an epoch's metrics, then its checkpoint."""
        self.rows.append(row)
        self.run.write_metrics(self.rows)
        write_checkpoint(self.run, {"rows": len(self.rows), "seconds": self.seconds(), **state})
