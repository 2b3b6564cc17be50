"""A sweep on the terminal: a live table while it goes on, lines elsewhere, and how it
stands in the end. No torch.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Group
from rich.live import Live
from rich.table import Column, Table
from rich.text import Text

from bsngraph.cli.tables.printing import plain_console
from bsngraph.errors import InputError
from bsngraph.runs import RunFolder
from bsngraph.sweeping.outcomes.fronts import SweepFront, fronts_of
from bsngraph.sweeping.outcomes.swept_runs import Sweep, SweptRun, read_sweep
from bsngraph.sweeping.record import FRONT_PICTURES, FRONT_TABLE, SWEEP_TABLE
from bsngraph.typed_files import plain
from bsngraph.wording import printable, quantity, shortened

if TYPE_CHECKING:
    from bsngraph.sweeping.sweep_progress import SweepProgress

_STYLES = {"finished": "green", "running": "bold", "infeasible": "yellow", "failed": "red"}
_HEAD_LINES, _LONGEST_ERROR = 8, 100
_ROWS_A_SECOND = 200


@contextmanager
def sweep_display(quiet: bool) -> Iterator[SweepProgress]:
    """A display that fits where standard error goes, while the block goes on."""
    if quiet:
        from bsngraph.sweeping.sweep_progress import SilentSweep

        yield SilentSweep()
    elif not sys.stderr.isatty():
        yield PlainSweepDisplay()
    else:
        display = LiveSweepDisplay()
        try:
            yield display
        finally:
            display.close()


class PlainSweepDisplay:
    """A line a run."""

    def note(self, text: str) -> None:
        """Print a note; a stream that takes none does not end the sweep."""
        with suppress(OSError):
            click.echo(text, err=True)

    def began(self, sweep: Sweep, workers: str, left: int) -> None:
        """Say what is there, and what is left."""
        todo = f"{workers} for {left} of {len(sweep.rows)} runs" if left else "nothing is left to do"
        self.note(f"{_counted(sweep)}; {todo}")

    def run_ended(self, sweep: Sweep, row: SweptRun) -> None:
        """Print a run's end."""
        ended = sum(one.state in ("finished", "infeasible", "failed") for one in sweep.rows)
        self.note(f"{ended}/{len(sweep.rows)} {row.name}: {_told(sweep, row)}")


class LiveSweepDisplay:
    """A table that is read anew from the sweep's folder every second."""

    def __init__(self) -> None:
        self.console = plain_console(stderr=True)
        self.live: Live | None = None

    def note(self, text: str) -> None:
        """Print a note above the table."""
        self.console.print(text)

    def began(self, sweep: Sweep, workers: str, left: int) -> None:
        """Show the table from now on, if anything is left to do."""
        if left:
            folder = sweep.folder
            self.live = Live(
                console=self.console,
                get_renderable=lambda: self._shown(folder, workers),
                refresh_per_second=min(1.0, _ROWS_A_SECOND / len(sweep.rows)),
                transient=True,
            )
            self.live.start()

    def run_ended(self, sweep: Sweep, row: SweptRun) -> None:
        """Say at once what failed; the table shows the rest."""
        if row.state == "failed":
            self.note(f"{row.name}: {_told(sweep, row)}")

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self.live is not None:
            self.live.stop()

    def _shown(self, folder: Path, workers: str) -> Group:
        sweep = read_sweep(folder)
        rows = _most_telling(sweep, max(3, self.console.height - _HEAD_LINES))
        return Group(Text(f"{_counted(sweep)}; {workers}"), runs_table(sweep, rows, live=True))


def show_sweep(sweep: Sweep, form: str) -> None:
    """How a sweep stands, as json or text."""
    fronts = fronts_of(sweep)
    if form == "json":
        click.echo(json.dumps(_facts(sweep, fronts), indent=2, ensure_ascii=False))
        return
    console = plain_console()
    console.print(runs_table(sweep, sweep.rows, live=False))
    for row in sweep.rows:
        if row.state == "failed":
            console.print(f"{row.name} failed: {printable(_one_line(row.error))}", soft_wrap=True)
    console.print(f"{_counted(sweep)}; shown is {sweep.record.metric.title}", style="bold")
    console.print(f"tables:   {sweep.folder / SWEEP_TABLE}, {sweep.folder / FRONT_TABLE}", soft_wrap=True)
    pictures = [str(sweep.folder / name) for name in FRONT_PICTURES if (sweep.folder / name).exists()]
    if pictures:
        console.print(f"pictures: {', '.join(pictures)}", soft_wrap=True)


