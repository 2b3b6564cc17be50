"""The table of true accuracies: every distinct sub-network of two small fabrics,
trained alone on Fashion-MNIST at 14×14, several seeds.

6,000 training images, 8 epochs, no augmentation, test accuracy on the 10,000 test
images. A row is kept for each training; what is kept already is not run again, and two
processes may share the work.

    python -m benchmarks truth [--limit N] [--seeds 4] [--part 0/1]
"""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import numpy as np
import torch

import bsngraph
from benchmarks.shared.options import limit_option, part_option
from benchmarks.shared.rows import Row, append_rows, by_key, read_rows, rows_file
from benchmarks.shared.tables import Table
from bsngraph.data import Dataset
from bsngraph.searching.choosing.oracle import every_architecture
from bsngraph.training import NetTraining, Silent, derived_seed, evaluate_net

HERE = Path(__file__).parent
FABRICS = ("blocks", "cell")
DATA = "fashion-mnist,size=14,train=6000,validation=1000"
RECIPE = bsngraph.Recipe(epochs=8, batch_size=64, augment=False)
AFFORDABLE = 0.65  # of the MACs
Key = tuple[str, str, int]
KEY = ("fabric", "edges", "seed")


def read_fabric(name: str) -> bsngraph.Fabric:
    return bsngraph.read_fabric(HERE / f"{name}.dot")


def edges_text(architecture: bsngraph.Architecture) -> str:
    """The live edges as the table names them: their numbers in the fabric's file."""
    return " ".join(map(str, architecture.live))


def keys(
    profiles: Mapping[str, bsngraph.FabricProfile], seeds: int
) -> Iterator[tuple[Key, bsngraph.Architecture]]:
    """All trainings in their order: first those of at most 65 % of the MACs, which
    searches are compared on, seed by seed.
    """
    for affordable in (True, False):
        for seed in range(seeds):
            for name, profile in profiles.items():
                for architecture in every_architecture(profile.fabric):
                    share = profile.macs[list(architecture.live)].sum() / profile.macs.sum()
                    if (share <= AFFORDABLE) == affordable:
                        yield (name, edges_text(architecture), seed), architecture


@functools.cache
def dataset() -> Dataset:
    """What all of them are trained on."""
    return bsngraph.load_data(DATA)


def train_alone(
    profile: bsngraph.FabricProfile, architecture: bsngraph.Architecture, data: Dataset, seed: int
) -> Row:
    """Train a sub-network from scratch; what its row says."""
    start = time.process_time()
    net = bsngraph.compile_fabric(bsngraph.prune(profile, architecture), seed=derived_seed(seed, "weights"))
    epochs: list[dict[str, float]] = []
    NetTraining(net, data, RECIPE, seed, "training").run(Silent(), epochs.append)
    test = evaluate_net(net, data, data.test, np.ones(len(net.fabric.edges), dtype=np.bool_))
    return {
        "macs": int(profile.macs[list(architecture.live)].sum()),
        "test_accuracy": round(test.accuracy, 4),
        "validation_accuracy": round(epochs[-1]["validation_accuracy"], 4),
        "validation_loss": round(epochs[-1]["validation_loss"], 4),
        "cpu_seconds": round(time.process_time() - start, 1),
    }


TABLES: dict[str, Table] = {}  # `searches` looks things up in these rows


@click.command("truth")
@limit_option
@part_option
@click.option("--seeds", type=click.IntRange(min=1), default=4, show_default=True, help="Of each network.")
def command(limit: int | None, part: tuple[int, int], seeds: int) -> None:
    """Train every sub-network of two small fabrics alone.

    Example: python -m benchmarks truth --part 0/2
    """
    torch.set_num_threads(1)
    path = rows_file("truth")
    profiles = {name: bsngraph.profile_fabric(read_fabric(name)) for name in FABRICS}
    there = by_key(read_rows(path), KEY)
    first, parts = part
    mine = [
        item for item in itertools.islice(keys(profiles, seeds), first, None, parts) if item[0] not in there
    ]
    for number, (key, architecture) in enumerate(mine[:limit], start=1):
        row = train_alone(profiles[key[0]], architecture, dataset(), key[2])
        append_rows(path, [dict(zip(KEY, key, strict=True)) | row], KEY)
        click.echo(f"{number} of {len(mine)}: {key}: {row['test_accuracy']} ({row['cpu_seconds']} s)")
    click.echo(f"{len(read_rows(path))} trainings are kept")
