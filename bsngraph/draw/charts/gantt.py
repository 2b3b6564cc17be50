"""Schedules → a Gantt chart: a row for each core, a bar for each edge from its start to
its end.

In: a fabric and what ran where and when. Out: an SVG or PNG, made by matplotlib (extra
`draw`), the same bytes for the same input and version. Bars have the colours of the
fabric's picture and bear the edges' names. A bar that is too small for its name bears a
number, and the name stands below the chart.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bsngraph.costs.schedules.scheduled_edge import ScheduledEdge
from bsngraph.draw.charts.axes import (
    CHART_DPI,
    CHART_STYLE,
    FONT_POINTS,
    NoMatplotlibError,
    figure_bytes,
    form_of,
)
from bsngraph.draw.charts.gantt_labels import (
    BAR_HEIGHT,
    CHARACTER_POINTS,
    ROW_IN,
    bar_label,
    ink_on,
    legend_columns,
    numbered_names,
    without_room,
    wrapped,
)
from bsngraph.draw.palette import Family, family_of
from bsngraph.errors import InputError
from bsngraph.fabric.model import Fabric
from bsngraph.whole_files import write_whole
from bsngraph.wording import percent, printable, quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LANE = "#F1F1F1"
_HEAD_IN, _AXIS_IN, _LEFT_IN, _RIGHT_IN, _LINE_IN = 0.36, 0.42, 0.75, 0.3, 0.16
_NARROWEST_IN, _WIDEST_IN = 6.0, 22.0
_LEAST_BAR_IN, _MOST_BAR_IN = 0.5, 1.5  # the width that the shortest bar should have, as names need
MOST_BARS = 2_000
_MOST_IDLE = 64  # cores: further ones are drawn only if something runs on them


@dataclass(frozen=True)
class Chart:
    """A schedule to draw: the edges that ran on `cores` cores (from 0), the value `end`
    of its cost, in `unit`. `note` stands below it.
    """

    title: str
    unit: str
    cores: int
    jobs: tuple[ScheduledEdge, ...]
    end: float
    note: str = ""

    @property
    def rows(self) -> int:
        """The cores that are drawn."""
        busy = max((job.core for job in self.jobs), default=0) + 1
        return min(self.cores, max(busy, _MOST_IDLE))


def check_bars(count: int) -> None:
    """Check that a schedule of so many edges can be drawn.

    Raises:
        InputError: it has more than `MOST_BARS`.
    """
    if count > MOST_BARS:
        raise InputError(
            f"a schedule of {count:,} edges that take time is not drawn: at most {MOST_BARS:,} can be told "
            "apart"
        )


def render_gantt(fabric: Fabric, charts: Sequence[Chart], path: Path) -> None:
    """Draw schedules of edges of one fabric, one below the other over the same axis of
    time, to an .svg or .png file.

    Raises:
        InputError: another suffix, or the folder cannot be written to.
        NoMatplotlibError: matplotlib is not installed.
    """
    write_whole(path, gantt_drawing(fabric, charts, form_of(path, "a schedule is drawn")))


def gantt_drawing(fabric: Fabric, charts: Sequence[Chart], form: str) -> bytes:
    """The picture as bytes, `form` being svg or png.

    Raises:
        InputError: there is more to draw than `MOST_BARS` edges.
        NoMatplotlibError: matplotlib is not installed.
    """
    check_bars(max((len(chart.jobs) for chart in charts), default=0))
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise NoMatplotlibError from None

    width = _width(fabric, charts)
    inside = width - _LEFT_IN - _RIGHT_IN
    longest = max((chart.end for chart in charts), default=0.0)
    feet = []
    for chart in charts:
        edges = without_room(fabric, chart.jobs, inside / (longest or 1.0))
        feet.append([*numbered_names(fabric, edges, inside), *wrapped(printable(chart.note), inside)])
    heights = [
        _HEAD_IN + ROW_IN * chart.rows + _AXIS_IN + _LINE_IN * len(foot)
        for chart, foot in zip(charts, feet, strict=True)
    ]
    families = _families(fabric, charts)
    columns = legend_columns([printable(family.name) for family in families], width)
    height = sum(heights) + _HEAD_IN + _LINE_IN * (-(-len(families) // columns) - 1 if families else 0)
    with rc_context(CHART_STYLE), warnings.catch_warnings():
        # a name in a script that the font lacks: whoever views the SVG may have it
        warnings.filterwarnings("ignore", message="Glyph ")
        figure = Figure(figsize=(width, height), dpi=CHART_DPI)
        top = height
        for chart, foot, own in zip(charts, feet, heights, strict=True):
            bottom = top - _HEAD_IN - ROW_IN * chart.rows
            box = (_LEFT_IN / width, bottom / height, inside / width, ROW_IN * chart.rows / height)
            draw_chart(figure.add_axes(box), fabric, chart, longest)
            if foot:
                below: Any = {"va": "top", "size": FONT_POINTS, "parse_math": False}
                figure.text(_LEFT_IN / width, (bottom - _AXIS_IN) / height, "\n".join(foot), **below)
            top -= own
        _legend(figure, families, columns)
        return figure_bytes(figure, form)


def draw_chart(axes: Axes, fabric: Fabric, chart: Chart, longest: float | None = None) -> list[int]:
    """Draw one schedule on matplotlib axes of its own, the time axis up to `longest`
    (None: to its end).

    Gives the edges whose bars bear numbers for want of room, from number 1 on.
    """
    until = (longest if longest is not None else chart.end) or 1.0
    per_unit = axes.get_window_extent().width / axes.figure.dpi / until
    numbered = without_room(fabric, chart.jobs, per_unit)
    numbers = {edge: number for number, edge in enumerate(numbered, start=1)}
    for core in range(chart.rows):
        axes.barh(core, until, color=LANE, height=BAR_HEIGHT, linewidth=0)
    for job in chart.jobs:
        _draw_bar(axes, fabric, job, per_unit, numbers.get(job.edge))
    axes.axvline(chart.end, color="#333333", linewidth=1.0, linestyle=(0, (4, 2)))
    _frame(axes, chart, until)
    return numbered


def _draw_bar(axes: Axes, fabric: Fabric, job: ScheduledEdge, per_unit: float, number: int | None) -> None:
    """Draw the bar of one edge with its name, or with its number."""
    edge = fabric.edges[job.edge]
    colour = family_of(edge.op, edge.arguments).colour
    length = job.end - job.start
    bar: Any = {"color": colour, "height": BAR_HEIGHT, "edgecolor": "white", "linewidth": 0.8}
    axes.barh(job.core, length, left=job.start, **bar)
    turned, text = bar_label(edge, job, per_unit)
    height, ink = float(job.core), ink_on(colour)
    if number is not None:
        text = str(number)
        if 72 * length * per_unit < len(text) * CHARACTER_POINTS:
            # so that numbers of neighbours do not cover each other
            height += (0.0, -0.28, 0.28)[number % 3]
            ink = "black"
    style: Any = {"color": ink, "ha": "center", "va": "center", "rotation": turned, "size": FONT_POINTS}
    axes.text((job.start + job.end) / 2, height, text, parse_math=False, **style)


def _frame(axes: Axes, chart: Chart, until: float) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_title(printable(_title(chart)), loc="left", size=FONT_POINTS + 2, parse_math=False)
    axes.set_yticks(range(chart.rows), [f"core {core + 1}" for core in range(chart.rows)])
    axes.set_ylim(chart.rows - 0.5, -0.5)
    axes.set_xlim(0, until)
    axes.set_xlabel(chart.unit or "time", labelpad=1)
    axes.xaxis.set_major_locator(MaxNLocator(10, integer=all(job.end.is_integer() for job in chart.jobs)))
    axes.tick_params(left=False)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _title(chart: Chart) -> str:
    busy = sum(job.end - job.start for job in chart.jobs) / (chart.end * chart.cores) if chart.end else 0.0
    cores = "cores" if chart.cores > 1 else "core"
    value = f"{chart.title} = {quantity(chart.end)} {chart.unit}".rstrip()
    return f"{value}, {chart.cores} {cores} {percent(busy)} busy"


def _width(fabric: Fabric, charts: Sequence[Chart]) -> float:
    """Inches, so that the shortest bar has room for a name if that is possible."""
    longest = max((chart.end for chart in charts), default=0.0)
    shortest = min((job.end - job.start for chart in charts for job in chart.jobs), default=1.0)
    letters = max((len(fabric.edges[job.edge].name) for chart in charts for job in chart.jobs), default=0)
    bar = min(max((letters + 1) * CHARACTER_POINTS / 72, _LEAST_BAR_IN), _MOST_BAR_IN)
    wanted = _LEFT_IN + _RIGHT_IN + bar * longest / shortest
    return min(max(wanted, _NARROWEST_IN), _WIDEST_IN)


def _families(fabric: Fabric, charts: Sequence[Chart]) -> list[Family]:
    """The families of what ran, in the palette's order."""
    ran = {job.edge for chart in charts for job in chart.jobs}
    families = {family_of(fabric.edges[edge].op, fabric.edges[edge].arguments) for edge in ran}
    return sorted(families, key=lambda family: (family.rank, family.name))


def _legend(figure: Figure, families: Sequence[Family], columns: int) -> None:
    from matplotlib.patches import Patch

    handles = [Patch(color=family.colour, label=printable(family.name)) for family in families]
    if handles:
        place: Any = {"loc": "lower left", "ncols": columns}
        figure.legend(handles=handles, frameon=False, fontsize=FONT_POINTS, **place)
