"""One panel of curves on matplotlib axes, and the legend of its marks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bsngraph.draw.charts.axes import FONT_POINTS
from bsngraph.draw.charts.curve_panels import Curve, Marks, Panel
from bsngraph.wording import printable, quantity, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BURN_IN = "#EEEEEE"
_DROP: Any = {"color": "#888888", "linewidth": 0.9, "linestyle": ":"}
_STAGE: Any = {"color": "#888888", "linewidth": 0.9}


def draw_panel(axes: Axes, panel: Panel, marks: Marks, epochs: int) -> None:
    """Draw a panel over `epochs` epochs."""
    _draw_marks(axes, marks)
    for curve in panel.curves:
        _draw_curve(axes, curve)
    _scale(axes, panel, epochs)
    title = shortened(printable(panel.title))
    axes.set_title(title, loc="left", size=FONT_POINTS + 2, pad=3, parse_math=False)
    _draw_key(axes, panel)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def draw_legend(figure: Figure, marks: Marks) -> None:
    """Say below all panels what the marks mean."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = []
    if marks.burn_in:
        handles.append(Patch(color=BURN_IN, label="burn-in: only the weights learn"))
    if marks.drops:
        handles.append(Line2D([], [], label="the learning rate drops", **_DROP))
    if len(marks.stages) > 1:
        later = ", ".join(printable(name) for _, name in marks.stages[1:])
        handles.append(Line2D([], [], label=f"next stage: {shortened(later, 60)}", **_STAGE))
    if handles:
        place: Any = {"loc": "lower left", "ncols": len(handles)}
        figure.legend(handles=handles, frameon=False, fontsize=FONT_POINTS, **place)


def _draw_marks(axes: Axes, marks: Marks) -> None:
    if marks.burn_in:
        axes.axvspan(min(marks.burn_in) - 0.5, max(marks.burn_in) + 0.5, color=BURN_IN, linewidth=0)
    for drop in marks.drops:
        axes.axvline(drop - 0.5, **_DROP)
    for first, _ in marks.stages[1:]:
        axes.axvline(first - 0.5, **_STAGE)


def _draw_curve(axes: Axes, curve: Curve) -> None:
    style: Any = {
        "color": curve.colour,
        "linewidth": 1.1,
        "linestyle": (0, (4, 2)) if curve.dashed else "-",
        "drawstyle": "steps-mid" if curve.stepped else "default",
    }
    for points in _unbroken(curve.points):
        epochs, values = zip(*points, strict=True)
        axes.plot(epochs, values, marker="." if len(epochs) < 2 else "", **style)


def _scale(axes: Axes, panel: Panel, epochs: int) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

    if panel.logarithmic:
        axes.set_yscale("log")
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: quantity(value)))
    axes.set_xlim(0.5, max(epochs, 1) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))


def _draw_key(axes: Axes, panel: Panel) -> None:
    """Say which line is which, to the right of the panel's title."""
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
