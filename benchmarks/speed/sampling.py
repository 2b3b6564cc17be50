"""What a sample costs apart from running it: drawing it, finding its live edges,
pricing it, planning its route.

First as shares of a training step (batch 64), then on growing fabrics at batch 256:
those of `reading.py`, a chain of nodes with three or four edges into each, a quarter as
deep as it has edges. Growth is the exponent from 100 to 10,000 edges. `the three` are
sampling without its random numbers, live edges and the additive costs, each cost
priced. The stages are one thread's processor time.

    python benchmarks/sampling.py [--quick] [--repeats 7]
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from execution import BATCH, PROBABILITIES, Steps, fabrics
from measuring import in_turn, keep, milliseconds, options, processor_seconds
from reading import EDGES, text

from bsngraph.costs import AdditiveCost, complete_costs
from bsngraph.fabric import Fabric, live_edges, read_fabric
from bsngraph.profile import profile_fabric
from bsngraph.searching.learning.gamma import EdgeDistribution
from bsngraph.supernet.route import Planner

LARGE_BATCH = 256


def stages(fabric: Fabric, probability: float, batch: int) -> dict[str, Callable[[], object]]:
    """Each stage by itself, of the same sample."""
    distribution, sweep, planner = EdgeDistribution(fabric, probability), fabric.sweep, Planner(fabric)
    costs = [cost for cost in complete_costs(profile_fabric(fabric)) if isinstance(cost, AdditiveCost)]
    generator = torch.Generator().manual_seed(0)
    decisions = len(distribution.decisions.first_edges)
    live = live_edges(sweep, distribution.sample(batch, generator))
    kept = distribution.sample(batch, generator)
    return {
        "random numbers": lambda: torch.rand(batch, decisions, generator=generator, dtype=torch.float64),
        "sampling": lambda: distribution.sample(batch, generator),
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


def measure_shares(chosen: argparse.Namespace) -> None:
    shares = []
    for name, fabric in fabrics().items():
        for probability in PROBABILITIES[:1] if chosen.quick else PROBABILITIES[:3]:
            steps = Steps(fabric, "cpu", probability)
            whole = milliseconds(in_turn([steps.sampled], chosen.repeats)[0])
            times = times_of(fabric, probability, BATCH, chosen.repeats)
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
    keep("sampling_share", shares, quick=chosen.quick)


def measure_growth(chosen: argparse.Namespace) -> None:
    growing = []
    with tempfile.TemporaryDirectory() as folder:
        for edges in EDGES:
            path = Path(folder) / "f.dot"
            path.write_text(text(edges))
            growing.append(times_of(read_fabric(path), 0.5, LARGE_BATCH, chosen.repeats))
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
    keep("sampling_growth", rows, quick=chosen.quick)


def main() -> None:
    chosen = options(__doc__)
    measure_shares(chosen)
    measure_growth(chosen)


if __name__ == "__main__":
    main()
