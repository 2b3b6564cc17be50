"""Images of 224x224 and an MBConv fabric of 210 edges: a training step, and a short
search to its end, with their peak memory.

    python -m benchmarks large-images [--quick]

The fabric is `mobilenet` with three kernels and four expansions at every position, all
widths as in MobileNetV2. Images are random, so accuracies mean nothing. A step is one
of θ at p = 0.5 of every option, so that each example takes a way of its own. Memory is
the peak of the process as Linux counts it, and the part of it beyond what was there
before. The search has one worker, so that all of it is in this process.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch

import bsngraph
from benchmarks.shared.keeping import keep
from benchmarks.shared.options import quick_option
from benchmarks.shared.rows import Row
from benchmarks.shared.tables import last_table
from benchmarks.speed.growth import Meter, resident_mib
from benchmarks.speed.sampled_step import sampled_step
from bsngraph.fabric import Fabric
from bsngraph.fabric.families import mobilenet_fabric
from bsngraph.settings import resolve_settings
from bsngraph.supernet import compile_fabric
from bsngraph.training.layout import laid_out

SIZE, QUICK_SIZE = 224, 32
IMAGES, BATCH, CLASSES = 48, 16, 4
BUDGET = "macs=10%"
RECIPE: Mapping[str, Any] = {"epochs": 3, "batch_size": BATCH}
SETTINGS: Mapping[str, Any] = {"candidates": 4, "finalists": 2, "finalist_epochs": 1, "finetune_epochs": 1}
QUICK_SETTINGS: Mapping[str, Any] = {"candidates": 2, "finalists": 0, "finetune_epochs": 0}
TABLES = {"large_images": last_table()}


def photo_fabric(size: int, *, quick: bool) -> Fabric:
    """The fabric for images of so many pixels a side; a small one in a quick run."""
    shape = (3, size, size)
    if quick:
        return mobilenet_fabric(
            input_shape=shape, classes=CLASSES, channels=(4, 4), layers=(1, 2), strides=(2, 2), stem=4, last=8
        )
    return mobilenet_fabric(input_shape=shape, classes=CLASSES, kernels=(3, 5, 7), expansions=(2, 3, 4, 6))


def random_images(size: int) -> bsngraph.Dataset:
    """Images of random content, channels first, with random classes."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (IMAGES, 3, size, size), dtype=np.uint8)
    labels = np.arange(IMAGES) % CLASSES
    return bsngraph.Dataset.from_arrays(images, labels, layout="chw", name="random images")


def measured_rows(*, quick: bool) -> Sequence[Row]:
    """A row for the step, and one for the search."""
    size, meter, peaks = QUICK_SIZE if quick else SIZE, Meter(), dict[str, float | None]()
    fabric = photo_fabric(size, quick=quick)
    profile = bsngraph.profile_fabric(fabric)
    net = compile_fabric(profile, seed=0)
    images = torch.randn(BATCH, 3, size, size, generator=torch.Generator().manual_seed(0))
    meter.run("training step", sampled_step(net, laid_out(net, images), CLASSES, 0.5))
    peaks["training step"] = resident_mib()
    del net
    recipe, settings = resolve_settings(
        None,
        recipe={**RECIPE, "epochs": 1} if quick else dict(RECIPE),
        settings=dict(QUICK_SETTINGS if quick else SETTINGS),
    )
    with tempfile.TemporaryDirectory() as folder:
        result = meter.run(
            "search to the end",
            lambda: bsngraph.search(
                profile,
                random_images(size),
                "macs=60%" if quick else BUDGET,
                out=Path(folder) / "run",
                recipe=recipe,
                settings=settings,
                device="cpu",
                threads=torch.get_num_threads(),
                workers=1,
            ),
        )
        peaks["search to the end"] = resident_mib()
    click.echo(f"{len(fabric.edges)} edges; MACs {result.summary['costs']['macs']}")
    return [
        {
            "what": name,
            "images": BATCH if name == "training step" else IMAGES,
            "pixels a side": size,
            "edges": len(fabric.edges),
            "processor s": spent.seconds,
            "MiB beyond before": spent.mib,
            "peak of the process, MiB": peaks[name],
        }
        for name, spent in meter.spent.items()
    ]


@click.command("large-images")
@quick_option
def command(quick: bool) -> None:
    """Measure a training step and a short search on images of 224x224.

    Example: python -m benchmarks large-images --quick
    """
    keep("large_images", measured_rows(quick=quick), quick=quick)
