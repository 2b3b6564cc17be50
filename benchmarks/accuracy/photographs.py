"""One search on real photographs of 96x96 pixels, against random sub-networks inside
the same budget and a network made by hand at the same cost.

The task is to say which of ten photographs a patch is from. They come with scikit-learn
and inside scikit-image's wheel (`pip install scikit-image`). Each is scaled to 960
pixels on its longer side and cut across it into three bands, for training, validation
and test, that share no pixel; patches are drawn at random inside their band.

For each seed: a search in `fabrics/photos-96-resnet.dot`; random architectures that
spend between 80 and 100 % of the budget; and ResNet-18's layout, narrow enough for the
budget. The last two are trained from scratch by the search's recipe for as many epochs
as a search has in all, fine-tuning included. Rows that are kept are not run again.

    python -m benchmarks photographs [--limit N] [--epochs N] [--finetune-epochs N]
"""

from __future__ import annotations

import importlib.util
import itertools
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import click
import numpy as np
import sklearn.datasets
import torch
from numpy.typing import NDArray
from PIL import Image

import bsngraph
from benchmarks.accuracy.scenes import random_architectures
from benchmarks.shared.options import limit_option, search_options
from benchmarks.shared.rows import Row, append_rows, by_key, read_rows, rows_file
from benchmarks.shared.tables import Table, table
from bsngraph.data import Augmentation, Dataset, Split
from bsngraph.fabric.families import resnet18_fabric

FABRIC = Path(__file__).parents[2] / "fabrics" / "photos-96-resnet.dot"
BUDGET, BY_HAND_CHANNELS = "macs=42%", 10  # the network by hand has 41.9 %
SEEDS, RANDOM = 2, 3
EPOCHS, FINETUNE_EPOCHS, FINALISTS = 16, 8, 6  # of a whole run
LEARN = {"batch_size": 32, "learning_rate": 0.05}

SIDE, LONG = 96, 960
BANDS = {"train": (0, 576), "validation": (576, 768), "test": (768, 960)}  # pixels along the longer side
PATCHES = {"train": 100, "validation": 50, "test": 50}  # of each photograph
SKLEARN = ("china.jpg", "flower.jpg")
SKIMAGE = (
    "astronaut.png",
    "chelsea.png",
    "coffee.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "motorcycle_left.png",
    "retina.jpg",
    "rocket.jpg",
)

KINDS = {
    "search": "search, inside 42 % of the MACs",
    "random": "random sub-networks inside the same budget",
    "by hand": f"ResNet-18's layout with {BY_HAND_CHANNELS} feature maps",
}

Key = tuple[str, int, int]
KEY = ("kind", "seed", "number")
Pixels = NDArray[np.uint8]


def photographs() -> Iterator[tuple[str, Pixels]]:
    """Name and pixels (height, 960, 3) of each, the longer side across.

    Raises:
        click.ClickException: scikit-image is not installed.
    """
    found = importlib.util.find_spec("skimage")
    if found is None or not found.submodule_search_locations:
        raise click.ClickException("the photographs are in scikit-image's wheel: pip install scikit-image")
    folder = Path(found.submodule_search_locations[0]) / "data"
    files = [Path(sklearn.datasets.__file__).parent / "images" / name for name in SKLEARN]
    for file in (*files, *(folder / name for name in SKIMAGE)):
        with Image.open(file) as opened:
            image = opened.convert("RGB")
        if image.height > image.width:
            image = image.transpose(Image.Transpose.ROTATE_90)
        height = max(SIDE, round(image.height * LONG / image.width))
        yield file.stem, np.asarray(image.resize((LONG, height), Image.Resampling.BICUBIC))


@cache
def patches() -> Dataset:
    """The data set: patches of three bands of each photograph that share no pixel."""
    rng, names = np.random.default_rng(0), []
    drawn: dict[str, list[Pixels]] = {band: [] for band in BANDS}
    labels: dict[str, list[int]] = {band: [] for band in BANDS}
    for label, (name, pixels) in enumerate(photographs()):
        names.append(name)
        for band, (left, right) in BANDS.items():
            rows = rng.integers(0, pixels.shape[0] - SIDE + 1, PATCHES[band])
            columns = rng.integers(left, right - SIDE + 1, PATCHES[band])
            drawn[band] += [
                pixels[row : row + SIDE, column : column + SIDE]
                for row, column in zip(rows, columns, strict=True)
            ]
            labels[band] += [label] * PATCHES[band]
    splits = {
        band: Split(
            torch.from_numpy(np.stack(drawn[band]).transpose(0, 3, 1, 2).copy()), torch.tensor(labels[band])
        )
        for band in BANDS
    }
    values = splits["train"].inputs.float()
    return Dataset(
        name="photographs",
        class_names=tuple(names),
        mean=tuple(values.mean(dim=(0, 2, 3)).tolist()),
        std=tuple(values.std(dim=(0, 2, 3)).tolist()),
        augmentation=Augmentation(shift=8, flip=True),
        **splits,
    )


