"""Rows → accuracy against cost, a picture for each data set (the paper's figure 2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.accuracy.quality.problems import BEST_RANDOM, PROBLEMS, RANGE, TRAININGS_ALONE
from benchmarks.accuracy.quality.report import BEST, EARLIER, MEAN, SEARCH, SHOWN, outcomes
from benchmarks.accuracy.quality.rows import Rows
from bsngraph.draw.charts.axes import CHART_DPI, CHART_STYLE, figure_bytes
from bsngraph.whole_files import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PICTURES = {"digits": ("digits",), "fashion": ("fashion-resnet", "fashion-cnf")}
COLOURS = {
    SEARCH: "#D55E00",
    TRAININGS_ALONE: "#56B4E9",
    RANGE: "#84A819",
    EARLIER: "#CC79A7",
    "preset paper": "#E69F00",
    "preset paper, tuned rate": "#8B5A2B",
    MEAN: "#999999",
    BEST_RANDOM: "#333333",
    "narrowed": "#0072B2",
    "magnitude": "#009E73",
    "darts": "#AA4499",
    "resnet-8": "#332288",
    "resnet-14": "#332288",
    "resnet-20": "#332288",
}
MARKS = {"resnet-8": "v", "resnet-14": "s", "resnet-20": "^", SEARCH: "*"}


def picture(rows: Rows, problems: Sequence[str]) -> bytes:
    """Test accuracy against MACs as a PNG: a panel for each problem; bars are standard
    deviations of a network.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(CHART_STYLE):
        figure = Figure(figsize=(max(8.6, 2.2 + 4.6 * len(problems)), 4.4), layout="constrained")
        panels = figure.subplots(1, len(problems), squeeze=False)[0]
        for axes, name in zip(panels, problems, strict=True):
            _panel(axes, rows, name)
        known = {
            label: handle
            for axes in panels
            for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        shown = [name for name in SHOWN if name in known]
        figure.legend([known[name] for name in shown], shown, loc="outside right upper", frameon=False)
        figure.set_dpi(CHART_DPI)
        return figure_bytes(figure, "png")


def _panel(axes: Axes, rows: Rows, name: str) -> None:
    problem = PROBLEMS[name]
    budgets = [series.budget for series in problem.series if series.budget.startswith("macs=")]
    by_budget = [outcomes(rows, name, budget) for budget in budgets]
    for method in (name for name in SHOWN if name != BEST):
        points = [found[method] for found in by_budget if method in found]
        if points:
            spreads = [0.0 if math.isnan(point.spread) else point.spread for point in points]
            axes.errorbar(
                [point.macs / 1e6 for point in points],
                [point.mean for point in points],
                yerr=spreads,
                label=method,
                color=COLOURS[method],
                marker=MARKS.get(method, "o"),
                markersize=11 if method == SEARCH else 5,
                linewidth=1.6 if method == SEARCH else 0.9,
                elinewidth=0.7,
                capsize=2,
                zorder=3 if method == SEARCH else 2,
            )
    for budget in budgets:
        axes.axvline(
            problem.resolved(budget).limit / 1e6, color="#BBBBBB", linestyle="--", linewidth=0.8, zorder=1
        )
    axes.set_xlabel("million MACs (dashed: budgets)")
    axes.set_ylabel("test accuracy, %")
    axes.set_title(f"{name}: {problem.fabric}", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#EEEEEE")
    axes.set_axisbelow(True)


def draw_pictures(rows: Rows, folder: Path) -> None:
    """Draw the pictures of those problems that have rows."""
    for name, problems in PICTURES.items():
        if any(key.problem in problems for key in rows):
            write_whole(folder / f"quality-{name}.png", picture(rows, problems))
