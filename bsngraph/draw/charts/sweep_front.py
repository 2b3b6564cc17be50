"""The front of many searches: metric over cost, a panel a cost.

In: points, each a mean over seeds with its deviation, and the limits that nothing was
inside. Out: an SVG or PNG, made by matplotlib (extra `draw`). The points on the front
are joined by a line; an infeasible limit is a cross at the foot of its panel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bsngraph.draw.charts.axes import CHART_DPI, CHART_STYLE, FONT_POINTS, NoMatplotlibError, figure_bytes
from bsngraph.wording import printable, quantity, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDE_IN, _HIGH_IN, _FOOT_IN = 4.6, 3.4, 0.3
_FRONT, _OTHER, _INFEASIBLE = "#1F5FA8", "#9AA5B1", "#B3261E"
_MOST_LABELS = 12


@dataclass(frozen=True)
class PanelPoint:
    """A mean over seeds: cost and metric, each with its deviation, 0 for one seed."""

    cost: float
    cost_deviation: float
    metric: float
    metric_deviation: float
    on_front: bool
    label: str


@dataclass(frozen=True)
class SweepPanel:
    """A cost, with every point, the cheapest first, and the limits that nothing was
    inside. `percent` says that the metric is a share.
    """

    cost: str
    metric: str
    percent: bool
    higher_is_better: bool
    points: tuple[PanelPoint, ...]
    infeasible: tuple[float, ...]


def sweep_front_drawing(panels: Sequence[SweepPanel], form: str) -> bytes:
    """The picture as bytes, `form` being svg or png.

    Raises:
        NoMatplotlibError: matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise NoMatplotlibError from None

    with rc_context(CHART_STYLE):
        figure = Figure(figsize=(_WIDE_IN * len(panels), _HIGH_IN), dpi=CHART_DPI, layout="constrained")
        figure.get_layout_engine().set(rect=(0, _FOOT_IN / _HIGH_IN, 1, 1 - _FOOT_IN / _HIGH_IN))  # type: ignore[union-attr,call-arg]
        grid: Any = figure.subplots(1, len(panels), squeeze=False)
        for axes, panel in zip(grid.flat, panels, strict=True):
            _draw_front(axes, panel)
        _draw_front_legend(figure, panels)
        return figure_bytes(figure, form)


def _draw_front(axes: Axes, panel: SweepPanel) -> None:
    scale = 100 if panel.percent else 1
    for on_front, colour in ((False, _OTHER), (True, _FRONT)):
        points = [point for point in panel.points if point.on_front is on_front]
        axes.errorbar(
            [point.cost for point in points],
            [point.metric * scale for point in points],
            xerr=[point.cost_deviation for point in points],
            yerr=[point.metric_deviation * scale for point in points],
            color=colour,
            fmt="o-" if on_front else "o",
            markersize=4,
            linewidth=1.2,
            elinewidth=0.8,
            capsize=2,
        )
    _draw_labels(axes, panel, scale)
    for limit in panel.infeasible:
        axes.plot([limit], [0.03], "x", color=_INFEASIBLE, transform=axes.get_xaxis_transform(), markersize=6)
    _scale_front(axes, panel)


def _draw_labels(axes: Axes, panel: SweepPanel, scale: float) -> None:
    """Name the points of the front, while there is room."""
    front = [point for point in panel.points if point.on_front]
    for point in front if len(front) <= _MOST_LABELS else ():
        axes.annotate(
            shortened(printable(point.label), 28),
            (point.cost, point.metric * scale),
            xytext=(4, -9 if panel.higher_is_better else 5),
            textcoords="offset points",
            size=FONT_POINTS,
            color=_FRONT,
            parse_math=False,
        )


def _scale_front(axes: Axes, panel: SweepPanel) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: quantity(value)))
    axes.set_xlabel(shortened(printable(panel.cost)), parse_math=False)
    axes.set_ylabel(f"validation {panel.metric}{' (%)' if panel.percent else ''}", parse_math=False)
    axes.margins(x=0.12, y=0.15)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _draw_front_legend(figure: Figure, panels: Sequence[SweepPanel]) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=_FRONT, marker="o", markersize=4, label="none is better")]
    if any(not point.on_front for panel in panels for point in panel.points):
        handles.append(Line2D([], [], color=_OTHER, marker="o", markersize=4, linestyle="", label="others"))
    if any(panel.infeasible for panel in panels):
        handles.append(
            Line2D([], [], color=_INFEASIBLE, marker="x", linestyle="", label="no sub-network inside")
        )
    place: Any = {"loc": "lower left", "ncols": len(handles)}
    figure.legend(handles=handles, frameon=False, fontsize=FONT_POINTS, **place)
