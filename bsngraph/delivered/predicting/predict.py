"""A delivered network put to use: images in a folder, or the test examples of a data
set, in; what it says of each, out.

Segmentation gives a class map and an overlay for each image, every other task one
table, predictions.csv. Everything that can be wrong with the images is known before
anything is written, and each file is written whole.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from bsngraph.data import Dataset
from bsngraph.delivered.load import Delivered, load_delivered
from bsngraph.delivered.predicting.batches import Prediction, batches_of
from bsngraph.delivered.predicting.image_folder import image_files, unlabelled_images
from bsngraph.delivered.predicting.outputs import keep_apart
from bsngraph.delivered.predicting.pictures import write_pictures
from bsngraph.delivered.predicting.table import TABLE, write_table
from bsngraph.delivered.predicting.table_lines import unlabelled_lines
from bsngraph.delivered.predicting.unlabelled import Unlabelled
from bsngraph.delivered.prepare import prepared_data
from bsngraph.delivered.run_data import Notes
from bsngraph.errors import InputError
from bsngraph.measure import find_hardware
from bsngraph.runs import RunFolder
from bsngraph.tasks import check_fits


def predict(
    path: str | Path,
    *,
    out: str | Path,
    images: str | Path | None = None,
    data: str | Dataset | None = None,
    as_new_test: bool = False,
    limit: int | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> Prediction:
    """What the delivered network of the run `path` says of the images in a folder, or
    of a data set's test examples, written to `out`.

    Images are read as the network was trained on them: with its channels, its
    normalisation, and of its size exactly. The test examples of data are those that the
    run recorded; `as_new_test` takes the data's own, without those that the run trained
    or chose on. A `csv:` table without a label is predicted line by line.

    For segmentation NAME-classes.png and NAME-overlay.png are written for each, else
    predictions.csv: with a probability for each class, or with amounts in the outputs'
    own units. `limit` takes the first ones only.

    Raises:
        InputError: `path` holds no finished run, or files that do not fit each other or
            its certificate; an image cannot be used; examples of the run are missing in
            the data or changed; or neither or both of `images` and `data` are given.
    """
    if (images is None) == (data is None):
        raise InputError("give either a folder of images or a data set: --images DIR, or --data NAME")
    if images is not None and as_new_test:
        raise InputError("--as-new-test is for --data: images in a folder have no splits")
    if limit is not None and limit < 1:
        raise InputError(f"limit={limit} must be at least 1")
    keep_apart(Path(out), Path(out) / TABLE, images, data)
    run = RunFolder(Path(path))
    delivered = load_delivered(run)
    net, facts = delivered.net, delivered.facts
    hardware, folder = find_hardware(device, threads), Path(out)
    notes: Notes = ()
    found = _unlabelled(delivered, images, data, limit)
    if found is not None:
        check_fits(net.profile, found.dataset)
        dataset = facts.normalising(found.dataset.to(hardware.device))
    else:
        assert data is not None, "there are images or data"
        dataset, notes = prepared_data(run, delivered, data, hardware, as_new_test=as_new_test)
    with hardware.in_use():
        net.to(hardware.device)
        names = None if found is None else found.names
        batches = batches_of(net, dataset, names, limit)
        task = facts.bound_task(torch.device("cpu"))
        if task.row.answers is None:
            return replace(write_pictures(batches, facts, task, folder, names or ()), notes=notes)
        called = "example" if found is None else found.called
        return replace(write_table(batches, facts, task, task.row.answers, folder, called), notes=notes)


def _unlabelled(
    delivered: Delivered, images: str | Path | None, data: str | Dataset | None, limit: int | None
) -> Unlabelled | None:
    """Images, or the lines of a table without labels; None for data with labels."""
    net, facts = delivered.net, delivered.facts
    if images is not None:
        shape = net.profile.node_shapes[net.fabric.source_indices[0]]
        return unlabelled_images(image_files(Path(images))[:limit], shape, facts)
    return unlabelled_lines(data, facts) if isinstance(data, str) else None
