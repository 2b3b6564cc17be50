"""Rows of metrics.jsonl → the curves of a run: loss, its task's metric, costs, λ and
the entropy of Γ over epochs (the paper's figure 4).

In: rows as they are written. Out: an SVG or PNG, made by matplotlib (extra `draw`), the
same bytes for the same rows and version. Burn-in is shaded, drops of the learning rate
are dotted lines, and a new stage is a solid one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bsngraph.draw.charts.axes import CHART_DPI, CHART_STYLE, NoMatplotlibError, figure_bytes, form_of
from bsngraph.draw.charts.curve_axes import draw_legend, draw_panel
from bsngraph.draw.charts.curve_panels import MetricsLine, marks_of, panels_of
from bsngraph.whole_files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDE_IN, _PANEL_IN, _HEAD_IN, _FOOT_IN = 9.0, 2.1, 0.35, 0.45


def render_curves(rows: Sequence[MetricsLine], path: Path) -> None:
    """Draw the curves of a run to an .svg or .png file.

    Raises:
        InputError: another suffix, or the folder cannot be written to.
        NoMatplotlibError: matplotlib is not installed.
        KeyError, TypeError, ValueError: the rows are not those of metrics.jsonl.
    """
    write_whole(path, curves_drawing(rows, form_of(path, "curves are drawn")))


def curves_drawing(rows: Sequence[MetricsLine], form: str) -> bytes:
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
    with rc_context(CHART_STYLE):
        figure = Figure(figsize=(_WIDE_IN, _height_in(lines)), dpi=CHART_DPI)
        grid = _panel_grid(figure, lines, len(panels))
        for axes, panel in zip(grid.flat, panels, strict=False):
            draw_panel(axes, panel, marks, len(rows))
        for axes in grid.flat[len(panels) :]:
            axes.set_visible(False)
        draw_legend(figure, marks)
        return figure_bytes(figure, form)


def _height_in(lines: int) -> float:
    return _HEAD_IN + _PANEL_IN * lines + _FOOT_IN


def _panel_grid(figure: Figure, lines: int, panels: int) -> Any:
    """Axes (lines, 2) over the same epochs. The lowest panel of each column bears their
    numbers.
    """
    grid: Any = figure.subplots(lines, 2, squeeze=False, sharex=True)
    height = _height_in(lines)
    figure.subplots_adjust(
        left=0.07,
        right=0.985,
        top=1 - _HEAD_IN / height,
        bottom=(_FOOT_IN + 0.25) / height,
        hspace=0.3,
        wspace=0.16,
    )
    for column in (0, 1):
        last_is_empty = column == 1 and panels % 2 == 1
        lowest = grid[lines - 2 if last_is_empty else lines - 1, column]
        lowest.tick_params(labelbottom=True)
        lowest.set_xlabel("epoch", labelpad=1)
    return grid
