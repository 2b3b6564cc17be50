"""What input costs: making a training batch against a training step, in turn, and the
median of the ratios.

A step is forward, backward and SGD of the ResNet Fabric with every edge kept, batch 64
of 3x32x32; a batch is picked from uint8 in memory, augmented and normalised. Then the
same batch from image files, decoded while it is used.

    python -m benchmarks data [--quick] [--repeats 15] [--device cuda]
"""

from __future__ import annotations

import functools
import itertools
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from benchmarks.shared.keeping import keep
from benchmarks.shared.options import device_option, quick_option, repeats_of, repeats_option
from benchmarks.shared.tables import last_table, table
from bsngraph.data import Dataset, Split, load_data, parse_augmentation
from bsngraph.fabric.families import resnet_fabric
from bsngraph.supernet import compile_fabric

BATCH = 64
AUGMENTATIONS = {
    "none": "none",
    "shift=4,flip": "shift=4,flip",
    "shift=4,flip,cutout=8": "shift=4,flip,cutout=8",
    "all five": "shift=4,flip,crop=0.7,cutout=8,mixup=0.2",
}
SHOWN = {"batch ms": "{:.2f}", "step ms": "{:.0f}", "ratio": "{:.2f} %"}
report = functools.partial(table, shown=SHOWN)
TABLES = {"data": last_table(report)}


def photographs(count: int, device: torch.device) -> Dataset:
    """Noise of CIFAR's size and type: what is in the pixels does not matter here."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (count, 3, 32, 32), dtype=torch.uint8, generator=generator)
    split = Split(images, torch.arange(count) % 10)
    names = tuple("0123456789")
    augmentation = parse_augmentation("none")
    return Dataset("noise", names, (125.0,) * 3, (60.0,) * 3, split, split, split, augmentation).to(device)


def batches(data: Dataset) -> Iterator[tuple[Tensor, Tensor]]:
    """Training batches without end."""
    for epoch in itertools.count():
        yield from data.training_batches(BATCH, torch.Generator().manual_seed(epoch), augment=True)


class Step:
    """A training step on whatever batch comes."""

    def __init__(self, device: torch.device) -> None:
        fabric = resnet_fabric(input_shape=(3, 32, 32), classes=10)
        self.net = compile_fabric(fabric, seed=0).to(device).train()
        self.route = self.net.route(np.ones((BATCH, len(fabric.edges)), dtype=np.bool_), device)
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=1e-6, momentum=0.9)

    def __call__(self, inputs: Tensor, labels: Tensor) -> None:
        self.optimizer.zero_grad()
        functional.cross_entropy(self.net(inputs, self.route), labels).backward()
        self.optimizer.step()


def timed(device: torch.device, work: object, *arguments: object) -> tuple[float, object]:
    started = time.perf_counter()
    result = work(*arguments)  # type: ignore[operator]
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started, result


def measure(data: Dataset, step: Step, device: torch.device, repeats: int) -> tuple[float, float, float]:
    """Milliseconds of a batch and of a step, and the median of their ratios."""
    source = batches(data)
    times = []
    for repeat in range(repeats + 2):
        waited, batch = timed(device, next, source)
        took, _ = timed(device, step, *batch)  # type: ignore[misc]
        if repeat >= 2:
            times.append((waited, took))
    ratio = statistics.median(waited / took for waited, took in times)
    return (*(1000 * statistics.median(column) for column in zip(*times, strict=True)), ratio)  # type: ignore[return-value]


def image_files(folder: Path, count: int = 1280) -> str:
    """A folder of PNG files that is read while it is used."""
    generator = np.random.default_rng(0)
    for number in range(count):
        path = folder / str(number % 10) / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(generator.integers(256, size=(32, 32, 3), dtype=np.uint8)).save(path)
    return f"folder:{folder},memory=1kB,workers=1"


@click.command("data")
@quick_option
@repeats_option
@device_option
def command(quick: bool, repeats: int | None, device: str) -> None:
    """Measure making a training batch against a training step.

    Example: OMP_NUM_THREADS=1 python -m benchmarks data --repeats 9
    """
    place, rounds, rows = torch.device(device), repeats_of(repeats, quick=quick, usual=15), []
    data, step = photographs(4096, place), Step(place)

    def measured(source: str, augmentation: str, kind: Dataset) -> None:
        batch, took, ratio = measure(
            kind.with_augmentation(parse_augmentation(AUGMENTATIONS[augmentation])), step, place, rounds
        )
        rows.append(
            {
                "data": source,
                "augmentation": augmentation,
                "batch ms": batch,
                "step ms": took,
                "ratio": 100 * ratio,
            }
        )

    for augmentation in AUGMENTATIONS:
        measured("in memory", augmentation, data)
    with tempfile.TemporaryDirectory() as folder:
        measured("PNG files, 1 worker", "shift=4,flip", load_data(image_files(Path(folder))).to(place))
    keep("data", rows, quick=quick, made=report)
