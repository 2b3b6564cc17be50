"""A delivered network put to use: images in a folder, or the test examples of a data
set, in; what it says of each, out.

Segmentation gives a class map and an overlay for each image, every other task one
table, predictions.csv. Everything that can be wrong with the images is known before
anything is written, and each file is written whole.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from bsngraph.data import Dataset, load_data
from bsngraph.data.data_sources import picture_resizer, skipping_bad
from bsngraph.data.request import Notify, Request, silent
from bsngraph.delivered.answering import AnsweringOf, answering_of_net
from bsngraph.delivered.load import Delivered, load_delivered
from bsngraph.delivered.predicting.batches import Prediction, batches_of
from bsngraph.delivered.predicting.examples import ExamplesAsked
from bsngraph.delivered.predicting.image_folder import unlabelled_images
from bsngraph.delivered.predicting.outputs import check_free, keep_apart, picture_files
from bsngraph.delivered.predicting.pictures import write_pictures
from bsngraph.delivered.predicting.table import TABLE, write_table
from bsngraph.delivered.predicting.table_lines import unlabelled_lines
from bsngraph.delivered.prepare import prepared_data
from bsngraph.errors import InputError
from bsngraph.measure import Hardware, find_hardware
from bsngraph.runs import RunFolder
from bsngraph.tasks import TASKS, check_fits


def predict(
    path: str | Path,
    *,
    out: str | Path,
    images: str | Path | None = None,
    data: str | Dataset | None = None,
    as_new_test: bool = False,
    skip_bad: bool = False,
    overwrite: bool = False,
    limit: int | None = None,
    paint_all: bool = False,
    device: str = "auto",
    threads: int | None = None,
    notify: Notify = silent,
    answering: AnsweringOf | None = None,
) -> Prediction:
    """What the delivered network of the run `path` says of the images in a folder, or
    of a data set's test examples, written to `out`.

    Images are read as those that the network was trained on: with its channels and its
    normalisation, resized by the `size` in the name of the run's data; without one they
    must have the network's size. The test examples of data are those that the run
    recorded; `as_new_test` takes the data's own, without those that were trained or
    chosen on. A `csv:` table without a label is predicted line by line.

    For segmentation NAME-classes.png and NAME-overlay.png are written for each, NAME
    being a file's whole name; else predictions.csv: with a probability for each class,
    or with amounts in the outputs' own units. `overwrite` replaces files that are
    there. `limit` takes the first examples only, `skip_bad` leaves out those that
    cannot be used. `paint_all` leaves no class of an overlay unpainted. `notify` gets
    what was left out, and progress; `answering` answers in the network's place.

    Raises:
        InputError: `path` holds no finished run, or files that do not fit each other or
            its certificate; an image cannot be used; examples of the run are missing in
            the data or changed; a file is there; or arguments do not go together.
    """
    _check_usage(images, data, limit, as_new_test=as_new_test)
    keep_apart(Path(out), Path(out) / TABLE, images, data)
    if skip_bad and isinstance(data, str):
        data = skipping_bad(data)
    run, folder, hardware = RunFolder(Path(path)), Path(out), find_hardware(device, threads)
    delivered = load_delivered(run)
    _check_painted(delivered, asked=paint_all)
    if data is not None:
        found = _data(run, delivered, data, hardware, notify, as_new_test=as_new_test)
    else:
        found = _images(run, delivered, str(images), limit, hardware, notify, skip_bad=skip_bad)
    task, names = delivered.facts.bound_task(torch.device("cpu")), found.first_names(limit)
    painted = task.row.answers is None
    files = [file for name in names for file in picture_files(folder, name)] if painted else [folder / TABLE]
    check_free(files, overwrite=overwrite)
    with hardware.in_use():
        asked = answering or partial(answering_of_net, delivered.net.to(hardware.device))
        batches = batches_of(asked(found.dataset), found.dataset, names, labelled=found.names is None)
        if task.row.answers is None:
            write_pictures(batches, delivered.facts, task, folder, paint_all=paint_all)
        else:
            write_table(batches, delivered.facts, task, task.row.answers, folder, found.called)
    return Prediction(delivered.facts.task, len(names), tuple(files), found.notes, found.dataset.skipped)


def _check_painted(delivered: Delivered, *, asked: bool) -> None:
    """Whether there are overlays to paint, if it is asked for."""
    task = delivered.facts.task
    if asked and TASKS[task].answers is not None:
        raise InputError(f"--paint-all is for overlays of a segmentation, and this network is for {task}")


def _check_usage(
    images: str | Path | None, data: str | Dataset | None, limit: int | None, *, as_new_test: bool
) -> None:
    """Whether the arguments of `predict` go together."""
    if (images is None) == (data is None):
        raise InputError("give either a folder of images or a data set: --images DIR, or --data NAME")
    if images is not None and as_new_test:
        raise InputError("--as-new-test is for --data: images in a folder have no splits")
    if limit is not None and limit < 1:
        raise InputError(f"limit={limit} must be at least 1")


def _images(
    run: RunFolder,
    delivered: Delivered,
    folder: str,
    limit: int | None,
    hardware: Hardware,
    notify: Notify,
    *,
    skip_bad: bool,
) -> ExamplesAsked:
    """Images, resized as the run's data set does it; a network without config.json is
    of no known data set.
    """
    request = Request(folder, "images", folder, {"bad": "skip"} if skip_bad else {}, notify=notify)
    shape = delivered.net.profile.node_shapes[delivered.net.fabric.source_indices[0]]
    resize = picture_resizer(run.read_config().data.name) if run.file("config.json").exists() else None
    return _fitting(unlabelled_images(request, limit, shape, delivered.facts, resize), delivered, hardware)


def _data(
    run: RunFolder,
    delivered: Delivered,
    data: str | Dataset,
    hardware: Hardware,
    notify: Notify,
    *,
    as_new_test: bool,
) -> ExamplesAsked:
    """The test examples of a data set, or the lines of a table without labels."""
    lines = unlabelled_lines(data, delivered.facts, notify) if isinstance(data, str) else None
    if lines is not None:
        return _fitting(lines, delivered, hardware)
    dataset = load_data(data, notify=notify) if isinstance(data, str) else data
    dataset, notes = prepared_data(run, delivered, dataset, hardware, as_new_test=as_new_test)
    return ExamplesAsked(dataset, None, "example", notes)


def _fitting(found: ExamplesAsked, delivered: Delivered, hardware: Hardware) -> ExamplesAsked:
    """Examples that the network takes, on its device."""
    check_fits(delivered.net.profile, found.dataset)
    return replace(found, dataset=found.dataset.to(hardware.device))
