"""A front as a chart: the shown metric over the cost, a point for each network.

In: the limits and the networks' figures. Out: an SVG or PNG, made by matplotlib (extra
`draw`), the same bytes for the same figures and version. The line steps along what is
best inside each limit; limits are ticks at the foot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bsngraph.draw.charts.axes import (
    CHART_DPI,
    CHART_STYLE,
    FONT_POINTS,
    NoMatplotlibError,
    figure_bytes,
    form_of,
)
from bsngraph.whole_files import write_whole
from bsngraph.wording import printable, quantity, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

VALIDATION_COLOUR, TEST_COLOUR = "#0072B2", "#D55E00"
_LIMIT_COLOUR = "#AAAAAA"
_SIZE_IN = (6.4, 4.0)
_LOGARITHMIC = 4.0  # the largest cost over the least, from which the axis is logarithmic


@dataclass(frozen=True)
class FrontPoint:
    """A network: what it costs, and its metric on validation and on test data."""

    name: str
    cost: float
    validation: float
    test: float


@dataclass(frozen=True)
class FrontChart:
    """Networks, the cheapest first, and the limits that they answer for; `cost` and
    `metric` name the axes.
    """

    cost: str
    metric: str
    limits: tuple[float, ...]
    points: tuple[FrontPoint, ...]


def render_front(chart: FrontChart, path: Path) -> None:
    """Draw a front to an .svg or .png file.

    Raises:
        InputError: another suffix, or the folder cannot be written to.
        NoMatplotlibError: matplotlib is not installed.
    """
    write_whole(path, front_drawing(chart, form_of(path, "a front is drawn")))


def front_drawing(chart: FrontChart, form: str) -> bytes:
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
        figure = Figure(figsize=_SIZE_IN, dpi=CHART_DPI)
        figure.subplots_adjust(left=0.12, right=0.97, top=0.93, bottom=0.13)
        axes = figure.subplots()
        _scale(axes, chart)
        _draw_limits(axes, chart.limits)
        _draw_points(axes, chart)
        axes.set_xlabel(shortened(printable(chart.cost), 60), parse_math=False)
        axes.set_ylabel(shortened(printable(chart.metric)), parse_math=False)
        axes.legend(loc="lower right", frameon=False, fontsize=FONT_POINTS + 1)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        return figure_bytes(figure, form)


def _scale(axes: Axes, chart: FrontChart) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    costs = [point.cost for point in chart.points if point.cost > 0]
    ends = [*costs, *chart.limits]
    if max(ends) >= _LOGARITHMIC * min(ends) and len(costs) == len(chart.points):
        axes.set_xscale("log")
        axes.set_xticks(_spread(sorted({*chart.limits})))
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: quantity(value)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}"))
    axes.grid(visible=True, color="#EEEEEE", linewidth=0.7)
    axes.set_axisbelow(True)


def _spread(values: Sequence[float], most: int = 9) -> Sequence[float]:
    """At most so many of the values, evenly taken."""
    return values[:: -(-len(values) // most)]


def _draw_limits(axes: Axes, limits: Sequence[float]) -> None:
    place: Any = axes.get_xaxis_transform()
    for number, limit in enumerate(limits):
        label = "limit" if number == 0 else None
        axes.plot([limit, limit], [0, 0.03], transform=place, color=_LIMIT_COLOUR, linewidth=1.2, label=label)


def _draw_points(axes: Axes, chart: FrontChart) -> None:
    costs = [point.cost for point in chart.points]
    validation = [point.validation for point in chart.points]
    far = [*costs, max(*costs, *chart.limits)]
    line: Any = {"color": VALIDATION_COLOUR, "linewidth": 1.2, "where": "post"}
    axes.step(far, [*validation, validation[-1]], **line)
    axes.plot(costs, validation, "o", color=VALIDATION_COLOUR, markersize=5, label="validation")
    test = [point.test for point in chart.points]
    axes.plot(costs, test, "s", color=TEST_COLOUR, markersize=4.5, fillstyle="none", label="test")
    for point in chart.points:
        axes.annotate(
            shortened(printable(point.name), 12),
            (point.cost, point.validation),
            xytext=(0, 5),
            textcoords="offset points",
            ha="center",
            fontsize=FONT_POINTS,
            parse_math=False,
        )
