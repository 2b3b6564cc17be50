"""What a sweep tells while it goes on, and its tables and pictures, which grow."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol

from bsngraph.draw.charts.axes import NoMatplotlibError
from bsngraph.sweeping.outcomes.growing_files import draw_fronts, write_outcomes
from bsngraph.sweeping.outcomes.swept_runs import Sweep, SweptRun

# Drawing waits so long, and so many times as long as the last drawing took.
_PAUSE_S, _PAUSES = 10.0, 50


class SweepProgress(Protocol):
    """Takes what a sweep tells of its progress."""

    def note(self, text: str) -> None:
        """A sentence that the user should see."""

    def began(self, sweep: Sweep, workers: str, left: int) -> None:
        """The sweep begins, with `left` runs that have not ended; `workers` says who
        runs them.
        """

    def run_ended(self, sweep: Sweep, row: SweptRun) -> None:
        """A run ended; `sweep` is how all of them stand now."""


class SilentSweep:
    """Takes it all and shows nothing."""

    def note(self, text: str) -> None:
        pass

    def began(self, sweep: Sweep, workers: str, left: int) -> None:
        pass

    def run_ended(self, sweep: Sweep, row: SweptRun) -> None:
        pass


class Growing:
    """Writes the tables of a sweep whenever a run ends, and tells it.

    Pictures are drawn at the end, and before that not more often than every ten
    seconds; seldomer if that would take more than a fiftieth of the time.
    """

    def __init__(self, folder: Path, progress: SweepProgress) -> None:
        self.folder, self.progress = folder, progress
        self._draws_from = time.monotonic() + _PAUSE_S
        self._told: set[str] = set()

    def begin(self, workers: str, left: int) -> None:
        """Tell that the sweep begins."""
        self.progress.began(write_outcomes(self.folder), workers, left)

    def ended(self, name: str, notes: tuple[str, ...]) -> None:
        """Write and tell that a run ended."""
        for note in notes:
            self._tell(note)
        sweep = write_outcomes(self.folder)
        if time.monotonic() > self._draws_from:
            self._draw(sweep)
        self.progress.run_ended(sweep, next(row for row in sweep.rows if row.name == name))

    def end(self) -> Sweep:
        """The sweep as it stands, written and drawn a last time."""
        sweep = write_outcomes(self.folder)
        self._draw(sweep)
        return sweep

    def _draw(self, sweep: Sweep) -> None:
        """Draw the fronts; that it cannot be done is told once."""
        begun = time.monotonic()
        try:
            draw_fronts(sweep)
        except NoMatplotlibError as error:
            self._tell(str(error))
        now = time.monotonic()
        self._draws_from = now + max(_PAUSE_S, _PAUSES * (now - begun))

    def _tell(self, text: str) -> None:
        if text not in self._told:
            self.progress.note(text)
        self._told.add(text)
