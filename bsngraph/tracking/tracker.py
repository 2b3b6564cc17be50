"""What a tool that tracks experiments is to `log_run`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bsngraph.runs.run_folder import RunFolder
from bsngraph.tracking.snapshot import RunSnapshot


class Tracker(Protocol):
    """One run in one tool."""

    def show(self, now: RunSnapshot) -> None:
        """Make the tool have the epochs of the run, each once, whatever it has
        already.
        """
        ...

    def conclude(self, now: RunSnapshot) -> None:
        """Add what a run says at its end, or say that it stopped before."""
        ...


@dataclass(frozen=True)
class TrackerRow:
    """A tool: how a run is opened in a folder of it, which folder it has by default,
    and the command that shows it.
    """

    open: Callable[[RunFolder, Path], AbstractContextManager[Tracker]]
    default_folder: Callable[[RunFolder], Path]
    viewer: Callable[[Path], tuple[str, ...]]
