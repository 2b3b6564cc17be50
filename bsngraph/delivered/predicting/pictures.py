"""Segmentation: a class map and an overlay for each example."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from bsngraph.delivered.model_facts import ModelFacts
from bsngraph.delivered.predicting.batches import Batch, Prediction, make_folder
from bsngraph.delivered.predicting.outputs import output_stems
from bsngraph.draw.pixel_overlays import MOST_CLASSES, class_map, overlay
from bsngraph.errors import InputError
from bsngraph.tasks import Task
from bsngraph.whole_files import write_whole


def write_pictures(
    batches: Iterator[Batch], facts: ModelFacts, task: Task, folder: Path, files_read: Sequence[str]
) -> Prediction:
    """Write NAME-classes.png and NAME-overlay.png for each example; NAME is a file's of
    `files_read`, or an example's number.

    Raises:
        InputError: there are more classes than a class map holds, or the folder cannot
            be written to.
    """
    stems = output_stems(files_read)
    if len(facts.classes) > MOST_CLASSES:
        raise InputError(
            f"the network tells {len(facts.classes)} classes apart, but a class map holds at most "
            f"{MOST_CLASSES}"
        )
    files: list[Path] = []
    count = 0
    for batch in batches:
        make_folder(folder)
        shape = (1, -1, 1, 1)
        values = batch.inputs * torch.tensor(facts.std).view(shape) + torch.tensor(facts.mean).view(shape)
        pixels = (values * (255 / (facts.white or 255))).round().clamp(0, 255).to(torch.uint8).numpy()
        classes = task.predicted(batch.outputs).to(torch.uint8).numpy()
        truths = [None] * len(batch.names) if batch.labels is None else list(batch.labels.numpy())
        for name, image, said, truth in zip(batch.names, pixels, classes, truths, strict=True):
            shown = image if image.shape[0] in (1, 3) else image[:1]
            for kind, content in (
                ("classes", class_map(said, facts.classes)),
                ("overlay", overlay(shown, said, facts.classes, truth)),
            ):
                files.append(folder / f"{stems.get(name, name)}-{kind}.png")
                write_whole(files[-1], content)
        count += len(batch.names)
    return Prediction(facts.task, count, tuple(files))
