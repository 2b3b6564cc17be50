"""Evaluating costs on samples: milliseconds for 256 distinct samples of a fabric of
about 150 edges, one thread of numpy.

python benchmarks/costs.py [--repeats 20]
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import statistics
import time

import numpy as np

from bsngraph.costs import Cost, price
from bsngraph.costs.peak_memory import PeakMemory
from bsngraph.costs.schedules.schedule_costs import Makespan, Steps
from bsngraph.fabric import Booleans, live_edges
from bsngraph.fabric.families import resnet_fabric
from bsngraph.profile import FabricProfile, profile_fabric

SAMPLES = 256
PROBABILITIES = (0.95, 0.8)


def distinct_samples(profile: FabricProfile, probability: float) -> Booleans:
    """`SAMPLES` rows of live edges, no two alike."""
    fabric, random = profile.fabric, np.random.default_rng(0)
    fixed = fabric.fixed
    kept = (random.random((4 * SAMPLES, len(fixed))) < probability) | fixed
    live = np.unique(live_edges(fabric.sweep, kept), axis=0)
    assert len(live) >= SAMPLES
    return live[random.permutation(len(live))[:SAMPLES]]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=20)
    options = parser.parse_args()
    profile = profile_fabric(resnet_fabric(input_shape=(3, 32, 32), classes=10, blocks=9))
    fabric, durations = profile.fabric, profile.macs / 1e6
    edges, working = len(fabric.edges), np.count_nonzero(profile.macs)
    print(
        f"ResNet Fabric, 3 groups of 9: {edges} edges, {working} with MACs; {SAMPLES} distinct samples; "
        f"median of {options.repeats}"
    )
    print(
        f"{_machine()}, Python {platform.python_version()}, numpy {np.__version__}, "
        f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}\n"
    )
    print("| cost | p | live edges | ms, median | ms, least | CPU ms, median |\n|---|---|---|---|---|---|")
    for probability in PROBABILITIES:
        live = distinct_samples(profile, probability)
        for label, cost in (
            ("macs", price(profile, "macs")),
            *((f"steps:{cores}", Steps(fabric, profile.macs, cores)) for cores in (1, 2, 4, 16)),
            ("makespan:4", Makespan(fabric, durations, 4)),
            ("makespan:4, transfers", Makespan(fabric, durations, 4, transfer=0.1)),
            ("memory", PeakMemory(profile)),
        ):
            cost.of(live)
            wall, cpu = zip(*(_milliseconds(cost, live) for _ in range(options.repeats)), strict=True)
            median, least, busy = statistics.median(wall), min(wall), statistics.median(cpu)
            print(
                f"| {label} | {probability} | {live.sum(axis=1).mean():.0f} | {median:.2f} | {least:.2f} "
                f"| {busy:.2f} |",
                flush=True,
            )


def _milliseconds(cost: Cost, live: Booleans) -> tuple[float, float]:
    """Of the clock, and of the processor, which other programs disturb less."""
    started, busy = time.perf_counter(), time.process_time()
    cost.of(live)
    return 1000 * (time.perf_counter() - started), 1000 * (time.process_time() - busy)


def _machine() -> str:
    """The processor as Linux names it, or as Python does."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return f"{names[0] if names else platform.processor() or platform.machine()}, {os.cpu_count()} cores"


if __name__ == "__main__":
    main()