def by_hand() -> bsngraph.Fabric:
    """ResNet-18's layout with every edge fixed, narrow enough for the budget."""
    fabric = resnet18_fabric(input_shape=(3, SIDE, SIDE), classes=10, channels=BY_HAND_CHANNELS)
    kept = np.array([edge.key != "narrow" for edge in fabric.edges])
    return bsngraph.prune(fabric, bsngraph.architecture_of(fabric, kept))


def row_of(key: Key, result: bsngraph.Result, profile: bsngraph.FabricProfile) -> Row:
    """The row of what a run delivered; its MACs are a share of the fabric's."""
    metrics = result.summary["metrics"]
    return {
        **dict(zip(KEY, key, strict=True)),
        "test_accuracy": round(metrics["test"]["accuracy"], 4),
        "validation_accuracy": round(metrics["validation"]["accuracy"], 4),
        "macs_share": round(float(result.summary["costs"]["macs"]["value"] / profile.macs.sum()), 4),
        "seconds": round(result.summary["seconds"], 1),
    }


def jobs(
    profile: bsngraph.FabricProfile, epochs: int, finetune_epochs: int
) -> Iterator[tuple[Key, Callable[[Path], bsngraph.Result]]]:
    """Every row's key and the run that gives it, seed by seed."""
    data, drawn = patches(), random_architectures(profile, SEEDS * RANDOM, BUDGET)
    recipe = bsngraph.Recipe(epochs=epochs, **LEARN)
    alone = bsngraph.Recipe(epochs=epochs + finetune_epochs, **LEARN)
    settings = bsngraph.SearchSettings(finetune_epochs=finetune_epochs, finalists=FINALISTS)
    for seed in range(SEEDS):
        yield (
            ("search", seed, 0),
            lambda out, seed=seed: bsngraph.search(
                profile, data, BUDGET, out=out, seed=seed, recipe=recipe, settings=settings
            ),
        )
        nets = [("by hand", 0, by_hand())]
        nets += [
            ("random", number, bsngraph.prune(profile, drawn[RANDOM * seed + number]))
            for number in range(RANDOM)
        ]
        for kind, number, net in nets:
            yield (
                (kind, seed, number),
                lambda out, seed=seed, net=net: bsngraph.train(net, data, out=out, seed=seed, recipe=alone),
            )


def report(rows: Sequence[Row]) -> str:
    """Mean and range of the test accuracy, MACs and seconds by kind of network."""
    made = []
    for kind, name in KINDS.items():
        there = [row for row in rows if row["kind"] == kind]
        if there:
            values = [100 * row["test_accuracy"] for row in there]
            made.append(
                {
                    "network": name,
                    "n": len(there),
                    "test accuracy": statistics.mean(values),
                    "range": f"{min(values):.1f} to {max(values):.1f}",
                    "MACs": 100 * statistics.mean(row["macs_share"] for row in there),
                    "seconds": statistics.mean(row["seconds"] for row in there),
                }
            )
    return table(made, {"test accuracy": "{:.1f} %", "MACs": "{:.0f} %", "seconds": "{:.0f}"})


TABLES: Mapping[str, Table] = {"photographs": report}


@click.command("photographs")
@limit_option
@search_options(rows_file("photographs"), EPOCHS, FINETUNE_EPOCHS)
def command(limit: int | None, epochs: int, finetune_epochs: int, path: Path) -> None:
    """Search for a network for photographs, and train others beside it.

    Example: python -m benchmarks photographs --limit 0
    """
    profile = bsngraph.profile_fabric(bsngraph.read_fabric(FABRIC))
    kept = by_key(read_rows(path), KEY)
    missing = () if limit == 0 else jobs(profile, epochs, finetune_epochs)
    for key, job in itertools.islice((each for each in missing if each[0] not in kept), limit):
        with tempfile.TemporaryDirectory() as folder:
            row = row_of(key, job(Path(folder) / "run"), profile)
        append_rows(path, [row], KEY)
        click.echo(f"{key}: {row['test_accuracy']} ({row['seconds']} s)")
    click.echo(report(read_rows(path)))
