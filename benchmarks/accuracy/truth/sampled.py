"""A table of true accuracies of a fabric with too many sub-networks to train them all:
200 random ones of the ResNet Fabric for 1x14x14, each trained alone as the comparison
of methods trains what they choose.

A fifth of them stands in each band of MACs from 5 to 60 % of the fabric's, and the
order goes round the bands: what is made first is a smaller table of the same kind. A
row is kept for each training; what is kept already is not run again.

    python -m benchmarks truth-sampled [--limit N] [--part 0/1]
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence

import click
import numpy as np
import torch

import bsngraph
from benchmarks.accuracy.quality.networks import build, sub_network
from benchmarks.accuracy.quality.problems import PROBLEMS, Problem
from benchmarks.shared.options import limit_option, part_option
from benchmarks.shared.rows import Row, append_rows, by_key, read_rows, rows_file
from benchmarks.shared.tables import Table, table
from bsngraph.data import Dataset, parse_augmentation
from bsngraph.fabric import Architecture, connected, live_edges
from bsngraph.training import NetTraining, Silent, derived_seed, evaluate_net

PROBLEM = "fashion-resnet"
BANDS = (0.05, 0.15, 0.25, 0.35, 0.45, 0.6)  # shares of the fabric's MACs
NETWORKS = 200
DRAWN_AT_ONCE = 2048
KEY = ("problem", "network", "seed")


def sampled_architectures(profile: bsngraph.FabricProfile) -> list[Architecture]:
    """The table's networks in its order: distinct, edges kept with a probability that
    is drawn for each network.
    """
    fabric, rng = profile.fabric, np.random.default_rng(derived_seed(0, "table of sampled networks"))
    bands: list[dict[Architecture, None]] = [{} for _ in BANDS[1:]]
    wanted = NETWORKS // len(bands)
    while any(len(band) < wanted for band in bands):
        drawn = rng.random((DRAWN_AT_ONCE, len(fabric.edges))) < rng.random((DRAWN_AT_ONCE, 1))
        live = live_edges(fabric.sweep, drawn | fabric.fixed)
        live = live[connected(fabric, live).all(axis=1)]
        shares = live @ profile.macs / profile.macs.sum()
        for row, band in zip(live, np.searchsorted(BANDS, shares) - 1, strict=True):
            if 0 <= band < len(bands):
                bands[band][Architecture.of_mask(row)] = None
    return [each for round_ in zip(*(list(band)[:wanted] for band in bands), strict=True) for each in round_]


def train_alone(problem: Problem, network: str, seed: int) -> Row:
    """Train a sub-network from scratch; what its row says."""
    start = time.process_time()
    fabric = build(problem.profile, network)
    net = bsngraph.compile_fabric(fabric, seed=derived_seed(seed, "weights"))
    epochs: list[dict[str, float]] = []
    data = augmented(problem)
    NetTraining(net, data, problem.recipe, seed, "training").run(Silent(), epochs.append)
    test = evaluate_net(net, data, data.test, np.ones(len(fabric.edges), dtype=np.bool_))
    return {
        "macs": int(net.profile.macs.sum()),
        "test_accuracy": round(test.accuracy, 4),
        "validation_accuracy": [round(epoch["validation_accuracy"], 4) for epoch in epochs],
        "validation_loss": [round(epoch["validation_loss"], 4) for epoch in epochs],
        "cpu_seconds": round(time.process_time() - start, 1),
    }


def report(rows: Sequence[Row]) -> str:
    """How accurate the networks of each band are."""
    total = float(PROBLEMS[PROBLEM].profile.macs.sum())
    made = []
    for least, most in itertools.pairwise(BANDS):
        found = [100 * row["test_accuracy"] for row in rows if least < row["macs"] / total <= most]
        if found:
            line = {
                "networks": len(found),
                "worst": min(found),
                "mean": float(np.mean(found)),
                "best": max(found),
            }
            made.append({"MACs": f"{100 * least:.0f} to {100 * most:.0f} %", **line})
    return table(made, dict.fromkeys(("worst", "mean", "best"), "{:.1f} %"))


TABLES: dict[str, Table] = {"truth_sampled": report}


def augmented(problem: Problem) -> Dataset:
    """The problem's data as its recipe augments it."""
    assert problem.recipe.augmentation is not None, "the comparison's recipe says how"
    return problem.dataset.with_augmentation(parse_augmentation(problem.recipe.augmentation))


@click.command("truth-sampled")
@limit_option
@part_option
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True, help="Of each network.")
def command(limit: int | None, part: tuple[int, int], seeds: int) -> None:
    """Train 200 random sub-networks of the ResNet Fabric alone.

    Example: python -m benchmarks truth-sampled --part 0/2
    """
    torch.set_num_threads(1)
    path, problem = rows_file("truth_sampled"), PROBLEMS[PROBLEM]
    networks = [sub_network(each) for each in sampled_architectures(problem.profile)]
    missing = _missing(networks, seeds, part)
    for number, key in enumerate(missing[:limit], start=1):
        row = train_alone(problem, key[1], key[2])
        append_rows(path, [dict(zip(KEY, key, strict=True)) | row], KEY)
        click.echo(f"{number} of {len(missing)}: {key}: {row['test_accuracy']} ({row['cpu_seconds']} s)")
    click.echo(f"{len(read_rows(path))} trainings are kept")


def _missing(networks: Sequence[str], seeds: int, part: tuple[int, int]) -> list[tuple[str, str, int]]:
    there = by_key(read_rows(rows_file("truth_sampled")), KEY)
    first, parts = part
    wanted = [(PROBLEM, network, seed) for seed in range(seeds) for network in networks]
    return [key for key in itertools.islice(wanted, first, None, parts) if key not in there]
