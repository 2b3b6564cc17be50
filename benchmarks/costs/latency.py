"""How far a sum over edges is from the latency of a network measured whole, before and
after calibration.

Thirty random sub-networks of each fabric, other ones than the calibration saw. Each is
measured in rounds, all networks in turn, and its best round counts, so that a slow
spell of the machine does not hit one network alone.

    python -m benchmarks latency [--quick] [--device cuda] [--threads 1] [--batch 1]
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.shared.keeping import keep
from benchmarks.shared.options import device_option, quick_option
from benchmarks.shared.rows import Row
from benchmarks.shared.tables import last_table, markdown
from bsngraph.fabric import read_fabric
from bsngraph.fabric.families import resnet_fabric
from bsngraph.measure import Patience, edge_latencies, measure_network, random_architectures
from bsngraph.profile import FabricProfile, profile_fabric
from bsngraph.supernet import compile_fabric, prune
from bsngraph.typed_files import plain

ROOT = Path(__file__).parents[2]
SEED = 1  # the calibration draws its networks from seed 0
COLUMNS = (
    *("fabric", "networks", "measured ms", "slowest round"),
    *("sum: mean error", "90 %", "worst", "calibrated: mean error", "90 %", "worst"),
)


def fabrics() -> dict[str, FabricProfile]:
    return {
        "fabrics/digits.dot": profile_fabric(read_fabric(ROOT / "fabrics" / "digits.dot")),
        "ResNet Fabric 3x3, 16/32/64": profile_fabric(resnet_fabric(input_shape=(3, 32, 32), classes=10)),
    }


def rows_of(
    name: str, profile: FabricProfile, networks: int, rounds: int, seconds: float, **where: Any
) -> list[Row]:
    """A row for each network of a fabric; `where` holds device, threads and batch."""
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
    whole, worst = np.min(times, axis=0), np.max(times, axis=0)
    live = np.array([test.mask for test in tests])
    click.echo(f"{name}: {latencies.calibration}")
    sums = {"plain": live @ np.array(latencies.operation_ms), "calibrated": live @ latencies.per_edge}
    return [
        {
            "fabric": name,
            **plain(latencies.conditions),
            "network": number,
            "edges": len(test.live),
            "macs": float(profile.macs[list(test.live)].sum()),
            "measured_ms": float(whole[number]),
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
    cells = [
        name,
        str(len(found)),
        f"{measured.min():.3g}–{measured.max():.3g}",
        f"{100 * np.median(spread):.0f} %",
    ]
    for kind in ("plain", "calibrated"):
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
def command(quick: bool, device: str, threads: int, batch: int) -> None:
    """Measure random networks whole, and sums of their edges.

    Example: python -m benchmarks latency --quick
    """
    networks, rounds, seconds = (3, 2, 0.02) if quick else (30, 5, 0.1)
    where = {"device": device, "threads": threads, "batch": batch}
    rows = [
        row
        for name, profile in fabrics().items()
        for row in rows_of(name, profile, networks, rounds, seconds, **where)
    ]
    keep("latency", rows, quick=quick, made=report)
