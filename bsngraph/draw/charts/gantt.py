"""Schedules → a Gantt chart: a row for each core, a bar for each edge from its start to
its end.

In: a fabric and what ran where and when. Out: an SVG or PNG, made by matplotlib (extra
`draw`), the same bytes for the same input and version. Bars have the colours of the
fabric's picture and bear the edges' names; where a name does not fit its bar, the bar
bears a number, and the name stands below the chart.
"""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bsngraph.costs.schedules.scheduled_edge import ScheduledEdge
from bsngraph.draw.charts.axes import FONT_POINTS, PNG_DPI, STYLE, NoMatplotlibError, figure_bytes, form_of
from bsngraph.draw.palette import Family, family_of, short_label
from bsngraph.fabric.model import Fabric
from bsngraph.whole_files import write_whole
from bsngraph.wording import percent, printable, quantity, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CHARACTER_POINTS = 0.72 * FONT_POINTS  # wide ones of DejaVu Sans
LANE = "#F1F1F1"
_ROW_IN, _HEAD_IN, _AXIS_IN, _LEFT_IN, _RIGHT_IN, _LINE_IN = 0.72, 0.36, 0.42, 0.75, 0.3, 0.16
_NARROWEST_IN, _WIDEST_IN = 6.0, 22.0
_LEAST_BAR_IN, _MOST_BAR_IN = 0.5, 1.5  # the width that the shortest bar should have, as names need


@dataclass(frozen=True)
class Chart:
    """A schedule to draw: the edges that ran on `cores` cores (from 0), the value `end`
    of its cost, in `unit`.
    """

    title: str
    unit: str
    cores: int
    jobs: tuple[ScheduledEdge, ...]
    end: float


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
        NoMatplotlibError: matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise NoMatplotlibError from None

    width = _width(fabric, charts)
    longest = max((chart.end for chart in charts), default=0.0)
    feet = [
        _foot(fabric, chart, (width - _LEFT_IN - _RIGHT_IN) / (longest or 1.0), width) for chart in charts
    ]
    heights = [
        _HEAD_IN + _ROW_IN * chart.cores + _AXIS_IN + _LINE_IN * len(foot)
        for chart, foot in zip(charts, feet, strict=True)
    ]
    height = sum(heights) + _HEAD_IN
    with rc_context(STYLE), warnings.catch_warnings():
        # a name in a script that the font lacks: an SVG's reader may have it
        warnings.filterwarnings("ignore", message="Glyph ")
        figure = Figure(figsize=(width, height), dpi=PNG_DPI)
        top = height
        for chart, foot, own in zip(charts, feet, heights, strict=True):
            bottom = top - _HEAD_IN - _ROW_IN * chart.cores
            box = (
                _LEFT_IN / width,
                bottom / height,
                1 - (_LEFT_IN + _RIGHT_IN) / width,
                _ROW_IN * chart.cores / height,
            )
            axes = figure.add_axes(box)
            draw_chart(axes, fabric, chart, longest)
            if foot:
                figure.text(
                    _LEFT_IN / width,
                    (bottom - _AXIS_IN) / height,
                    "\n".join(foot),
                    va="top",
                    size=FONT_POINTS,
                    parse_math=False,
                )
            top -= own
        _legend(figure, fabric, charts)
        return figure_bytes(figure, form)


def draw_chart(axes: Axes, fabric: Fabric, chart: Chart, longest: float | None = None) -> list[int]:
    """Draw one schedule on matplotlib axes of its own, the time axis up to `longest`
    (None: to its end).

    Gives the edges whose bars bear numbers for want of room, from number 1 on.
    """
    from matplotlib.ticker import MaxNLocator

    until = (longest if longest is not None else chart.end) or 1.0
    per_unit = axes.get_window_extent().width / axes.figure.dpi / until
    numbered = _without_room(fabric, chart, per_unit)
    for core in range(chart.cores):
        axes.barh(core, until, color=LANE, height=0.86, linewidth=0)
    for job in chart.jobs:
        edge = fabric.edges[job.edge]
        colour = family_of(edge.op, edge.arguments).colour
        axes.barh(
            job.core,
            job.end - job.start,
            left=job.start,
            color=colour,
            height=0.86,
            edgecolor="white",
            linewidth=0.8,
        )
        turned, text = _label(fabric, job, per_unit)
        height, ink = float(job.core), _ink(colour)
        if not text:
            number = numbered.index(job.edge) + 1
            text = str(number)
            if 72 * (job.end - job.start) * per_unit < len(text) * CHARACTER_POINTS:
                # so that numbers of neighbours do not cover each other
                height += (0.0, -0.28, 0.28)[number % 3]
                ink = "black"
        middle = (job.start + job.end) / 2
        axes.text(
            middle,
            height,
            text,
            color=ink,
            ha="center",
            va="center",
            rotation=turned,
            size=FONT_POINTS,
            parse_math=False,
        )
    axes.axvline(chart.end, color="#333333", linewidth=1.0, linestyle=(0, (4, 2)))
    axes.set_title(printable(_title(chart)), loc="left", size=FONT_POINTS + 2, parse_math=False)
    axes.set_yticks(range(chart.cores), [f"core {core + 1}" for core in range(chart.cores)])
    axes.set_ylim(chart.cores - 0.5, -0.5)
    axes.set_xlim(0, until)
    axes.set_xlabel(chart.unit or "time", labelpad=1)
    axes.xaxis.set_major_locator(MaxNLocator(10, integer=all(job.end.is_integer() for job in chart.jobs)))
    axes.tick_params(left=False)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    return numbered


