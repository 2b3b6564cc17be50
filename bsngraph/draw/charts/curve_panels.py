"""Rows of metrics.jsonl → what the curves of a run show: panels and marks.

In: rows as they are written, plain dicts. Epochs are counted from 1 over all stages of
a run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

MetricsLine = Mapping[str, Any]

TRAINING, VALIDATION, LIMIT = "#0072B2", "#D55E00", "#333333"
LINES = ("#0072B2", "#D55E00", "#009E73", "#AA4499", "#E69F00", "#332288", "#8B5A2B")
_LOSSES = ("loss", "weighted_loss")  # the second one with class weights
_FAR_APART = 20  # largest over smallest value, for a logarithmic axis


@dataclass(frozen=True)
class Curve:
    """A line of a panel, from epoch to value. It is broken where an epoch has no
    value.
    """

    label: str
    colour: str
    points: tuple[tuple[int, float], ...]
    dashed: bool = False
    stepped: bool = False


@dataclass(frozen=True)
class Panel:
    """Curves over one axis, `logarithmic` if all values are above 0 and far apart."""

    title: str
    curves: tuple[Curve, ...]
    logarithmic: bool = False


@dataclass(frozen=True)
class Marks:
    """What is marked on every panel: the epochs of burn-in, the epochs that begin with
    a lower learning rate, and the first epoch of each stage with its name.
    """

    burn_in: tuple[int, ...]
    drops: tuple[int, ...]
    stages: tuple[tuple[int, str], ...]


def panels_of(rows: Sequence[MetricsLine]) -> list[Panel]:
    """What there is to draw: loss and the first metric of the task always; costs, λ and
    entropy if a search has learned them.

    A cost has a panel if it has a budget; without budgets MACs have one.
    """
    loss = next(name for name in _LOSSES if f"train_{name}" in rows[-1])
    panels = [_both(rows, loss), _both(rows, _metric(rows))]
    searched = [row for row in rows if "entropy" in row]
    if not searched:
        return panels
    last = searched[-1]
    names = list(last["limits"]) or [name for name in ("macs",) if name in last["costs"]]
    panels += [_cost_panel(rows, name) for name in names]
    if last["penalty"]:
        panels.append(_multiplier_panel(rows, list(last["penalty"])))
    entropy = Curve("mean over decisions", TRAINING, _points(rows, "entropy"))
    return [*panels, Panel("entropy of Γ", (entropy,))]


def marks_of(rows: Sequence[MetricsLine]) -> Marks:
    """The marks of a run."""
    numbered = list(enumerate(rows, start=1))
    return Marks(
        burn_in=tuple(number for number, row in numbered if row.get("burn_in")),
        drops=tuple(
            number
            for (_, before), (number, row) in pairwise(numbered)
            if before["stage"] == row["stage"]
            and float(row["learning_rate"]) < float(before["learning_rate"])
        ),
        stages=tuple(
            (number, str(row["stage"]))
            for number, row in numbered
            if number == 1 or rows[number - 2]["stage"] != row["stage"]
        ),
    )


def _metric(rows: Sequence[MetricsLine]) -> str:
    """The headline of the task: the first metric that is written after the loss."""
    names = [name.removeprefix("validation_") for name in rows[0] if name.startswith("validation_")]
    headline = next((name for name in names if name not in _LOSSES), None)
    if headline is None:
        raise ValueError("the first row has no validation metric")
    return headline


def _both(rows: Sequence[MetricsLine], name: str) -> Panel:
    """A metric on training and on validation data."""
    curves = (
        Curve("training", TRAINING, _points(rows, f"train_{name}")),
        Curve("validation", VALIDATION, _points(rows, f"validation_{name}")),
    )
    return Panel(name.replace("_", " "), curves, name in _LOSSES and _far_apart(curves))


def _cost_panel(rows: Sequence[MetricsLine], name: str) -> Panel:
    curves = [
        Curve("expected", TRAINING, _points(rows, "costs", name, "sampled")),
        Curve("Γ > ½", VALIDATION, _points(rows, "costs", name, "thresholded")),
    ]
    limits = _points(rows, "limits", name)
    if limits:
        curves.append(Curve("limit in force", LIMIT, limits, dashed=True, stepped=True))
    return Panel(name, tuple(curves))


def _multiplier_panel(rows: Sequence[MetricsLine], budgets: Sequence[str]) -> Panel:
    curves = tuple(
        Curve(name, LINES[index % len(LINES)], _points(rows, "penalty", name), stepped=True)
        for index, name in enumerate(budgets)
    )
    return Panel("λ", curves, _far_apart(curves))


def _points(rows: Sequence[MetricsLine], *path: str) -> tuple[tuple[int, float], ...]:
    """Epoch and value of every row that has one under `path`."""
    points = []
    for number, row in enumerate(rows, start=1):
        value: Any = row
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is not None:
            points.append((number, float(value)))
    return tuple(points)


def _far_apart(curves: Sequence[Curve]) -> bool:
    values = [value for curve in curves for _, value in curve.points]
    return bool(values) and min(values) > 0 and max(values) > _FAR_APART * min(values)
