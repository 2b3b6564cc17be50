"""Segmentation: a class map and an overlay for each example."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from bsngraph.delivered.model_facts import ModelFacts
from bsngraph.delivered.predicting.batches import Batch, Prediction, make_folder
from bsngraph.draw.pixel_overlays import MOST_CLASSES, class_map, overlay
from bsngraph.errors import InputError
from bsngraph.tasks import Task
from bsngraph.whole_files import write_whole


def write_pictures(batches: Iterator[Batch], facts: ModelFacts, task: Task, folder: Path) -> Prediction:
    """Write NAME-classes.png and NAME-overlay.png for each example.

    Raises:
        InputError: there are more classes than a class map holds, or the folder cannot
            be written to.
    """
    if len(facts.classes) > MOST_CLASSES:
        raise InputError(
            f"the network tells {len(facts.classes)} classes apart, but a class map holds at most "
            f"{MOST_CLASSES}"
        )
    files: list[Path] = []
    count = 0
    for batch in batches:
        make_folder(folder)
        stems = _stems(batch.names)
        shape = (1, -1, 1, 1)
        values = batch.inputs * torch.tensor(facts.std).view(shape) + torch.tensor(facts.mean).view(shape)
        pixels = (values * (255 / (facts.white or 255))).round().clamp(0, 255).to(torch.uint8).numpy()
        classes = task.predicted(batch.outputs).to(torch.uint8).numpy()
        truths = [None] * len(stems) if batch.labels is None else list(batch.labels.numpy())
        for stem, image, said, truth in zip(stems, pixels, classes, truths, strict=True):
            shown = image if image.shape[0] in (1, 3) else image[:1]
            for kind, content in (
                ("classes", class_map(said, facts.classes)),
                ("overlay", overlay(shown, said, facts.classes, truth)),
            ):
                files.append(folder / f"{stem}-{kind}.png")
                write_whole(files[-1], content)
        count += len(stems)
    return Prediction(facts.task, count, tuple(files))


def _stems(names: Sequence[str]) -> list[str]:
    """File names without their suffix, or with it where two would be the same."""
    counts = Counter(Path(name).stem for name in names)
    return [Path(name).stem if counts[Path(name).stem] == 1 else name for name in names]