def runs_table(sweep: Sweep, rows: tuple[SweptRun, ...], *, live: bool) -> Table:
    """A row a run: state, the shown metric, budgeted costs, seconds."""
    metric = sweep.record.metric
    costs = list(dict.fromkeys(limit.cost for row in sweep.rows for limit in row.budgets))
    titles = *_axis_titles(sweep), "state", "validation", "test", *costs, "seconds"
    table = Table(*(Column(title, no_wrap=True) for title in titles), box=None, padding=(0, 2, 0, 0))
    for row in rows:
        scores = [row.score(metric.name), row.score(metric.name, "test")]
        amounts = [row.cost(cost) for cost in costs]
        table.add_row(
            *(shortened(printable(row.values.get(axis, "")), 16) for axis in sweep.record.axes),
            Text(_epoch(row) if live and row.state == "running" else row.state, _STYLES.get(row.state, "")),
            *("" if score is None else metric.shown(score) for score in scores),
            *("" if amount is None else quantity(amount) for amount in amounts),
            "" if row.result is None else f"{row.result.seconds:.0f}",
        )
    return table


def _axis_titles(sweep: Sweep) -> list[str]:
    """What varies, as short as can be: `budget` where there is one."""
    axes = sweep.record.axes
    budgets = [axis for axis in axes if axis.startswith("budget_")]
    titles = ["budget" if axis in budgets and len(budgets) == 1 else axis for axis in axes]
    return [title.removeprefix("set_").replace("_", " ") for title in titles]


def _most_telling(sweep: Sweep, most: int) -> tuple[SweptRun, ...]:
    """At most so many rows in their order: what goes on and what failed goes first."""
    order = ("running", "failed", "interrupted", "waiting", "infeasible", "finished")
    chosen = sorted(range(len(sweep.rows)), key=lambda index: order.index(sweep.rows[index].state))[:most]
    return tuple(sweep.rows[index] for index in sorted(chosen))


def _epoch(row: SweptRun) -> str:
    """`search 12`: the stage and the epoch that a run has come to."""
    try:
        epochs = RunFolder(row.folder).read_metrics()
    except InputError:  # it is being made
        epochs = []
    return f"{epochs[-1]['stage']} {epochs[-1]['epoch']}" if epochs else "running"


def _counted(sweep: Sweep) -> str:
    """`3 finished, 1 failed`."""
    return ", ".join(f"{count} {state}" for state, count in sweep.counts.items()) or "no runs"


def _told(sweep: Sweep, row: SweptRun) -> str:
    """How a run ended, in a line."""
    if row.result is None:
        return f"{row.state}: {shortened(printable(_one_line(row.error)), _LONGEST_ERROR)}"
    metric = sweep.record.metric
    score = row.score(metric.name)
    shown = [] if score is None else [f"validation {metric.title} {metric.shown(score)}"]
    amounts = [f"{limit.cost} {quantity(row.cost(limit.cost) or 0.0)}" for limit in row.budgets]
    return ", ".join([row.state, *shown, *amounts, f"{row.result.seconds:.0f} s"])


def _one_line(error: str) -> str:
    """A traceback's last line; another error in one line."""
    lines = error.strip().splitlines() or [""]
    return lines[-1] if lines[0].startswith("Traceback") else " ".join(error.split())


def _facts(sweep: Sweep, fronts: tuple[SweepFront, ...]) -> dict[str, Any]:
    return {
        "folder": str(sweep.folder),
        "axes": list(sweep.record.axes),
        "metric": sweep.record.metric.name,
        "counts": sweep.counts,
        "runs": [_run_facts(row) for row in sweep.rows],
        "fronts": {front.cost: [_point_facts(point) for point in front.front] for front in fronts},
    }


def _run_facts(row: SweptRun) -> dict[str, Any]:
    result = row.result
    return {
        "run": row.name,
        "values": row.values,
        "state": row.state,
        "budgets": plain(row.budgets),
        "metrics": None if result is None else plain(result.metrics),
        "costs": None if result is None else {name: cost.value for name, cost in result.costs.items()},
        "seconds": None if result is None else result.seconds,
        "error": row.error or None,
    }


def _point_facts(point: Any) -> dict[str, Any]:
    return {
        "values": point.values,
        "runs": list(point.runs),
        "best_run": point.best,
        **{name: getattr(point, name)._asdict() for name in ("cost", "validation", "test")},
    }
