"""A delivered network put to use: images in a folder, or the test examples of a data
set, in; what it says of each, out.

Segmentation gives a class map and an overlay for each image, every other task one
table, predictions.csv. Everything that can be wrong with the images is known before
anything is written, and each file is written whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from bsngraph.data import Dataset
from bsngraph.delivered.load import load_delivered
from bsngraph.delivered.predicting.batches import Prediction, batches_of
from bsngraph.delivered.predicting.image_folder import image_files, unlabelled
from bsngraph.delivered.predicting.pictures import write_pictures
from bsngraph.delivered.predicting.table import write_table
from bsngraph.delivered.prepare import prepared_data
from bsngraph.errors import InputError
from bsngraph.measure import find_hardware
from bsngraph.runs import RunFolder


def predict(
    path: str | Path,
    *,
    out: str | Path,
    images: str | Path | None = None,
    data: str | Dataset | None = None,
    limit: int | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> Prediction:
    """What the delivered network of the run `path` says of the images in a folder, or
    of a data set's test examples, written to `out`.

    Images are read as the network was trained on them: with its channels, its
    normalisation, and of its size exactly. For segmentation NAME-classes.png and
    NAME-overlay.png are written for each, else predictions.csv: with a probability for
    each class, or with amounts in the outputs' own units. `limit` takes the first ones
    only.

    Raises:
        InputError: `path` holds no finished run, or files that do not fit each other or
            its certificate; an image cannot be used; or neither or both of `images` and
            `data` are given.
    """
    if (images is None) == (data is None):
        raise InputError("give either a folder of images or a data set: --images DIR, or --data NAME")
    if limit is not None and limit < 1:
        raise InputError(f"limit={limit} must be at least 1")
    delivered = load_delivered(RunFolder(Path(path)))
    net, facts = delivered.net, delivered.facts
    names: Sequence[str] | None = None
    if images is not None:
        files = image_files(Path(images))[:limit]
        names, data = (
            [file.name for file in files],
            unlabelled(files, net.profile.node_shapes[net.fabric.source_indices[0]], facts),
        )
    assert data is not None
    hardware, folder = find_hardware(device, threads), Path(out)
    dataset = prepared_data(net.profile, data, facts, hardware)
    with hardware.in_use():
        net.to(hardware.device)
        batches = batches_of(net, dataset, names, limit)
        task = facts.bound_task(torch.device("cpu"))
        if task.row.answers is None:
            return write_pictures(batches, facts, task, folder)
        return write_table(batches, facts, task, task.row.answers, folder)
