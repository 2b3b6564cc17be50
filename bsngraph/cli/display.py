"""How a run's progress looks on a terminal, and as plain lines elsewhere: on standard
error, since facts go to standard output.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.table import Column

from bsngraph.cli.tables.printing import plain_console
from bsngraph.wording import quantity

if TYPE_CHECKING:
    from bsngraph.training import Progress


def progress_display(quiet: bool) -> Progress:
    """A display that fits where standard error goes; it ends with the command that asks
    for it, however that ends.
    """
    if quiet:
        from bsngraph.training import Silent

        return Silent()
    if not sys.stderr.isatty():
        return PlainDisplay()
    display = LiveDisplay()
    click.get_current_context().call_on_close(display.close)
    return display


def measures(row: Mapping[str, Any]) -> str:
    """An epoch's measures in a line: `loss 0.412  accuracy 88.1 %  macs 1.02 M of 0.489
    M  entropy 0.21`.
    """
    parts = [f"loss {row['train_loss']:.3f}", *_headline(row)]
    limits = row.get("limits", {})
    for name in limits or list(row.get("costs", {}))[:1]:
        limit = f" (limit now {quantity(limits[name])})" if name in limits else ""
        parts.append(f"{name} {quantity(row['costs'][name]['sampled'])}{limit}")
    if limits and "incumbent" in row and row["incumbent"] is None:
        parts.append("none feasible yet")
    if "entropy" in row:
        parts.append(f"entropy {row['entropy']:.2f}")
    return "  ".join(parts)


def _headline(row: Mapping[str, Any]) -> list[str]:
    """The metric that its task shows, on validation data."""
    from bsngraph.tasks import TASKS

    headlines = {task.headline.name: task.headline for task in TASKS.values()}
    return [
        metric.shown(row[name], 1)
        for metric in headlines.values()
        if (name := f"validation_{metric.name}") in row
    ]


class PlainDisplay:
    """A line an epoch."""

    def __init__(self) -> None:
        self.name, self.epochs, self.done, self.started = "", 0, 0, 0.0

    def stage(self, name: str, epochs: int, done: int) -> None:
        """Begin a stage."""
        self.name, self.epochs, self.done, self.started = name, epochs, done, time.perf_counter()

    def epoch(self, row: Mapping[str, Any]) -> None:
        """Print an epoch."""
        here = row["epoch"] - self.done
        left = (time.perf_counter() - self.started) / here * (self.epochs - row["epoch"])
        self.note(f"{self.name} {row['epoch']}/{self.epochs}  {measures(row)}  left {_minutes(left)}")

    def note(self, text: str) -> None:
        """Print a note; a stream that takes none does not end the run."""
        with suppress(OSError):
            click.echo(text, err=True)


class LiveDisplay:
    """A bar a stage, with the last epoch's measures."""

    def __init__(self) -> None:
        self.console = plain_console(stderr=True)
        self.progress: RichProgress | None = None
        self.task = TaskID(0)

    def stage(self, name: str, epochs: int, done: int) -> None:
        """Begin a stage."""
        whole = Column(no_wrap=True)  # where the terminal is narrow only the measures wrap
        self.progress = RichProgress(
            TextColumn("{task.description}", markup=False, table_column=whole),
            BarColumn(16, table_column=whole),
            MofNCompleteColumn(table_column=whole),
            TimeRemainingColumn(table_column=whole),
            TextColumn("{task.fields[measures]}", markup=False, table_column=Column(no_wrap=False)),
            console=self.console,
        )
        self.task = self.progress.add_task(name, total=epochs, completed=done, measures="")
        if done < epochs:
            self.progress.start()

    def epoch(self, row: Mapping[str, Any]) -> None:
        """Move the bar."""
        assert self.progress is not None
        self.progress.update(self.task, completed=row["epoch"], measures=measures(row))
        if row["epoch"] == self.progress.tasks[0].total:
            self.close()

    def close(self) -> None:
        """Leave the terminal as it was, its cursor shown."""
        if self.progress is not None:
            self.progress.stop()

    def note(self, text: str) -> None:
        """Print a note."""
        self.console.print(text)


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
