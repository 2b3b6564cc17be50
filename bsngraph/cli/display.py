"""How runs and results look on a terminal, and as plain lines where there is none.

Progress goes to standard error; facts go to standard output.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.table import Column, Table

from bsngraph.wording import quantity

if TYPE_CHECKING:
    from bsngraph.searching import Result
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
        click.echo(
            f"{self.name} {row['epoch']}/{self.epochs}  {measures(row)}  left {_minutes(left)}", err=True
        )

    def note(self, text: str) -> None:
        """Print a note."""
        click.echo(text, err=True)


class LiveDisplay:
    """A bar a stage, with the last epoch's measures."""

    def __init__(self) -> None:
        self.console = Console(stderr=True)
        self.progress: RichProgress | None = None
        self.task = TaskID(0)

    def stage(self, name: str, epochs: int, done: int) -> None:
        """Begin a stage."""
        whole = Column(no_wrap=True)  # where the terminal is narrow only the measures wrap
        self.progress = RichProgress(
            TextColumn("{task.description}", table_column=whole),
            BarColumn(16, table_column=whole),
            MofNCompleteColumn(table_column=whole),
            TimeRemainingColumn(table_column=whole),
            TextColumn("{task.fields[measures]}", table_column=Column(no_wrap=False)),
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
        self.console.print(text, highlight=False, markup=False)


def show_result(result: Result, form: str) -> None:
    """What a run found: result.json's content, or a short table (`form` is json or
    text).
    """
    summary = result.summary
    if form == "json":
        click.echo(json.dumps(summary, indent=2, ensure_ascii=False))
        return
    from bsngraph.tasks import TASKS

    edges, headline = summary["edges"], TASKS[summary["task"]].headline
    test, validation = (summary["metrics"][split][headline.name] for split in ("test", "validation"))
    console = Console(highlight=False)
    score = f"test {headline.shown(test)}, validation {headline.value(validation)}"
    console.print(
        f"\n[bold]{score}[/bold]; {edges['kept']} of {edges['searchable']} searchable edges kept "
        f"({summary['seconds']:.0f} s)"
    )
    budgets = {budget["cost"]: budget for budget in summary["budgets"]}
    table = Table("cost", "this network", "whole fabric", "share", "budget", "")
    for name, cost in summary["costs"].items():
        budget = budgets.get(name)
        limit = [quantity(budget["limit"]), _verdict(budget)] if budget else ["", ""]
        table.add_row(
            _with_unit(name, cost["unit"]),
            quantity(cost["value"]),
            quantity(cost["fabric"]),
            share(cost["value"], cost["fabric"]),
            *limit,
        )
    console.print(table)
    folder = result.run.path
    if result.run.file("architecture.svg").exists():
        console.print(
            f"pictures: {folder / 'architecture.svg'}, {folder / 'architecture.png'}", soft_wrap=True
        )
    console.print(f"network:  {folder / 'architecture.dot'}, {folder / 'model.safetensors'}", soft_wrap=True)


def _verdict(budget: Mapping[str, Any]) -> str:
    if budget["met"]:
        return "met"
    return "nearest" if budget["relation"] == "~=" else "NOT met"


def share(value: float, whole: float) -> str:
    """`24.8 %`, nothing where there is no whole."""
    return f"{100 * value / whole:.1f} %" if whole else ""


def _with_unit(name: str, unit: str) -> str:
    return name if not unit or unit.lower() == name else f"{name} ({unit})"


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
