"""Segmentation: a class map and an overlay for each example."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch

from bsngraph.delivered.model_facts import ModelFacts
from bsngraph.delivered.predicting.batches import Batch, make_folder
from bsngraph.delivered.predicting.outputs import picture_files
from bsngraph.draw.pixel_overlays import MOST_CLASSES, ImageBytes, class_bytes, class_map, overlay
from bsngraph.errors import InputError
from bsngraph.tasks import Task
from bsngraph.whole_files import write_whole


def write_pictures(
    batches: Iterator[Batch], facts: ModelFacts, task: Task, folder: Path, *, paint_all: bool
) -> None:
    """Write NAME-classes.png and NAME-overlay.png for each example; NAME is the whole
    name of its file, sub-folders included, or its number. `paint_all` is as `overlay`
    has it.

    Raises:
        InputError: there are more classes than a class map holds, or the folder cannot
            be written to.
    """
    if len(facts.classes) > MOST_CLASSES:
        raise InputError(
            f"the network tells {len(facts.classes)} classes apart, but a class map holds at most "
            f"{MOST_CLASSES}"
        )
    for batch in batches:
        for parent in sorted({file.parent for name in batch.names for file in picture_files(folder, name)}):
            make_folder(parent)
        pixels = facts.pixels(batch.inputs)
        classes = task.predicted(batch.outputs).to(torch.uint8).numpy()
        truths: list[ImageBytes | None] = [None] * len(batch.names)
        if batch.labels is not None:
            truths = list(class_bytes(batch.labels.numpy(), len(facts.classes)))
        for name, image, said, truth in zip(batch.names, pixels, classes, truths, strict=True):
            contents = (
                class_map(said, facts.classes),
                overlay(image, said, facts.classes, truth, paint_all=paint_all),
            )
            for file, content in zip(picture_files(folder, name), contents, strict=True):
                write_whole(file, content)
