"""How far a sum over edges is from the latency of a network measured whole: the plain
sum, with two factors for all edges, and with a factor of each.

Thirty random sub-networks of each fabric, other ones than the calibration saw. Each is
measured in rounds, all networks in turn, and its best round counts, so that a slow
spell of the machine does not hit one network alone. It is measured twice, by rounds in
turn: no sum can be nearer to a network than the network is to itself.

    python -m benchmarks latency [--quick] [--device cuda] [--threads 1] [--batch 1]
                                 [--processor-time]
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
from torch.utils.benchmark import timer

from benchmarks.shared.keeping import keep
from benchmarks.shared.options import device_option, quick_option
from benchmarks.shared.rows import Row
from benchmarks.shared.tables import last_table, markdown
from bsngraph.fabric import read_fabric
from bsngraph.fabric.families import resnet_fabric
from bsngraph.measure import (
    Patience,
    edge_latencies,
    measure_module,
    measure_network,
    random_architectures,
)
from bsngraph.profile import FabricProfile, profile_fabric
from bsngraph.supernet import compile_fabric, prune
from bsngraph.typed_files import plain

ROOT = Path(__file__).parents[2]
SEED = 1  # the calibration draws its networks from seed 0
KINDS = {"plain": "plain sum", "two_factors": "two factors", "calibrated": "a factor of each edge"}
SHARES = ("mean error", "90 %", "worst")
COLUMNS = (
    *("fabric", "networks", "measured ms", "slowest round", "measured again: mean difference", "worst"),
    *(f"{name}: {share}" if share == SHARES[0] else share for name in KINDS.values() for share in SHARES),
)


def fabrics() -> dict[str, FabricProfile]:
    return {
        "fabrics/digits.dot": profile_fabric(read_fabric(ROOT / "fabrics" / "digits.dot")),
        "ResNet Fabric 3x3, 16/32/64": profile_fabric(resnet_fabric(input_shape=(3, 32, 32), classes=10)),
    }


def rows_of(
    name: str,
    profile: FabricProfile,
    networks: int,
    rounds: int,
    seconds: float,
    *,
    processor_time: bool,
    **where: Any,
) -> list[Row]:
    """A row for each network of a fabric; `where` holds device, threads and batch."""
    where["measure"] = partial(measure_module, clock=time.thread_time if processor_time else timer)
    latencies = edge_latencies(profile, **where)
    tests = random_architectures(profile.fabric, networks, seed=SEED)
    pruned = [prune(profile, test) for test in tests]
    patience = Patience(seconds, seconds / 2)
    times = [
        [
            measure_network(compile_fabric(fabric, seed=0), patience=patience, **where).median_ms
            for fabric in pruned
        ]
        for _ in range(rounds)
    ]
    whole, again = np.min(times[::2], axis=0), np.min(times[1::2], axis=0)
    worst = np.max(times, axis=0)
    live = np.array([test.mask for test in tests])
    click.echo(f"{name}: {latencies.calibration}")
    sums = {
        "plain": live @ np.array(latencies.operation_ms),
        "two_factors": live @ replace(latencies, edge_ms=None).per_edge,
        "calibrated": live @ latencies.per_edge,
    }
    return [
        {
            "fabric": name,
            **plain(latencies.conditions),
            "clock": "processor" if processor_time else "wall",
            "network": number,
            "edges": len(test.live),
            "macs": float(profile.macs[list(test.live)].sum()),
            "measured_ms": float(whole[number]),
            "again_ms": float(again[number]),
            "slowest_round_ms": float(worst[number]),
            **{f"{kind}_ms": float(sum_[number]) for kind, sum_ in sums.items()},
        }
        for number, test in enumerate(tests)
    ]


def report(rows: Sequence[Row]) -> str:
    """How far sums were from what was measured, a line a fabric."""
    names = dict.fromkeys(row["fabric"] for row in rows)
    return markdown(
        COLUMNS,
        [False, *[True] * (len(COLUMNS) - 1)],
        [summary(name, [row for row in rows if row["fabric"] == name]) for name in names],
    )


def summary(name: str, found: Sequence[Row]) -> list[str]:
    """The cells of a fabric."""
    measured = np.array([row["measured_ms"] for row in found])
    spread = np.array([row["slowest_round_ms"] for row in found]) / measured - 1
    noise = np.abs(np.array([row["again_ms"] for row in found]) / measured - 1)
    cells = [
        name,
        str(len(found)),
        f"{measured.min():.3g}–{measured.max():.3g}",
        f"{100 * np.median(spread):.0f} %",
        f"{100 * noise.mean():.1f} %",
        f"{100 * noise.max():.1f} %",
    ]
    for kind in KINDS:
        error = np.abs(np.array([row[f"{kind}_ms"] for row in found]) / measured - 1)
        cells += [
            f"{100 * error.mean():.1f} %",
            f"{100 * np.quantile(error, 0.9):.1f} %",
            f"{100 * error.max():.1f} %",
        ]
    return cells


TABLES = {"latency": last_table(report)}


@click.command("latency")
@quick_option
@device_option
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="Of the processor.")
@click.option("--batch", type=click.IntRange(min=1), default=1, show_default=True, help="Examples at once.")
@click.option(
    "--processor-time",
    is_flag=True,
    help="Count the processor's time alone, on a machine that has other work; with one thread.",
)
def command(quick: bool, device: str, threads: int, batch: int, processor_time: bool) -> None:
    """Measure random networks whole, and sums of their edges.

    Example: python -m benchmarks latency --quick
    """
    if processor_time and (threads > 1 or device != "cpu"):
        raise click.UsageError("--processor-time is that of one thread of the CPU: leave --threads at 1")
    networks, rounds, seconds = (3, 2, 0.02) if quick else (30, 8, 0.05)
    where = {"device": device, "threads": threads, "batch": batch, "processor_time": processor_time}
    rows = [
        row
        for name, profile in fabrics().items()
        for row in rows_of(name, profile, networks, rounds, seconds, **where)
    ]
    keep("latency", rows, quick=quick, made=report)
