"""The demo's search against random sub-networks inside the same budget, on the digits.

Three searches (seeds 0, 1, 2), each one's architecture trained from scratch, and ten random architectures that spend between
80 and 100 % of the budget, trained from scratch by the same recipe. Rows that digits.csv holds already are not run again.

    python benchmarks/digits.py
"""

from __future__ import annotations

import csv
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import bsngraph
from bsngraph.costs import meets, parse_budget, resolve_budgets
from bsngraph.fabric import connected, live_edges, live_sweep

HERE = Path(__file__).parent
ROWS = HERE / "digits.csv"
BUDGET = "macs=25%"
FIELDS = ("kind", "seed", "test_accuracy", "validation_accuracy", "macs_share", "searchable_kept", "seconds")

Rows = dict[tuple[str, int], dict[str, str]]


def random_architecture(profile: bsngraph.FabricProfile, seed: int) -> bsngraph.Architecture:
    """A random sub-network that spends 80 to 100 % of the budget: edges kept with a random probability, drawn until one fits."""
    rng = np.random.default_rng(seed)
    fabric, sweep = profile.fabric, live_sweep(profile.fabric)
    (budget,) = resolve_budgets(profile, [parse_budget(BUDGET)])
    fixed = np.array([edge.fixed for edge in fabric.edges])
    while True:
        kept = (rng.random((256, len(fabric.edges))) < rng.random((256, 1))) | fixed
        live = live_edges(sweep, kept)
        for row in live[connected(fabric, live).all(axis=1)]:
            if meets(row, [budget]) and budget.cost.of(row[None])[0] >= 0.8 * budget.limit:
                return bsngraph.architecture_of(fabric, row)


def row_of(kind: str, seed: int, result: bsngraph.Result, whole_macs: float, kept: int) -> dict[str, str]:
    metrics = result.summary["metrics"]
    return {
        "kind": kind,
        "seed": str(seed),
        "test_accuracy": f"{metrics['test']['accuracy']:.4f}",
        "validation_accuracy": f"{metrics['validation']['accuracy']:.4f}",
        "macs_share": f"{result.summary['costs']['macs']['value'] / whole_macs:.4f}",
        "searchable_kept": str(kept),
        "seconds": f"{result.summary['seconds']:.1f}",
    }


def read_rows() -> Rows:
    if not ROWS.exists():
        return {}
    with ROWS.open() as file:
        return {(row["kind"], int(row["seed"])): row for row in csv.DictReader(file)}


def write_rows(rows: Rows) -> None:
    with ROWS.open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows.values())


def main() -> None:
    profile = bsngraph.profile_fabric(bsngraph.read_fabric(HERE.parent / "fabrics" / "digits.dot"))
    whole_macs = float(profile.macs.sum())
    searchable = set(profile.fabric.searchable)
    rows = read_rows()
    out = Path(tempfile.mkdtemp())

    def run(kind: str, seed: int, job: Callable[[Path], tuple[bsngraph.Result, int]]) -> None:
        if (kind, seed) not in rows:
            started = time.perf_counter()
            result, kept = job(out / f"{kind}-{seed}")
            rows[kind, seed] = row_of(kind, seed, result, whole_macs, kept)
            write_rows(rows)
            print(f"{kind} {seed}: {rows[kind, seed]['test_accuracy']} ({time.perf_counter() - started:.0f} s)", flush=True)

    def train_architecture(architecture: bsngraph.Architecture, seed: int, path: Path) -> tuple[bsngraph.Result, int]:
        result = bsngraph.train(bsngraph.prune(profile, architecture), "digits", out=path, seed=seed)
        return result, len(searchable & set(architecture.live))

    for seed in range(3):
        found: list[bsngraph.Architecture] = []

        def searched(path: Path, seed: int = seed, found: list[bsngraph.Architecture] = found) -> tuple[bsngraph.Result, int]:
            result = bsngraph.search(profile, "digits", [BUDGET], out=path, seed=seed)
            found.append(result.architecture)
            return result, len(searchable & set(result.architecture.live))

        if ("search, its architecture from scratch", seed) not in rows:
            rows.pop(("search", seed), None)
        run("search", seed, searched)
        if found:
            run("search, its architecture from scratch", seed, lambda path, a=found[0], s=seed: train_architecture(a, s, path))
    for seed in range(10):
        run("random", seed, lambda path, s=seed: train_architecture(random_architecture(profile, s), s, path))

    for kind in dict.fromkeys(kind for kind, _ in rows):
        accuracies = [100 * float(row["test_accuracy"]) for (name, _), row in rows.items() if name == kind]
        spread = statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0
        mean = statistics.mean(accuracies)
        print(f"{kind}: {mean:.2f} % ± {spread:.2f} (n = {len(accuracies)}, {min(accuracies):.2f} to {max(accuracies):.2f})")


if __name__ == "__main__":
    main()
