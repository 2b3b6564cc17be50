"""quality.csv → a table for each budget, and accuracy against cost as a picture for
each data set (the paper's figure 2).
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scipy import stats

from bsngraph.draw.charts.axes import PNG_DPI, STYLE, figure_bytes
from bsngraph.whole_files import write_whole

from .problems import BEST_RANDOM, METHODS, PROBLEMS, RANDOM
from .rows import Row, Rows, best_row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SEARCH, MEAN, BEST = "search", "random, mean of 10", f"{BEST_RANDOM}, by that training"
LEARNED = METHODS[METHODS.index(SEARCH) :]
SHOWN = (
    *LEARNED,
    MEAN,
    BEST_RANDOM,
    BEST,
    *(method for method in METHODS if method not in (*LEARNED, "random", BEST_RANDOM)),
)
PICTURES = {"digits": ("digits",), "fashion": ("fashion-resnet", "fashion-cnf")}
COLOURS = {
    SEARCH: "#D55E00",
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


@dataclass(frozen=True)
class Outcome:
    """What a method gave under a budget: by seed, its test accuracy in percent (a mean,
    where the seed has several networks).

    `networks` are the test accuracies of all networks, `share` the mean share of the
    budget spent, `macs` the mean cost and `seconds` the mean of what choosing took.
    """

    by_seed: Mapping[int, float]
    networks: tuple[float, ...]
    share: float
    macs: float
    seconds: float

    @property
    def mean(self) -> float:
        return statistics.mean(self.by_seed.values())

    @property
    def spread(self) -> float:
        """The standard deviation of one network's accuracy."""
        return statistics.stdev(self.networks) if len(self.networks) > 1 else math.nan


@dataclass(frozen=True)
class Difference:
    """A mean of paired differences, and half of its 95 % interval: Student's t, one
    pair a seed; nan with one pair.
    """

    mean: float
    half: float
    pairs: int

    def __str__(self) -> str:
        return f"{self.mean:+.2f}" + ("" if math.isnan(self.half) else f" ± {self.half:.2f}")


def paired(first: Mapping[int, float], second: Mapping[int, float]) -> Difference | None:
    """First minus second over the seeds that both have; None where there are none."""
    differences = [first[seed] - second[seed] for seed in sorted(first.keys() & second.keys())]
    if not differences:
        return None
    count, half = len(differences), math.nan
    if count > 1:
        half = float(stats.t.ppf(0.975, count - 1)) * statistics.stdev(differences) / math.sqrt(count)
    return Difference(statistics.mean(differences), half, count)


def outcomes(rows: Rows, problem: str, budget: str) -> dict[str, Outcome]:
    """Every method that has rows under a budget, in the order of the tables; seeds
    count when all their networks are there.
    """
    here = {key: row for key, row in rows.items() if (key.problem, key.budget) == (problem, budget)}
    found = {}
    for name in SHOWN:
        method = "random" if name in (MEAN, BEST) else name
        seeds: dict[int, list[Row]] = {}
        for key in sorted(key for key in here if key.method == method):
            seeds.setdefault(key.seed, []).append(here[key])
        if method == "random":
            seeds = {seed: many for seed, many in seeds.items() if len(many) == RANDOM}
        if name == BEST:
            seeds = {seed: [best_row(many)] for seed, many in seeds.items()}
        if seeds:
            found[name] = _outcome(
                name, seeds, [row for key, row in here.items() if key.method == method and key.seed in seeds]
            )
    return found


def _outcome(name: str, seeds: Mapping[int, Sequence[Row]], every: Sequence[Row]) -> Outcome:
    used = [row for many in seeds.values() for row in many]
    # The best of several is known only when all of them are trained.
    trained = sum(float(row["train_cpu_seconds"]) for row in every) / len(seeds) if name == BEST else 0.0
    return Outcome(
        by_seed={seed: statistics.mean(_accuracy(row) for row in many) for seed, many in seeds.items()},
        networks=tuple(_accuracy(row) for row in used),
        share=statistics.mean(float(row["budget_share"]) for row in used),
        macs=statistics.mean(float(row["macs"]) for row in used),
        seconds=statistics.mean(float(row["choose_cpu_seconds"]) for row in used) + trained,
    )


def _accuracy(row: Row) -> float:
    return 100 * float(row["test_accuracy"])


def table(found: Mapping[str, Outcome]) -> str:
    """One budget's methods as a Markdown table."""
    lines = [
        "| method | test accuracy | spread | networks | seeds | of the budget | choosing, s | search "
        "minus it |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, outcome in found.items():
        difference = (
            paired(found[SEARCH].by_seed, outcome.by_seed) if SEARCH in found and name != SEARCH else None
        )
        spread = "" if math.isnan(outcome.spread) else f"{outcome.spread:.2f}"
        cells = (
            name,
            f"{outcome.mean:.2f} %",
            spread,
            str(len(outcome.networks)),
            str(len(outcome.by_seed)),
            f"{100 * outcome.share:.0f} %",
            f"{outcome.seconds:.0f}",
            str(difference or ""),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def tables(rows: Rows) -> str:
    """Every budget's table under a line that names it."""
    parts = []
    for problem in PROBLEMS.values():
        for series in problem.series:
            found = outcomes(rows, problem.name, series.budget)
            if found:
                parts.append(f"**{problem.name}, {series.budget}** (`{problem.fabric}`)\n\n{table(found)}")
    return "\n\n".join(parts)


def picture(rows: Rows, problems: Sequence[str]) -> bytes:
    """Test accuracy against MACs as a PNG: a panel for each problem; bars are standard
    deviations of a network.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(max(8.6, 2.2 + 4.6 * len(problems)), 4.4), layout="constrained")
        panels = figure.subplots(1, len(problems), squeeze=False)[0]
        for axes, name in zip(panels, problems, strict=True):
            _panel(axes, rows, name)
        handles, labels = panels[-1].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right upper", frameon=False)
        figure.set_dpi(PNG_DPI)
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


def report(rows: Rows, root: Path) -> None:
    """Print the tables; put them between the marks `<!-- quality -->` of RESULTS.md,
    where they are; draw the pictures.
    """
    text = tables(rows)
    print(text)
    page = root / "benchmarks" / "RESULTS.md"
    marked = f"<!-- quality -->\n{text}\n<!-- /quality -->"
    write_whole(
        page,
        re.sub(
            r"<!-- quality -->\n.*?<!-- /quality -->",
            lambda _: marked,
            page.read_text(encoding="utf-8"),
            flags=re.DOTALL,
        ),
    )
    for name, problems in PICTURES.items():
        if any(key.problem in problems for key in rows):
            write_whole(root / "docs" / "pictures" / f"quality-{name}.png", picture(rows, problems))
