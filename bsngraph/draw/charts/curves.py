"""Rows of metrics.jsonl → the curves of a run: loss, its task's metric, costs, λ and
the entropy of Γ over epochs (the paper's figure 4).

In: rows as they are written, plain dicts. Out: an SVG or PNG, made by matplotlib (extra
`draw`), the same bytes for the same rows and version. Epochs are counted on over the
stages of a run; burn-in is shaded, drops of the learning rate are dotted lines, and a
new stage is a solid one. `panels_of` and `marks_of` say what is drawn, `curves_drawing`
draws it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bsngraph.draw.charts.axes import FONT_POINTS, PNG_DPI, STYLE, NoMatplotlibError, figure_bytes, form_of
from bsngraph.whole_files import write_whole
from bsngraph.wording import printable, quantity, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Row = Mapping[str, Any]

TRAINING, VALIDATION, LIMIT = "#0072B2", "#D55E00", "#333333"
LINES = ("#0072B2", "#D55E00", "#009E73", "#AA4499", "#E69F00", "#332288", "#8B5A2B")
BURN_IN = "#EEEEEE"
_WIDE_IN, _PANEL_IN, _HEAD_IN, _FOOT_IN = 9.0, 2.1, 0.35, 0.45


@dataclass(frozen=True)
class Curve:
    """A line of a panel, from epoch to value; where no epoch lies between two values
    the line is broken.
    """

    label: str
    colour: str
    points: tuple[tuple[int, float], ...]
    dashed: bool = False
    stepped: bool = False


@dataclass(frozen=True)
class Panel:
    """Curves over one axis; `logarithmic` where all values are above 0 and far
    apart.
    """

    title: str
    curves: tuple[Curve, ...]
    logarithmic: bool = False


@dataclass(frozen=True)
class Marks:
    """What is marked on every panel: the epochs of burn-in, those a lower learning rate
    begins with, and first epochs of stages by name.
    """

    burn_in: tuple[int, ...]
    drops: tuple[int, ...]
    stages: tuple[tuple[int, str], ...]


def render_curves(rows: Sequence[Row], path: Path) -> None:
    """Draw the curves of a run to an .svg or .png file.

    Raises:
        InputError: another suffix, or the folder cannot be written to.
        NoMatplotlibError: matplotlib is not installed.
        KeyError, TypeError, ValueError: rows that are none of metrics.jsonl.
    """
    write_whole(path, curves_drawing(rows, form_of(path, "curves are drawn")))


def panels_of(rows: Sequence[Row]) -> list[Panel]:
    """What there is to draw: loss and the first metric of the task always, costs, λ and
    entropy where a search has learned them.

    A cost has a panel where it has a budget; without budgets MACs have one.
    """
    searched = [row for row in rows if "entropy" in row]
    panels = [_both(rows, "loss"), _both(rows, _metric(rows))]
    names = (
        list(searched[-1]["limits"]) or [name for name in ("macs",) if name in searched[-1]["costs"]]
        if searched
        else []
    )
    panels += [_cost_panel(rows, name) for name in names]
    budgets = list(searched[-1]["penalty"]) if searched else []
    if budgets:
        curves = tuple(
            Curve(name, LINES[index % len(LINES)], _points(rows, "penalty", name), stepped=True)
            for index, name in enumerate(budgets)
        )
        panels.append(Panel("λ", curves, _far_apart(curves)))
    if searched:
        panels.append(
            Panel("entropy of Γ", (Curve("mean over decisions", TRAINING, _points(rows, "entropy")),))
        )
    return panels


def marks_of(rows: Sequence[Row]) -> Marks:
    """The marks, by numbers of epochs counted from 1 over the whole run."""
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


def curves_drawing(rows: Sequence[Row], form: str) -> bytes:
    """The picture as bytes, `form` being svg or png.

    Raises:
        NoMatplotlibError: matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise NoMatplotlibError from None

    panels, marks = panels_of(rows), marks_of(rows)
    lines = -(-len(panels) // 2)
    height = _HEAD_IN + _PANEL_IN * lines + _FOOT_IN
    with rc_context(STYLE):
        figure = Figure(figsize=(_WIDE_IN, height), dpi=PNG_DPI)
        grid = figure.subplots(lines, 2, squeeze=False, sharex=True)
        figure.subplots_adjust(
            left=0.07,
            right=0.985,
            top=1 - _HEAD_IN / height,
            bottom=(_FOOT_IN + 0.25) / height,
            hspace=0.3,
            wspace=0.16,
        )
        for axes, panel in zip(grid.flat, panels, strict=False):
            _draw_panel(axes, panel, marks, len(rows))
        for axes in grid.flat[len(panels) :]:
            axes.set_visible(False)
        for column in (0, 1):  # the lowest panel of each column bears the numbers of epochs
            lowest = grid[lines - 1 if column < 1 or len(panels) % 2 == 0 else lines - 2, column]
            lowest.tick_params(labelbottom=True)
            lowest.set_xlabel("epoch", labelpad=1)
        _legend(figure, marks)
        return figure_bytes(figure, form)


def _metric(rows: Sequence[Row]) -> str:
    """The headline of the task: the first that is written after the loss."""
    names = [name.removeprefix("validation_") for name in rows[0] if name.startswith("validation_")]
    headline = next((name for name in names if name != "loss"), None)
    if headline is None:
        raise ValueError("the first row has no validation metric")
    return headline


def _both(rows: Sequence[Row], name: str) -> Panel:
    curves = (
        Curve("training", TRAINING, _points(rows, f"train_{name}")),
        Curve("validation", VALIDATION, _points(rows, f"validation_{name}")),
    )
    return Panel(name.replace("_", " "), curves, name == "loss" and _far_apart(curves))


def _cost_panel(rows: Sequence[Row], name: str) -> Panel:
    curves = [
        Curve("expected", TRAINING, _points(rows, "costs", name, "sampled")),
        Curve("Γ > ½", VALIDATION, _points(rows, "costs", name, "thresholded")),
    ]
    limits = _points(rows, "limits", name)
    if limits:
        curves.append(Curve("limit in force", LIMIT, limits, dashed=True, stepped=True))
    return Panel(name, tuple(curves))


def _points(rows: Sequence[Row], *path: str) -> tuple[tuple[int, float], ...]:
    """Epoch and value of every row that has one."""
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
    return bool(values) and min(values) > 0 and max(values) > 20 * min(values)


def _draw_panel(axes: Axes, panel: Panel, marks: Marks, epochs: int) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

    if marks.burn_in:
        axes.axvspan(min(marks.burn_in) - 0.5, max(marks.burn_in) + 0.5, color=BURN_IN, linewidth=0)
    for drop in marks.drops:
        axes.axvline(drop - 0.5, color="#888888", linewidth=0.9, linestyle=":")
    for first, _ in marks.stages[1:]:
        axes.axvline(first - 0.5, color="#888888", linewidth=0.9)
    for curve in panel.curves:
        for points in _unbroken(curve.points):
            epoch, values = zip(*points, strict=True)
            style: Any = {
                "color": curve.colour,
                "linewidth": 1.1,
                "linestyle": (0, (4, 2)) if curve.dashed else "-",
            }
            axes.plot(
                epoch,
                values,
                drawstyle="steps-mid" if curve.stepped else "default",
                marker="." if len(epoch) < 2 else "",
                **style,
            )
    if panel.logarithmic:
        axes.set_yscale("log")
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: quantity(value)))
    axes.set_xlim(0.5, max(epochs, 1) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.set_title(
        shortened(printable(panel.title)), loc="left", size=FONT_POINTS + 2, pad=3, parse_math=False
    )
    _key(axes, panel)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _key(axes: Axes, panel: Panel) -> None:
    """Which line is which, to the right of the panel's title."""
    right = 1.0
    for curve in reversed(panel.curves if len(panel.curves) > 1 else ()):
        text = shortened(printable(curve.label), 18)
        style: Any = {"color": curve.colour, "ha": "right", "va": "bottom", "parse_math": False}
        axes.text(right, 1.015, f"{'╌' if curve.dashed else '─'} {text}", transform=axes.transAxes, **style)
        right -= 0.0155 * (len(text) + 3.5)


def _unbroken(points: Sequence[tuple[int, float]]) -> list[list[tuple[int, float]]]:
    """Runs of consecutive epochs."""
    runs: list[list[tuple[int, float]]] = []
    for point in points:
        if not runs or point[0] != runs[-1][-1][0] + 1:
            runs.append([])
        runs[-1].append(point)
    return runs


def _legend(figure: Figure, marks: Marks) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = []
    if marks.burn_in:
        handles.append(Patch(color=BURN_IN, label="burn-in: only the weights learn"))
    if marks.drops:
        handles.append(
            Line2D([], [], color="#888888", linewidth=0.9, linestyle=":", label="the learning rate drops")
        )
    if len(marks.stages) > 1:
        later = ", ".join(printable(name) for _, name in marks.stages[1:])
        handles.append(
            Line2D([], [], color="#888888", linewidth=0.9, label=f"next stage: {shortened(later, 60)}")
        )
    if handles:
        figure.legend(
            handles=handles, loc="lower left", ncols=len(handles), frameon=False, fontsize=FONT_POINTS
        )
