"""Curves over epochs: what the page's script draws, and a table of their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bsngraph.draw.charts.curve_panels import Curve, Marks, MetricsLine, Panel, marks_of, panels_of
from bsngraph.reporting.facts.metric_words import is_share, metric_title
from bsngraph.runs.rows.epochs import EpochRow, flat
from bsngraph.wording import printable, quantity, ranges, shortened

_MOST_POINTS, _MOST_LINES = 1_000, 60


@dataclass(frozen=True)
class EpochTable:
    """The numbers behind the curves; `left_out` says that not every epoch is there."""

    headings: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    left_out: bool


@dataclass(frozen=True)
class CurvesSection:
    """`data` is plain values for the script, `stages` are lines for people."""

    data: dict[str, Any]
    stages: tuple[str, ...]
    table: EpochTable


def curves_of(epochs: Sequence[EpochRow]) -> CurvesSection | None:
    """The curves of a run, None before its first epoch.

    Of more than 1,000 epochs some are left out, evenly.
    """
    if not epochs:
        return None
    rows: list[MetricsLine] = [flat(row) for row in epochs]
    panels, marks = panels_of(rows), marks_of(rows)
    shown = _spread(len(rows), _MOST_POINTS)
    data = {
        "epochs": shown,
        "panels": [_panel_data(panel, shown) for panel in panels],
        "burnIn": [min(marks.burn_in), max(marks.burn_in)] if marks.burn_in else None,
        "drops": [drop for drop in marks.drops if epochs[drop - 1].stage != "finalist"],
        "stages": [[first, name] for first, name in marks.stages],
    }
    return CurvesSection(data, _stage_lines(marks, len(rows)), _table(rows, panels))


def _panel_data(panel: Panel, shown: Sequence[int]) -> dict[str, Any]:
    name = panel.title.replace(" ", "_")
    return {
        "title": shortened(printable(metric_title(name))),
        "percent": is_share(name),
        "log": panel.logarithmic,
        "series": [_series(curve, shown) for curve in panel.curves],
    }


def _series(curve: Curve, shown: Sequence[int]) -> dict[str, Any]:
    values = dict(curve.points)
    return {
        "label": shortened(printable(curve.label)),
        "colour": curve.colour,
        "dashed": curve.dashed,
        "stepped": curve.stepped,
        "values": [None if values.get(epoch) is None else float(f"{values[epoch]:.5g}") for epoch in shown],
    }


def _stage_lines(marks: Marks, count: int) -> tuple[str, ...]:
    """`search: epochs 1 to 60`, one a stage."""
    ends = [first - 1 for first, _ in marks.stages[1:]] + [count]
    lines = []
    for (first, name), last in zip(marks.stages, ends, strict=True):
        burnt = [epoch for epoch in marks.burn_in if first <= epoch <= last]
        burn_in = f" (burn-in until {burnt[-1]})" if burnt else ""
        lines.append(f"{name}: epoch{'' if first == last else 's'} {ranges(range(first, last + 1))}{burn_in}")
    return tuple(lines)


def _table(rows: Sequence[MetricsLine], panels: Sequence[Panel]) -> EpochTable:
    shown = _spread(len(rows), _MOST_LINES)
    curves = [(panel, curve, dict(curve.points)) for panel in panels for curve in panel.curves]
    headings = [f"{panel.title}, {curve.label}" for panel, curve, _ in curves]
    lines = [
        (
            str(epoch),
            str(rows[epoch - 1]["stage"]),
            *(quantity(values[epoch]) if epoch in values else "" for _, _, values in curves),
        )
        for epoch in shown
    ]
    return EpochTable(("epoch", "stage", *headings), tuple(lines), left_out=len(shown) < len(rows))


def _spread(count: int, most: int) -> list[int]:
    """Up to `most` epochs from 1 to `count`, evenly, the first and the last among
    them.
    """
    if count <= most:
        return list(range(1, count + 1))
    return [1 + round(number * (count - 1) / (most - 1)) for number in range(most)]
