"""The paper's figure 5: what is found when up to N edges run at once, for N = 1, 2 and
4, inside the same number of steps.

Three searches of a small ResNet Fabric on the digits, with the budgets steps:1, steps:2
and steps:4 of `--steps` steps. The figure shows the three networks side by side, each
over its schedule; the table, what each network takes on each number of cores. Needs the
extra `draw`. Searches that a folder holds already are not run again.

    python benchmarks/distributed.py [--steps 8] [--epochs 60]
        [--runs runs/distributed] [--figure docs/pictures/distributed.png]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import imread

import bsngraph
from bsngraph.costs.schedules.schedule_costs import Steps, schedule_of
from bsngraph.draw.charts.gantt import Chart, draw_chart
from bsngraph.fabric import Booleans
from bsngraph.fabric.families import resnet_fabric

CORES = (1, 2, 4)
WIDTH_IN, NETWORK_IN, ROW_IN = 11.0, 9.0, 0.6


def found(
    profile: bsngraph.FabricProfile, cores: int, options: argparse.Namespace
) -> tuple[Booleans, float, Path]:
    """The architecture of a search, its live edges (edges,), its accuracy on the test
    split, and its folder.
    """
    out = options.runs / f"cores-{cores}"
    if not (out / "result.json").exists():
        budget = f"steps:{cores}={options.steps}"
        recipe = bsngraph.Recipe(epochs=options.epochs)
        bsngraph.search(
            profile, "digits", [budget], out=out, seed=options.seed, recipe=recipe, mode="overwrite"
        )
    summary = json.loads((out / "result.json").read_text(encoding="utf-8"))
    kept = {edge.name for edge in bsngraph.read_fabric(out / "architecture.dot").edges}
    live = np.array([edge.name in kept for edge in profile.fabric.edges])
    return live, summary["metrics"]["test"]["accuracy"], out


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=Path, default=Path("runs/distributed"))
    parser.add_argument("--figure", type=Path, default=Path("docs/pictures/distributed.png"))
    options = parser.parse_args()
    profile = bsngraph.profile_fabric(resnet_fabric(input_shape=(1, 8, 8), classes=10, channels=8))
    fabric = profile.fabric
    costs = {cores: Steps(fabric, profile.macs, cores) for cores in CORES}
    print(
        f"ResNet Fabric on the digits, {len(fabric.edges)} edges, inside {options.steps} steps, seed "
        f"{options.seed}\n"
    )
    print(
        "| searched for | edges kept | with MACs | MACs | "
        + " | ".join(f"steps on {cores}" for cores in CORES)
        + " | test accuracy |"
    )
    print("|" + "---|" * (5 + len(CORES)))
    figure = Figure(
        figsize=(WIDTH_IN * len(CORES), NETWORK_IN + ROW_IN * max(CORES) + 1), layout="constrained", dpi=80
    )
    grid = figure.subplots(2, len(CORES), height_ratios=[NETWORK_IN, ROW_IN * max(CORES) + 1], squeeze=False)
    for column, (cores, cost) in enumerate(costs.items()):
        live, accuracy, run = found(profile, cores, options)
        steps = {other: float(costs[other].of(live[None])[0]) for other in CORES}
        macs, working = float(live @ profile.macs), np.count_nonzero(live & (profile.macs > 0))
        row = f"| {cost.name} | {live.sum()} | {working} | {macs:,.0f} | " + " | ".join(
            f"{count:.0f}" for count in steps.values()
        )
        print(f"{row} | {100 * accuracy:.1f} % |", flush=True)
        grid[0, column].imshow(imread(run / "architecture.png"))
        grid[0, column].set_axis_off()
        chart = Chart(
            f"{100 * accuracy:.1f} % right, {cost.name}",
            cost.unit,
            cores,
            schedule_of(cost, live),
            steps[cores],
        )
        numbered = draw_chart(grid[1, column], fabric, chart, float(options.steps))
        grid[1, column].set_ylim(max(CORES) - 0.5, -0.5)  # rows of one height in all charts
        names = [f"{number} {fabric.edges[edge].name}" for number, edge in enumerate(numbered, start=1)]
        lines = ["   ".join(names[first : first + 4]) for first in range(0, len(names), 4)]
        grid[1, column].set_xlabel("\n".join([cost.unit, *lines]))
    options.figure.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(options.figure, metadata={"Software": None})
    print(f"\n{options.figure}")


if __name__ == "__main__":
    main()
