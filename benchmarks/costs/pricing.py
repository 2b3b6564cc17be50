"""Evaluating costs on samples: milliseconds for 256 distinct samples of a fabric of
about 150 edges, one thread of numpy.

    python -m benchmarks pricing [--quick] [--repeats 20]
"""

from __future__ import annotations

import functools
import statistics
import time

import click
import numpy as np

from benchmarks.shared.keeping import keep
from benchmarks.shared.options import quick_option, repeats_of, repeats_option
from benchmarks.shared.tables import last_table, table
from bsngraph.costs import Cost, price
from bsngraph.costs.memory.peak_memory import PeakMemory
from bsngraph.costs.schedules.schedule_costs import Makespan, Steps
from bsngraph.fabric import Booleans, live_edges
from bsngraph.fabric.families import resnet_fabric
from bsngraph.profile import FabricProfile, profile_fabric

SAMPLES = 256
PROBABILITIES = (0.95, 0.8)
SHOWN = {"ms, median": "{:.2f}", "ms, least": "{:.2f}", "CPU ms, median": "{:.2f}"}
report = functools.partial(table, shown=SHOWN)
TABLES = {"pricing": last_table(report)}


def distinct_samples(profile: FabricProfile, probability: float) -> Booleans:
    """`SAMPLES` rows of live edges, no two alike."""
    fabric, random = profile.fabric, np.random.default_rng(0)
    fixed = fabric.fixed
    kept = (random.random((4 * SAMPLES, len(fixed))) < probability) | fixed
    live = np.unique(live_edges(fabric.sweep, kept), axis=0)
    assert len(live) >= SAMPLES
    return live[random.permutation(len(live))[:SAMPLES]]


@click.command("pricing")
@quick_option
@repeats_option
def command(quick: bool, repeats: int | None) -> None:
    """Measure evaluating costs on 256 distinct samples.

    Example: python -m benchmarks pricing --quick
    """
    profile = profile_fabric(resnet_fabric(input_shape=(3, 32, 32), classes=10, blocks=9))
    rounds, rows = repeats_of(repeats, quick=quick, usual=20), []
    click.echo(f"{len(profile.fabric.edges)} edges, {np.count_nonzero(profile.macs)} with MACs")
    for probability in PROBABILITIES:
        live = distinct_samples(profile, probability)
        for name, cost in costs_of(profile).items():
            cost.of(live)
            wall, busy = zip(*(_milliseconds(cost, live) for _ in range(rounds)), strict=True)
            rows.append(
                {
                    "cost": name,
                    "p": probability,
                    "live edges": round(live.sum(axis=1).mean()),
                    "ms, median": statistics.median(wall),
                    "ms, least": min(wall),
                    "CPU ms, median": statistics.median(busy),
                }
            )
    keep("pricing", rows, quick=quick, made=report)


def costs_of(profile: FabricProfile) -> dict[str, Cost]:
    """The costs that are evaluated, by the names that rows have for them."""
    fabric, durations = profile.fabric, profile.macs / 1e6
    return {
        "macs": price(profile, "macs"),
        **{f"steps:{cores}": Steps(fabric, profile.macs, cores) for cores in (1, 2, 4, 16)},
        "makespan:4": Makespan(fabric, durations, 4),
        "makespan:4, transfers": Makespan(fabric, durations, 4, transfer=0.1),
        "memory": PeakMemory(profile),
    }


def _milliseconds(cost: Cost, live: Booleans) -> tuple[float, float]:
    """Of the clock, and of the processor, which other programs disturb less."""
    started, busy = time.perf_counter(), time.process_time()
    cost.of(live)
    return 1000 * (time.perf_counter() - started), 1000 * (time.process_time() - busy)
