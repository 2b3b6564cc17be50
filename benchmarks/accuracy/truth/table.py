"""The table of true accuracies: every distinct sub-network of two small fabrics,
trained alone on Fashion-MNIST at 14×14, several seeds.

6,000 training images, 8 epochs, no augmentation, test accuracy on the 10,000 test
images. `accuracies.csv` beside this file holds a row for each training; what it holds
already is not run again, and two processes may share the work.

    python -m benchmarks.truth.table [--fabric blocks cell] [--seeds 4] [--part 0/1]
"""

from __future__ import annotations

import argparse
import csv
import fcntl
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

import bsngraph
from bsngraph.data import Dataset
from bsngraph.searching.choosing.oracle import every_architecture
from bsngraph.training import NetTraining, Silent, derived_seed, evaluate_net

HERE = Path(__file__).parent
ROWS = HERE / "accuracies.csv"
FABRICS = ("blocks", "cell")
DATA = "fashion-mnist,size=14,train=6000,validation=1000"
RECIPE = bsngraph.Recipe(epochs=8, batch_size=64, augment=False)
AFFORDABLE = 0.65  # of the MACs
FIELDS = (
    "fabric",
    "edges",
    "seed",
    "macs",
    "test_accuracy",
    "validation_accuracy",
    "validation_loss",
    "cpu_seconds",
)

Key = tuple[str, str, int]


def read_fabric(name: str) -> bsngraph.Fabric:
    return bsngraph.read_fabric(HERE / f"{name}.dot")


def edges_text(architecture: bsngraph.Architecture) -> str:
    """The live edges as the table names them: their numbers in the fabric's file."""
    return " ".join(map(str, architecture.live))


def read_rows(path: Path = ROWS) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def append_row(path: Path, fields: Sequence[str], row: Mapping[str, object]) -> None:
    """Add a row; processes that share the work take turns."""
    with path.open("a", newline="", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        writer = csv.DictWriter(file, fields, lineterminator="\n")
        if file.tell() == 0:
            writer.writeheader()
        writer.writerow(row)


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


def train_alone(
    profile: bsngraph.FabricProfile, architecture: bsngraph.Architecture, dataset: Dataset, seed: int
) -> dict[str, object]:
    """Train a sub-network from scratch; what its row says."""
    start = time.process_time()
    net = bsngraph.compile_fabric(bsngraph.prune(profile, architecture), seed=derived_seed(seed, "weights"))
    epochs: list[dict[str, float]] = []
    NetTraining(net, dataset, RECIPE, seed, "training").run(Silent(), epochs.append)
    test = evaluate_net(net, dataset, dataset.test, np.ones(len(net.fabric.edges), dtype=np.bool_))
    return {
        "macs": int(profile.macs[list(architecture.live)].sum()),
        "test_accuracy": f"{test.accuracy:.4f}",
        "validation_accuracy": f"{epochs[-1]['validation_accuracy']:.4f}",
        "validation_loss": f"{epochs[-1]['validation_loss']:.4f}",
        "cpu_seconds": f"{time.process_time() - start:.1f}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fabric", nargs="+", choices=FABRICS, default=list(FABRICS))
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--part", default="0/1", help="i/n: every n-th training, from the i-th on")
    options = parser.parse_args()
    torch.set_num_threads(1)
    part, parts = map(int, options.part.split("/"))
    dataset = bsngraph.load_data(DATA)
    profiles = {name: bsngraph.profile_fabric(read_fabric(name)) for name in options.fabric}
    done = {(row["fabric"], row["edges"], int(row["seed"])) for row in read_rows()}
    mine = [
        item
        for number, item in enumerate(keys(profiles, options.seeds))
        if number % parts == part and item[0] not in done
    ]
    for number, (key, architecture) in enumerate(mine):
        row = train_alone(profiles[key[0]], architecture, dataset, key[2])
        append_row(ROWS, FIELDS, dict(zip(("fabric", "edges", "seed"), key, strict=True)) | row)
        print(
            f"{number + 1} of {len(mine)}: {key[0]} {key[1]}, seed {key[2]}: {row['test_accuracy']} "
            f"({row['cpu_seconds']} s)",
            flush=True,
        )


if __name__ == "__main__":
    main()
