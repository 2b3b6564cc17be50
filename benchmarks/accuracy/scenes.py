"""The segmentation demo's search against random sub-networks inside the same budget and
against the whole fabric, on digit-scenes.

For each of three seeds: a search; five random architectures, none drawn twice, that
spend between 80 and 100 % of the budget, and the whole fabric, trained from scratch by
the search's recipe for as many epochs as a search has in all, fine-tuning included.
Rows that are kept already are not run again.

    python -m benchmarks scenes [--limit N] [--epochs N] [--finetune-epochs N]
"""

from __future__ import annotations

import itertools
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click
import numpy as np

import bsngraph
from benchmarks.shared.options import limit_option, search_options
from benchmarks.shared.rows import Row, append_rows, by_key, read_rows, rows_file
from benchmarks.shared.tables import table
from bsngraph.costs import parse_budget, resolve_budgets
from bsngraph.fabric import connected, live_edges

FABRIC = Path(__file__).parents[2] / "fabrics" / "scenes.dot"
DATA, BUDGET = "digit-scenes", "macs=30%"
SEEDS, RANDOM = 3, 5
EPOCHS, FINETUNE_EPOCHS, CANDIDATES = 20, 12, 16  # those of the kept rows
RECIPE = {"batch_size": 16, "class_weights": (0.4, *[8.0] * 10)}  # nine of ten pixels are background
KINDS = {
    "search": "search, inside 30 % of the MACs",
    "random": "random sub-networks inside the same budget",
    "whole fabric": "whole fabric, no budget",
}

Key = tuple[str, int, int]
KEY = ("kind", "seed", "number")


def random_architectures(
    profile: bsngraph.FabricProfile, count: int, limit: str = BUDGET
) -> list[bsngraph.Architecture]:
    """Distinct random sub-networks that spend 80 to 100 % of the budget: edges kept
    with a random probability, drawn until enough fit.
    """
    rng = np.random.default_rng(0)
    fabric, sweep = profile.fabric, profile.fabric.sweep
    budgets = resolve_budgets(profile, [parse_budget(limit)])
    (budget,) = budgets
    fixed = fabric.fixed
    found: dict[bsngraph.Architecture, None] = {}
    while len(found) < count:
        kept = (rng.random((4096, len(fabric.edges))) < rng.random((4096, 1))) | fixed
        live = live_edges(sweep, kept)
        fit = connected(fabric, live).all(axis=1) & (budget.cost.of(live) >= 0.8 * budget.limit)
        found |= dict.fromkeys(
            bsngraph.architecture_of(fabric, row) for row in live[fit] if budgets.met_by(row)
        )
    return list(found)[:count]


def row_of(key: Key, result: bsngraph.Result, profile: bsngraph.FabricProfile) -> Row:
    """The row of what a run delivered."""
    metrics, edges = result.summary["metrics"], {edge.name for edge in result.fabric.edges}
    kept = sum(profile.fabric.edges[edge].name in edges for edge in profile.fabric.searchable)
    return {
        **dict(zip(KEY, key, strict=True)),
        "test_mean_iou": round(metrics["test"]["mean_iou"], 4),
        "test_pixel_accuracy": round(metrics["test"]["pixel_accuracy"], 4),
        "validation_mean_iou": round(metrics["validation"]["mean_iou"], 4),
        "macs_share": round(float(result.summary["costs"]["macs"]["value"] / profile.macs.sum()), 4),
        "searchable_kept": kept,
        "seconds": round(result.summary["seconds"], 1),
    }


def jobs(
    profile: bsngraph.FabricProfile, epochs: int, finetune_epochs: int
) -> Iterator[tuple[Key, Callable[[Path], bsngraph.Result]]]:
    """Every row's key and the run that gives it, seed by seed."""
    data, drawn = bsngraph.load_data(DATA), random_architectures(profile, SEEDS * RANDOM)
    recipe = bsngraph.Recipe(epochs=epochs, **RECIPE)
    alone = bsngraph.Recipe(epochs=epochs + finetune_epochs, **RECIPE)
    settings = bsngraph.SearchSettings(finetune_epochs=finetune_epochs, candidates=CANDIDATES)
    for seed in range(SEEDS):
        yield (
            ("search", seed, 0),
            lambda out, seed=seed: bsngraph.search(
                profile, data, [BUDGET], out=out, seed=seed, recipe=recipe, settings=settings
            ),
        )
        yield (
            ("whole fabric", seed, 0),
            lambda out, seed=seed: bsngraph.train(profile, data, out=out, seed=seed, recipe=alone),
        )
        for number in range(RANDOM):
            net = bsngraph.prune(profile, drawn[RANDOM * seed + number])
            yield (
                ("random", seed, number),
                lambda out, seed=seed, net=net: bsngraph.train(net, data, out=out, seed=seed, recipe=alone),
            )


def report(rows: Sequence[Row]) -> str:
    """Mean, spread and range of the test mean IoU by kind of network."""
    made = []
    for kind, name in KINDS.items():
        values = [100 * row["test_mean_iou"] for row in rows if row["kind"] == kind]
        if values:
            spread = statistics.stdev(values) if len(values) > 1 else 0.0
            made.append(
                {
                    "network": name,
                    "n": len(values),
                    "test mean IoU": statistics.mean(values),
                    "spread": spread,
                    "range": f"{min(values):.1f} to {max(values):.1f}",
                }
            )
    return table(made, {"test mean IoU": "{:.1f} %", "spread": "{:.1f}"})


TABLES = {"scenes": report}


@click.command("scenes")
@limit_option
@search_options(rows_file("scenes"), EPOCHS, FINETUNE_EPOCHS)
def command(limit: int | None, epochs: int, finetune_epochs: int, path: Path) -> None:
    """Search for a segmentation network, and train random ones beside it.

    Example: python -m benchmarks scenes --limit 0
    """
    profile = bsngraph.profile_fabric(bsngraph.read_fabric(FABRIC))
    missing = (
        (key, job)
        for key, job in jobs(profile, epochs, finetune_epochs)
        if key not in by_key(read_rows(path), KEY)
    )
    for key, job in itertools.islice(missing, limit):
        with tempfile.TemporaryDirectory() as folder:
            row = row_of(key, job(Path(folder) / "run"), profile)
        append_rows(path, [row], KEY)
        click.echo(f"{key}: {row['test_mean_iou']} ({row['seconds']} s)")
    click.echo(report(read_rows(path)))
