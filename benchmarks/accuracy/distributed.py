"""The paper's figure 5: what is found when up to N edges run at once, for N = 1, 2 and
4, inside the same number of steps.

Three searches of a small ResNet Fabric on the digits, with the budgets steps:1, steps:2
and steps:4 of `--steps` steps. The figure shows the three networks side by side, each
over its schedule; the table, what each network takes on each number of cores. Needs the
extra `draw`. Searches that a folder holds already are not run again.

    python -m benchmarks distributed [--steps 8] [--epochs 60]
        [--runs runs/distributed] [--figure docs/pictures/distributed.png]
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

import bsngraph
from benchmarks.shared.keeping import keep
from benchmarks.shared.options import quick_option
from benchmarks.shared.rows import Row
from benchmarks.shared.tables import last_table, table
from bsngraph.costs.schedules.schedule_costs import Steps, schedule_of
from bsngraph.draw.charts.gantt import Chart, draw_chart
from bsngraph.fabric import Booleans
from bsngraph.fabric.families import resnet_fabric

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CORES = (1, 2, 4)
WIDTH_IN, NETWORK_IN, ROW_IN = 11.0, 9.0, 0.6
SHOWN = {"MACs": "{:,}", "test accuracy": "{:.1f} %"}
report = functools.partial(table, shown=SHOWN)
TABLES = {"distributed": last_table(report)}


@dataclass(frozen=True)
class Found:
    """The architecture of a search: its live edges (edges,), its accuracy on the test
    split in percent, its folder.
    """

    live: Booleans
    accuracy: float
    run: Path


def search(
    profile: bsngraph.FabricProfile, budget: str, out: Path, epochs: int, seed: int, *, quick: bool
) -> Found:
    """What a search finds, or what is in its folder already."""
    if not (out / "result.json").exists():
        usual, short = bsngraph.SearchSettings(), bsngraph.SearchSettings(finalists=0, finetune_epochs=0)
        bsngraph.search(
            profile,
            "digits",
            [budget],
            out=out,
            seed=seed,
            recipe=bsngraph.Recipe(epochs=1 if quick else epochs),
            settings=short if quick else usual,
            mode="overwrite",
        )
    summary = json.loads((out / "result.json").read_text(encoding="utf-8"))
    kept = {edge.name for edge in bsngraph.read_fabric(out / "architecture.dot").edges}
    live = np.array([edge.name in kept for edge in profile.fabric.edges])
    return Found(live, 100 * summary["metrics"]["test"]["accuracy"], out)


def row_of(cost: Steps, found: Found, profile: bsngraph.FabricProfile, costs: Sequence[Steps]) -> Row:
    """What a network takes on each number of cores."""
    live = found.live
    return {
        "searched for": cost.name,
        "edges kept": int(live.sum()),
        "with MACs": int(np.count_nonzero(live & (profile.macs > 0))),
        "MACs": round(float(live @ profile.macs)),
        **{
            f"steps on {other.cores}": round(float(other.of(live[None])[0]))  # whole numbers already
            for other in costs
        },
        "test accuracy": found.accuracy,
    }


def draw_schedule(axes: Axes, profile: bsngraph.FabricProfile, cost: Steps, found: Found, steps: int) -> None:
    """A network's schedule, its edges numbered, with their names below."""
    taken = float(cost.of(found.live[None])[0])
    title = f"{found.accuracy:.1f} % right, {cost.name}"
    chart = Chart(title, cost.unit, cost.cores, schedule_of(cost, found.live), taken)
    numbered = draw_chart(axes, profile.fabric, chart, float(steps))
    axes.set_ylim(max(CORES) - 0.5, -0.5)  # rows of one height in all charts
    names = [f"{number} {profile.fabric.edges[edge].name}" for number, edge in enumerate(numbered, start=1)]
    lines = ["   ".join(names[first : first + 4]) for first in range(0, len(names), 4)]
    axes.set_xlabel("\n".join([cost.unit, *lines]))


def draw(
    path: Path, profile: bsngraph.FabricProfile, every: Sequence[tuple[Steps, Found]], steps: int
) -> None:
    """The networks side by side, each over its schedule."""
    from matplotlib.figure import Figure
    from matplotlib.image import imread

    lower = ROW_IN * max(CORES) + 1
    figure = Figure(figsize=(WIDTH_IN * len(every), NETWORK_IN + lower), layout="constrained", dpi=80)
    grid = figure.subplots(2, len(every), height_ratios=[NETWORK_IN, lower], squeeze=False)
    for column, (cost, found) in enumerate(every):
        grid[0, column].imshow(imread(found.run / "architecture.png"))
        grid[0, column].set_axis_off()
        draw_schedule(grid[1, column], profile, cost, found, steps)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Software": None})


@click.command("distributed")
@quick_option
@click.option("--steps", type=int, default=8, show_default=True, help="The limit of every budget.")
@click.option("--epochs", type=int, default=60, show_default=True, help="Of a search; a quick run has 1.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the searches.")
@click.option(
    "--runs",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs/distributed"),
    show_default=True,
    help="Folder of the searches' run folders.",
)
@click.option(
    "--figure",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("docs/pictures/distributed.png"),
    show_default=True,
    help="The picture to draw; a quick run draws beside its runs.",
)
def command(quick: bool, steps: int, epochs: int, seed: int, runs: Path, figure: Path) -> None:
    """Search inside as many steps on 1, 2 and 4 cores.

    Example: python -m benchmarks distributed --quick --runs runs/try
    """
    profile = bsngraph.profile_fabric(resnet_fabric(input_shape=(1, 8, 8), classes=10, channels=8))
    costs = [Steps(profile.fabric, profile.macs, cores) for cores in CORES]
    every = []
    for cost in costs:
        out = runs / f"cores-{cost.cores}"
        every.append((cost, search(profile, f"{cost.name}={steps}", out, epochs, seed, quick=quick)))
    rows = [row_of(cost, found, profile, costs) for cost, found in every]
    keep("distributed", rows, quick=quick, made=report)
    draw(runs / figure.name if quick else figure, profile, every, steps)