def _title(chart: Chart) -> str:
    busy = sum(job.end - job.start for job in chart.jobs) / (chart.end * chart.cores) if chart.end else 0.0
    cores = "cores" if chart.cores > 1 else "core"
    return (
        f"{chart.title} = {quantity(chart.end)} {chart.unit}".rstrip()
        + f", {chart.cores} {cores} {percent(busy)} busy"
    )


def _width(fabric: Fabric, charts: Sequence[Chart]) -> float:
    """Inches, so that the shortest bar has room for a name where that is possible."""
    longest = max((chart.end for chart in charts), default=0.0)
    shortest = min((job.end - job.start for chart in charts for job in chart.jobs), default=1.0)
    letters = max((len(fabric.edges[job.edge].name) for chart in charts for job in chart.jobs), default=0)
    bar = min(max((letters + 1) * CHARACTER_POINTS / 72, _LEAST_BAR_IN), _MOST_BAR_IN)
    wanted = _LEFT_IN + _RIGHT_IN + bar * longest / shortest
    return min(max(wanted, _NARROWEST_IN), _WIDEST_IN)


def _label(fabric: Fabric, job: ScheduledEdge, inches_per_unit: float) -> tuple[str, str]:
    """Direction and text of a bar's label: name over operation, the name in one line or
    two, or upwards; empty where none fits.
    """
    edge = fabric.edges[job.edge]
    name, operation = printable(shortened(edge.name)), printable(short_label(edge))
    along, across = 72 * (job.end - job.start) * inches_per_unit - 2, 72 * _ROW_IN * 0.86 - 2
    for text in (f"{name}\n{operation}", name, name.replace("->", "->\n", 1)):
        lines = text.split("\n")
        length, thickness = max(map(len, lines)) * CHARACTER_POINTS, len(lines) * FONT_POINTS * 1.3
        if length <= along and thickness <= across:
            return "horizontal", text
        if length <= across and thickness <= along:
            return "vertical", text
    return "horizontal", ""


def _without_room(fabric: Fabric, chart: Chart, inches_per_unit: float) -> list[int]:
    """The edges whose names do not fit their bars, in the order of the bars."""
    return [job.edge for job in chart.jobs if not _label(fabric, job, inches_per_unit)[1]]


def _foot(fabric: Fabric, chart: Chart, inches_per_unit: float, width: float) -> list[str]:
    """Lines with the names of the numbered bars."""
    edges = _without_room(fabric, chart, inches_per_unit)
    names = [
        f"{number}\N{NO-BREAK SPACE}{printable(shortened(fabric.edges[edge].name))}"
        for number, edge in enumerate(edges, start=1)
    ]
    characters = int(72 * (width - _LEFT_IN - _RIGHT_IN) / CHARACTER_POINTS)
    return (
        textwrap.wrap("   ".join(names), characters, break_long_words=False, break_on_hyphens=False)
        if names
        else []
    )


def _legend(figure: Any, fabric: Fabric, charts: Sequence[Chart]) -> None:
    from matplotlib.patches import Patch

    ran = {job.edge for chart in charts for job in chart.jobs}
    families = {family_of(fabric.edges[edge].op, fabric.edges[edge].arguments) for edge in ran}
    handles = [
        Patch(color=family.colour, label=printable(family.name)) for family in sorted(families, key=_by_rank)
    ]
    if handles:
        figure.legend(
            handles=handles, loc="lower left", ncols=len(handles), frameon=False, fontsize=FONT_POINTS
        )


def _by_rank(family: Family) -> tuple[int, str]:
    return family.rank, family.name


def _ink(colour: str) -> str:
    """White or black, whichever is read more easily on a colour (relative luminance as
    in WCAG 2).
    """
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "white" if luminance < 0.179 else "black"
