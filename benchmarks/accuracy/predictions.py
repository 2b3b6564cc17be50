"""What the predictor expects of networks that it has not seen, against what their
trainings gave.

Twelve networks drawn from a table are known, and all others are predicted. The tables
are those of `truth` (every sub-network of two small fabrics) and of `truth-sampled`
(random sub-networks of the ResNet Fabric), inside 60 % of the MACs. Nothing is trained.

    python -m benchmarks predictions [--quick] [--repeats 24]
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
from scipy.stats import spearmanr

import bsngraph
from benchmarks.accuracy.quality.networks import read_ranges
from benchmarks.accuracy.quality.problems import PROBLEMS
from benchmarks.accuracy.truth.accuracies import read_fabric
from benchmarks.shared.keeping import keep
from benchmarks.shared.options import quick_option, repeats_of, repeats_option
from benchmarks.shared.rows import Row, read_rows, rows_file
from benchmarks.shared.tables import last_table, table
from bsngraph.draw.charts.axes import CHART_DPI, CHART_STYLE, figure_bytes
from bsngraph.fabric import Booleans
from bsngraph.searching.choosing.predicting.network_facts import FactSheet, Floats
from bsngraph.searching.choosing.predicting.pool import masks_of
from bsngraph.searching.choosing.predicting.predictor import Forecast, Places, fit_predictor
from bsngraph.whole_files import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KNOWN, SHARE = 12, 0.6
PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "predictions.png"
SHOWN = {"correlation": "{:.2f}", "± (2 standard errors)": "{:.2f}"}
TABLES = {"predictions": last_table(lambda rows: table(rows, SHOWN))}


@dataclass(frozen=True, eq=False)
class Trained:
    """Networks of a fabric by their live edges (networks, edges), −log of the
    validation loss that a training of each gave, and where they stand to each other.
    """

    live: Booleans
    scores: Floats
    places: Places

    @staticmethod
    def of(profile: bsngraph.FabricProfile, losses: Mapping[tuple[int, ...], float]) -> Trained:
        """Those inside the share of the MACs."""
        live = masks_of(losses, len(profile.fabric.edges))
        scores = -np.log(np.array([*losses.values()]))
        inside = live @ profile.macs <= SHARE * profile.macs.sum()
        return Trained(live[inside], scores[inside], Places.among(FactSheet(profile), live[inside]))

    def guess(self, seed: int) -> tuple[Booleans, Forecast]:
        """Which networks are known (networks,), and what is expected of all."""
        known = np.zeros(len(self.live), dtype=np.bool_)
        known[np.random.default_rng(seed).permutation(len(known))[:KNOWN]] = True
        where = self.places.of(self.live)
        return known, fit_predictor(where[known], self.scores[known]).predict(where)


def every_table() -> dict[str, Trained]:
    """The networks of each table, by a name for it; the first training of each."""
    found = {}
    for name in ("blocks", "cell"):
        rows = [row for row in read_rows(rows_file("truth")) if row["fabric"] == name and row["seed"] == 0]
        losses = {tuple(map(int, row["edges"].split())): row["validation_loss"] for row in rows}
        found[name] = Trained.of(bsngraph.profile_fabric(read_fabric(name)), losses)
    rows = [row for row in read_rows(rows_file("truth_sampled")) if row["seed"] == 0]
    sampled = {read_ranges(row["network"].removeprefix("edges ")): row["validation_loss"][-1] for row in rows}
    found["ResNet Fabric"] = Trained.of(PROBLEMS["fashion-resnet"].profile, sampled)
    return found


@click.command("predictions")
@quick_option
@repeats_option
def command(quick: bool, repeats: int | None) -> None:
    """Compare what the predictor expects with what trainings gave; draw a picture.

    Example: python -m benchmarks predictions --quick
    """
    rounds = repeats_of(repeats, quick=quick, usual=24)
    tables, rows = every_table(), list[Row]()
    for name, trained in tables.items():
        found = []
        for seed in range(rounds):
            known, forecast = trained.guess(seed)
            found.append(float(spearmanr(forecast.mean[~known], trained.scores[~known]).statistic))
        error = 2 * statistics.stdev(found) / math.sqrt(rounds) if rounds > 1 else math.nan
        rows.append(
            {
                "fabric": name,
                "networks": len(trained.live),
                "known": KNOWN,
                "draws": rounds,
                "correlation": statistics.fmean(found),
                "± (2 standard errors)": error,
            }
        )
    if not quick:
        write_whole(PICTURE, picture(tables))
    keep("predictions", rows, quick=quick)


def picture(tables: Mapping[str, Trained]) -> bytes:
    """Measured against predicted, a panel for each table, as a PNG."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(CHART_STYLE):
        figure = Figure(figsize=(3.4 * len(tables), 3.6), layout="constrained")
        panels: Sequence[Axes] = figure.subplots(1, len(tables), squeeze=False)[0]
        for axes, (name, trained) in zip(panels, tables.items(), strict=True):
            _panel(axes, name, trained)
        panels[0].set_ylabel("loss after training")
        panels[0].legend(loc="upper left", frameon=False)
        figure.set_dpi(CHART_DPI)
        return figure_bytes(figure, "png")


def _panel(axes: Axes, name: str, trained: Trained) -> None:
    known, forecast = trained.guess(0)
    expected, gave = np.exp(-forecast.mean), np.exp(-trained.scores)
    axes.errorbar(
        expected[~known],
        gave[~known],
        xerr=(expected * forecast.deviation)[~known],
        fmt="o",
        markersize=4,
        color="#0072B2",
        ecolor="#BBD7E8",
        elinewidth=0.8,
        label="predicted (± 1 deviation)",
    )
    axes.plot(expected[known], gave[known], "o", markersize=4, color="#D55E00", label="known")
    ends = min(expected.min(), gave.min()), max(expected.max(), gave.max())
    axes.plot(ends, ends, color="#999999", linewidth=0.8, linestyle="--", zorder=1)
    axes.set_xlabel("loss that is expected")
    axes.set_title(f"{name}: {len(known)} networks", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
