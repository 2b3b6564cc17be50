"""What `bsngraph list` prints: a run a line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import click
from rich import box
from rich.table import Table
from rich.text import Text

from bsngraph.cli.tables.printing import plain_console
from bsngraph.errors import InputError, nearest
from bsngraph.reporting.facts.metric_words import metric_title, metric_value
from bsngraph.runs.overview.listed_run import ListedRun
from bsngraph.wording import printable, quantity, shortened

_STYLES = {"finished": "", "running": "green", "can resume": "yellow", "broken": "red"}
_STATES = tuple(_STYLES)
_LONGEST_WHY = 200
_WIDEST = 10_000

#: What a column is ordered by. None stands for what a run does not have.
_COLUMNS: Mapping[str, Callable[[ListedRun], Any]] = {
    "run": lambda run: str(run.path),
    "fabric": lambda run: run.fabric,
    "data": lambda run: run.data,
    "budgets": lambda run: [budget.text for budget in run.budgets] or None,
    "metric": lambda run: run.score.value if run.score else None,
    "state": lambda run: _STATES.index(run.state),
    "time": lambda run: run.seconds,
    "seconds": lambda run: run.seconds,  # as --format json calls it
}


def sorted_runs(runs: Sequence[ListedRun], column: str, *, reverse: bool) -> list[ListedRun]:
    """The runs by a column or by a cost, smallest value first; those without a value
    stand last in any case.

    Raises:
        InputError: there is no such column, and no run has such a cost.
    """
    costs = _known_costs(runs)
    if column in _COLUMNS:
        value = _COLUMNS[column]
    elif column in costs:

        def value(run: ListedRun) -> Any:
            return (run.costs or {}).get(column)

    else:
        raise InputError(
            f"--sort {printable(column)}: no such column: {nearest(column, {*_COLUMNS, *costs})}"
        )
    known = [run for run in runs if value(run) is not None]
    rest = [run for run in runs if value(run) is None]
    return sorted(known, key=value, reverse=reverse) + rest


def asked_costs(runs: Sequence[ListedRun], names: str | None) -> tuple[str, ...]:
    """The costs that are asked for, of one text; none without it.

    Raises:
        InputError: no run has one of them.
    """
    found = () if names is None else tuple(dict.fromkeys(name.strip() for name in names.split(",")))
    known = _known_costs(runs)
    for name in found:
        if name not in known:
            raise InputError(f"--costs {printable(name)}: no run has such a cost: {nearest(name, known)}")
    return found


def _known_costs(runs: Sequence[ListedRun]) -> set[str]:
    return {name for run in runs for name in run.costs or ()}


def show_runs(runs: Sequence[ListedRun], form: str, costs: Sequence[str] = (), *, complete: bool) -> None:
    """Print the runs as JSON or as a table (`form` is json or text), with a column for
    each of `costs`; without any, each run shows those that it has a budget for.
    """
    if form == "json":
        facts = {"runs": [_facts(run) for run in runs], "complete": complete}
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    console = plain_console()
    if not runs:
        console.print("there are no runs")
        return
    table = Table(box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    for heading in ("run", "fabric", "data", "budgets", "metric", *(costs or ["costs"]), "state", "time"):
        table.add_column(_plain(heading), overflow="fold", no_wrap=heading in (*costs, "state", "time"))
    for run in runs:
        table.add_row(
            _plain(os.fspath(run.path)),
            _plain(run.fabric),
            _plain(run.data),
            _plain(", ".join(budget.text for budget in run.budgets)),
            _plain(_metric(run)),
            *([_cost(run, name) for name in costs] or [_budgeted(run)]),
            Text(run.state, _STYLES[run.state]),
            _time(run.seconds),
        )
    if not console.is_terminal and "COLUMNS" not in os.environ:
        wide = console.options.update(max_width=_WIDEST)  # a line a run, for programs
        console.width = console.measure(table, options=wide).maximum
    console.print(table)
    for run in runs:
        if run.why:
            why = shortened(printable(run.why), _LONGEST_WHY)
            console.print(f"{printable(os.fspath(run.path))} is broken: {why}", soft_wrap=True)


def _facts(run: ListedRun) -> dict[str, Any]:
    """A run as `--format json` says it."""
    said = asdict(run)
    units = said.pop("units") or {}
    said["costs"] = {
        name: {"value": value, "unit": units[name]} for name, value in (said["costs"] or {}).items()
    }
    return said | {"path": os.fspath(run.path), "metric": said.pop("score")}


def _plain(text: str | None) -> Text:
    """A text of a file: no markup, and nothing that moves the cursor or turns the line
    round.
    """
    return Text(printable(text or ""), overflow="fold")


def _metric(run: ListedRun) -> str:
    score = run.score
    if score is None:
        return ""
    so_far = f" on validation data at epoch {run.epochs}" if score.split == "validation" else ""
    return f"{shortened(metric_title(score.name))} {metric_value(score.name, score.value)}{so_far}"


def _cost(run: ListedRun, name: str) -> Text:
    """A cost with its unit, if the name does not say what is counted; empty if the run
    does not have it.
    """
    costs, unit = run.costs or {}, (run.units or {}).get(name, "")
    if name not in costs:
        return Text()
    counted = unit.lower().startswith(name.rstrip("s")) or name.startswith(unit.lower())
    return _plain(quantity(costs[name]) if counted else f"{quantity(costs[name])} {unit}")


def _budgeted(run: ListedRun) -> Text:
    """The costs that are budgeted, or else MACs."""
    met = {budget.cost: budget.met for budget in run.budgets} or {"macs": None}
    verdicts: dict[bool | None, str] = {False: " NOT met"}
    shown = [f"{name} {_cost(run, name)}{verdicts.get(met[name], '')}" for name in met if _cost(run, name)]
    return _plain(", ".join(shown))


def _time(seconds: float | None) -> str:
    """`42 s`, `7:05` in minutes, `2:07:05` in hours."""
    if seconds is None:
        return ""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
