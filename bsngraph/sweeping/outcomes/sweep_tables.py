"""sweep.csv, a row a run, and front.csv, a row a point of a front."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from bsngraph.sweeping.outcomes.fronts import SEED_AXIS, Spread, SweepFront
from bsngraph.sweeping.outcomes.swept_runs import Sweep, SweptRun

# A spreadsheet takes a text that begins so for a formula.
_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def sweep_text(sweep: Sweep) -> str:
    """The text of sweep.csv: what varied, the state, metrics, costs, seconds, and the
    error in one line.
    """
    results = [row.result for row in sweep.rows if row.result is not None]
    axes = sweep.record.axes
    costs = _each(result.costs for result in results)
    validation = _each(_numbers(result.metrics.validation) for result in results)
    test = _each(_numbers(result.metrics.test) for result in results)
    header = ["run", *axes, "state", *(f"validation_{name}" for name in validation)]
    header += [*(f"test_{name}" for name in test), *(f"cost_{name}" for name in costs)]
    header += ["edges_kept", "seconds", "error"]

    def cells(row: SweptRun) -> list[object]:
        result = row.result
        return [
            row.name,
            *(row.values.get(axis, "") for axis in axes),
            row.state,
            *(_shown(row.score(name)) for name in validation),
            *(_shown(row.score(name, "test")) for name in test),
            *(_shown(row.cost(name)) for name in costs),
            "" if result is None else result.edges.kept,
            "" if result is None else result.seconds,
            " ".join(row.error.split()),
        ]

    return _table(header, map(cells, sweep.rows))


def front_table_text(sweep: Sweep, fronts: Sequence[SweepFront]) -> str:
    """The text of front.csv: for each budgeted cost the points that none is better
    than, the cheapest first. Deviations are empty for one seed.
    """
    axes, metric = [axis for axis in sweep.record.axes if axis != SEED_AXIS], sweep.record.metric.name
    header = ["cost", "unit", "cost_mean", "cost_deviation"]
    for split in ("validation", "test"):
        header += [f"{split}_{metric}_mean", f"{split}_{metric}_deviation"]
    rows: list[list[object]] = [
        [
            *(front.cost, front.unit, *_pair(point.cost), *_pair(point.validation), *_pair(point.test)),
            *(len(point.runs), point.best),
            *(point.values.get(axis, "") for axis in axes),
        ]
        for front in fronts
        for point in front.front
    ]
    return _table([*header, "runs", "best_run", *axes], rows)


def _numbers(scores: Mapping[str, object]) -> list[str]:
    return [name for name, value in scores.items() if isinstance(value, float | int)]


def _each(names: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(chain.from_iterable(names)))


def _shown(value: float | None) -> object:
    return "" if value is None else value


def _pair(spread: Spread) -> tuple[object, object]:
    return spread.mean, _shown(spread.deviation)


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in chain([header], rows):
        writer.writerow([_safe(cell) if isinstance(cell, str) else cell for cell in row])
    return text.getvalue()


def _safe(text: str) -> str:
    """The text, with a quote before what a spreadsheet would take for a formula."""
    return f"'{text}" if text.startswith(_BEGINS_FORMULA) else text
