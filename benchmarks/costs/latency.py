"""How far a sum over edges is from the latency of a network measured whole, before and
after calibration.

Thirty random sub-networks of each fabric, other ones than the calibration saw. Each is
measured in rounds, all networks in turn, and its best round counts, so that a slow
spell of the machine does not hit one network alone.

    python benchmarks/latency.py [--device cuda] [--threads 1] [--batch 1]
                                 [--json rows.json] [--csv rows.csv]
"""

from __future__ import annotations

import argparse
import csv
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from bsngraph.fabric import read_fabric
from bsngraph.fabric.families import resnet_fabric
from bsngraph.measure import Patience, edge_latencies, measure_network, random_architectures
from bsngraph.profile import FabricProfile, profile_fabric
from bsngraph.supernet import compile_fabric, prune

ROOT = Path(__file__).parents[1]
SEED = 1  # the calibration draws its networks from seed 0


def fabrics() -> dict[str, FabricProfile]:
    return {
        "fabrics/digits.dot": profile_fabric(read_fabric(ROOT / "fabrics" / "digits.dot")),
        "ResNet Fabric 3x3, 16/32/64": profile_fabric(resnet_fabric(input_shape=(3, 32, 32), classes=10)),
    }


def rows(name: str, profile: FabricProfile, options: argparse.Namespace) -> list[dict[str, object]]:
    where = {"device": options.device, "threads": options.threads, "batch": options.batch}
    table = edge_latencies(profile, **where)
    tests = random_architectures(profile.fabric, options.networks, seed=SEED)
    fabrics_ = [prune(profile, test) for test in tests]
    patience = Patience(options.seconds, options.seconds / 2)
    rounds = [
        [
            measure_network(compile_fabric(fabric, seed=0), patience=patience, **where).median_ms
            for fabric in fabrics_
        ]
        for _ in range(options.rounds)
    ]
    whole, worst = np.min(rounds, axis=0), np.max(rounds, axis=0)
    live = np.array([test.mask for test in tests])
    print(f"{name}: {table.calibration}")
    sums = {"plain": live @ np.array(table.operation_ms), "calibrated": live @ table.per_edge}
    return [
        {
            "fabric": name,
            **asdict(table.conditions),
            "network": number,
            "edges": len(test.live),
            "macs": float(profile.macs[list(test.live)].sum()),
            "measured_ms": float(whole[number]),
            "slowest_round_ms": float(worst[number]),
            **{f"{kind}_ms": float(sum_[number]) for kind, sum_ in sums.items()},
        }
        for number, test in enumerate(tests)
    ]


def summary(name: str, found: list[dict[str, object]]) -> str:
    measured = np.array([row["measured_ms"] for row in found], dtype=float)
    spread = np.array([row["slowest_round_ms"] for row in found], dtype=float) / measured - 1
    cells = [
        name,
        str(len(found)),
        f"{measured.min():.3g}–{measured.max():.3g}",
        f"{100 * np.median(spread):.0f} %",
    ]
    for kind in ("plain", "calibrated"):
        error = np.abs(np.array([row[f"{kind}_ms"] for row in found], dtype=float) / measured - 1)
        cells += [
            f"{100 * error.mean():.1f} %",
            f"{100 * np.quantile(error, 0.9):.1f} %",
            f"{100 * error.max():.1f} %",
        ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--networks", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.1, help="of each measurement of a network")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args()
    every = {name: rows(name, profile, options) for name, profile in fabrics().items()}
    flat = [row for found in every.values() for row in found]
    print(
        f"\n{flat[0]['model']}, {options.threads} threads, batch {options.batch}, torch {flat[0]['torch']}\n"
    )
    print(
        "| fabric | networks | measured ms | slowest round | sum: mean error | 90 % | worst | calibrated: "
        "mean error | 90 % | worst |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name, found in every.items():
        print(summary(name, found))
    if options.json:
        options.json.write_text(json.dumps(flat, indent=1) + "\n", encoding="utf-8")
    if options.csv:
        with options.csv.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(flat[0]))
            writer.writeheader()
            writer.writerows(flat)


if __name__ == "__main__":
    main()
