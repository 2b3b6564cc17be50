"""The segmentation demo's search against random sub-networks inside the same budget and
against the whole fabric, on digit-scenes.

For each of three seeds: a search; five random architectures, none drawn twice, that
spend between 80 and 100 % of the budget, and the whole fabric, trained from scratch by
the search's recipe for as many epochs as a search has in all, fine-tuning included.
Rows that scenes.csv holds already are not run again.

    python benchmarks/scenes.py [--epochs N] [--finetune-epochs N] [--rows FILE.csv]
"""

from __future__ import annotations

import argparse
import csv
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import bsngraph
from bsngraph.costs import meets, parse_budget, resolve_budgets
from bsngraph.fabric import connected, live_edges

HERE = Path(__file__).parent
DATA, BUDGET = "digit-scenes", "macs=30%"
SEEDS, RANDOM = 3, 5
EPOCHS, FINETUNE_EPOCHS, CANDIDATES = 20, 12, 16  # those that scenes.csv was made with
RECIPE = {"batch_size": 16, "class_weights": (0.4, *[8.0] * 10)}  # nine of ten pixels are background
FIELDS = (
    "kind",
    "seed",
    "number",
    "test_mean_iou",
    "test_pixel_accuracy",
    "validation_mean_iou",
    "macs_share",
    "searchable_kept",
    "seconds",
)

Key = tuple[str, int, int]
Rows = dict[Key, dict[str, str]]


def random_architectures(profile: bsngraph.FabricProfile, count: int) -> list[bsngraph.Architecture]:
    """Distinct random sub-networks that spend 80 to 100 % of the budget: edges kept
    with a random probability, drawn until enough fit.
    """
    rng = np.random.default_rng(0)
    fabric, sweep = profile.fabric, profile.fabric.sweep
    (budget,) = resolve_budgets(profile, [parse_budget(BUDGET)])
    fixed = fabric.fixed
    found: dict[bsngraph.Architecture, None] = {}
    while len(found) < count:
        kept = (rng.random((4096, len(fabric.edges))) < rng.random((4096, 1))) | fixed
        live = live_edges(sweep, kept)
        fit = connected(fabric, live).all(axis=1) & (budget.cost.of(live) >= 0.8 * budget.limit)
        found |= dict.fromkeys(
            bsngraph.architecture_of(fabric, row) for row in live[fit] if meets(row, [budget])
        )
    return list(found)[:count]


def row_of(key: Key, result: bsngraph.Result, profile: bsngraph.FabricProfile) -> dict[str, str]:
    metrics, edges = result.summary["metrics"], {edge.name for edge in result.fabric.edges}
    kept = sum(profile.fabric.edges[edge].name in edges for edge in profile.fabric.searchable)
    return {
        "kind": key[0],
        "seed": str(key[1]),
        "number": str(key[2]),
        "test_mean_iou": f"{metrics['test']['mean_iou']:.4f}",
        "test_pixel_accuracy": f"{metrics['test']['pixel_accuracy']:.4f}",
        "validation_mean_iou": f"{metrics['validation']['mean_iou']:.4f}",
        "macs_share": f"{result.summary['costs']['macs']['value'] / profile.macs.sum():.4f}",
        "searchable_kept": str(kept),
        "seconds": f"{result.summary['seconds']:.1f}",
    }


def read_rows(path: Path) -> Rows:
    if not path.exists():
        return {}
    with path.open() as file:
        return {(row["kind"], int(row["seed"]), int(row["number"])): row for row in csv.DictReader(file)}


def write_rows(rows: Rows, path: Path) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows.values())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--finetune-epochs", type=int, default=FINETUNE_EPOCHS)
    parser.add_argument("--rows", type=Path, default=HERE / "scenes.csv")
    asked = parser.parse_args()
    profile = bsngraph.profile_fabric(bsngraph.read_fabric(HERE.parent / "fabrics" / "scenes.dot"))
    data = bsngraph.load_data(DATA)
    rows, out = read_rows(asked.rows), Path(tempfile.mkdtemp())
    recipe = bsngraph.Recipe(epochs=asked.epochs, **RECIPE)
    alone = bsngraph.Recipe(epochs=asked.epochs + asked.finetune_epochs, **RECIPE)
    settings = bsngraph.SearchSettings(finetune_epochs=asked.finetune_epochs, candidates=CANDIDATES)

    def run(kind: str, seed: int, number: int, job: Callable[[Path], bsngraph.Result]) -> None:
        key = (kind, seed, number)
        if key not in rows:
            started = time.perf_counter()
            rows[key] = row_of(key, job(out / f"{kind}-{seed}-{number}"), profile)
            write_rows(rows, asked.rows)
            print(
                f"{kind} {seed}.{number}: {rows[key]['test_mean_iou']} "
                f"({time.perf_counter() - started:.0f} s)",
                flush=True,
            )

    drawn = random_architectures(profile, SEEDS * RANDOM)
    for seed in range(SEEDS):
        run(
            "search",
            seed,
            0,
            lambda path, s=seed: bsngraph.search(
                profile, data, [BUDGET], out=path, seed=s, recipe=recipe, settings=settings
            ),
        )
        run(
            "whole fabric",
            seed,
            0,
            lambda path, s=seed: bsngraph.train(profile, data, out=path, seed=s, recipe=alone),
        )
        for number in range(RANDOM):
            net = bsngraph.prune(profile, drawn[RANDOM * seed + number])
            run(
                "random",
                seed,
                number,
                lambda path, s=seed, n=net: bsngraph.train(n, data, out=path, seed=s, recipe=alone),
            )

    for kind in dict.fromkeys(kind for kind, _, _ in rows):
        values = [100 * float(row["test_mean_iou"]) for (name, _, _), row in rows.items() if name == kind]
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        print(
            f"{kind}: {statistics.mean(values):.1f} % ± {spread:.1f} (n = {len(values)}, "
            f"{min(values):.1f} to {max(values):.1f})"
        )


if __name__ == "__main__":
    main()
