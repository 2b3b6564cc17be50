"""What a sample costs apart from running it: drawing it, finding its live edges,
pricing it, planning its route.

First as shares of a training step (batch 64), then on growing fabrics at batch 256:
those of `reading.py`, a chain of nodes with three or four edges into each, a quarter as
deep as it has edges. Growth is the exponent from 100 to 10,000 edges. `the three` are
sampling without its random numbers, live edges and the additive costs, each cost
priced. The stages are one thread's processor time.

    python -m benchmarks sampling [--quick] [--repeats 7]
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from pathlib import Path

import click
import torch

from benchmarks.shared.keeping import keep
from benchmarks.shared.measuring import in_turn, milliseconds, processor_seconds
from benchmarks.shared.options import quick_option, repeats_of, repeats_option
from benchmarks.shared.tables import last_table
from benchmarks.speed.execution import BATCH, NO_LIMITS, PROBABILITIES, Steps, fabrics
from benchmarks.speed.reading import EDGES, chain_text
from bsngraph.costs import AdditiveCost, complete_costs
from bsngraph.fabric import Fabric, live_edges, read_fabric
from bsngraph.profile import profile_fabric
from bsngraph.searching.learning.gamma.gamma import Gamma
from bsngraph.supernet.route import Planner

LARGE_BATCH = 256
TABLES = {"sampling_share": last_table(), "sampling_growth": last_table()}


def stages(fabric: Fabric, probability: float, batch: int) -> dict[str, Callable[[], object]]:
    """Each stage by itself, of the same sample."""
    logits, sweep, planner = Gamma(fabric, probability).at(NO_LIMITS), fabric.sweep, Planner(fabric)
    costs = [cost for cost in complete_costs(profile_fabric(fabric)) if isinstance(cost, AdditiveCost)]
    generator = torch.Generator().manual_seed(0)
    decisions = len(logits.index.first)
    live = live_edges(sweep, logits.sample(batch, generator))
    kept = logits.sample(batch, generator)
    return {
        "random numbers": lambda: torch.rand(batch, decisions, generator=generator, dtype=torch.float64),
        "sampling": lambda: logits.sample(batch, generator),
        "live edges": lambda: live_edges(sweep, kept),
        "costs": lambda: [cost.of(live) for cost in costs],
        "route": lambda: planner.route(live, torch.device("cpu")),
    }


def times_of(fabric: Fabric, probability: float, batch: int, repeats: int) -> dict[str, float]:
    """The median milliseconds of every stage."""
    ways, threads = stages(fabric, probability, batch), torch.get_num_threads()
    torch.set_num_threads(1)  # the clock adds up what all threads do, waiting for each other too
    times = in_turn(list(ways.values()), 3 * repeats, clock=processor_seconds)
    torch.set_num_threads(threads)
    return dict(zip(ways, map(milliseconds, times), strict=True))


def measure_shares(repeats: int, *, quick: bool) -> None:
    """Keep what sampling costs as shares of a training step."""
    shares = []
    for name, fabric in fabrics().items():
        for probability in PROBABILITIES[:1] if quick else PROBABILITIES[:3]:
            steps = Steps(fabric, "cpu", probability)
            whole = milliseconds(in_turn([steps.sampled], repeats)[0])
            times = times_of(fabric, probability, BATCH, repeats)
            three = times["sampling"] + times["live edges"] + times["costs"]
            shares.append(
                {
                    "fabric": name,
                    "p": probability,
                    "step ms": whole,
                    "sampling + live edges + costs ms": three,
                    "share %": 100 * three / whole,
                    "route ms": times["route"],
                }
            )
    keep("sampling_share", shares, quick=quick)


def measure_growth(repeats: int, *, quick: bool) -> None:
    """Keep how each stage grows with the number of edges."""
    growing = []
    with tempfile.TemporaryDirectory() as folder:
        for edges in EDGES:
            path = Path(folder) / "f.dot"
            path.write_text(chain_text(edges))
            growing.append(times_of(read_fabric(path), 0.5, LARGE_BATCH, repeats))
    for times in growing:
        times["the three"] = (
            times["sampling"] - times["random numbers"] + times["live edges"] + times["costs"]
        )
    growth = {
        stage: math.log(growing[-1][stage] / growing[0][stage]) / math.log(EDGES[-1] / EDGES[0])
        for stage in growing[0]
    }
    rows = [
        {
            "stage, ms": stage,
            **{f"{edges:,} edges": times[stage] for edges, times in zip(EDGES, growing, strict=True)},
            "grows as edges to the power": growth[stage],
        }
        for stage in growth
    ]
    keep("sampling_growth", rows, quick=quick)


@click.command("sampling")
@quick_option
@repeats_option
def command(quick: bool, repeats: int | None) -> None:
    """Measure what a sample costs apart from running it.

    Example: python -m benchmarks sampling --quick
    """
    rounds = repeats_of(repeats, quick=quick)
    measure_shares(rounds, quick=quick)
    measure_growth(rounds, quick=quick)
