"""A delivered network put to use: images in a folder, or the test examples of a data
set, in; what it says of each, out.

Segmentation gives a class map and an overlay for each image, every other task one
table, predictions.csv. Everything that can be wrong with the images is known before
anything is written, and each file is written whole.
"""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bsngraph.data import Augmentation, Dataset, Split, TaskKind
from bsngraph.data.reading.image_file import SUFFIXES, read_image
from bsngraph.delivered.evaluate import load_net
from bsngraph.delivered.model_facts import ModelFacts, read_facts
from bsngraph.delivered.prepare import prepared_data
from bsngraph.draw.pixel_overlays import MOST_CLASSES, class_map, overlay
from bsngraph.errors import InputError
from bsngraph.measure import find_hardware
from bsngraph.ops import Shape
from bsngraph.runs import RunFolder
from bsngraph.supernet import SuperNet
from bsngraph.tasks import Task, first
from bsngraph.training import RouteCache
from bsngraph.training.forward import run_net
from bsngraph.whole_files import write_whole

TABLE = "predictions.csv"


@dataclass(frozen=True)
class Prediction:
    """How many examples were predicted, for which task, and the files that say what."""

    task: TaskKind
    count: int
    files: tuple[Path, ...]


@dataclass(frozen=True)
class _Batch:
    """Some examples: their names, inputs as the network gets them, its outputs, and the
    labels where they are known.
    """

    names: Sequence[str]
    inputs: Tensor
    outputs: Tensor
    labels: Tensor | None


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
        InputError: `path` holds no finished run, an image cannot be used, or neither or
            both of `images` and `data` are given.
    """
    if (images is None) == (data is None):
        raise InputError("give either a folder of images or a data set: --images DIR, or --data NAME")
    if limit is not None and limit < 1:
        raise InputError(f"limit={limit} must be at least 1")
    run = RunFolder(Path(path))
    net, facts = load_net(run), read_facts(run.file("model.safetensors"))
    names: Sequence[str] | None = None
    if images is not None:
        files = _image_files(Path(images))[:limit]
        names, data = (
            [file.name for file in files],
            _unlabelled(files, net.profile.node_shapes[net.fabric.source_indices[0]], facts),
        )
    assert data is not None
    hardware, folder = find_hardware(device, threads), Path(out)
    dataset = prepared_data(net.profile, data, facts, hardware)
    with hardware.in_use():
        net.to(hardware.device)
        batches = _batches(net, dataset, names, limit)
        write = _write_pictures if facts.task == "segmentation" else _write_table
        return write(batches, facts, facts.bound_task(torch.device("cpu")), folder)


@torch.no_grad()
def _batches(
    net: SuperNet, dataset: Dataset, names: Sequence[str] | None, limit: int | None
) -> Iterator[_Batch]:
    """The test examples with the network's outputs, on the CPU; `names` where their
    labels are not known.
    """
    routes = RouteCache(net, np.ones(len(net.fabric.edges), dtype=np.bool_))
    done, left = 0, len(dataset.test) if limit is None else limit
    for inputs, labels in dataset.evaluation_batches(dataset.test, 256):
        inputs, labels = inputs[: left - done], labels[: left - done]
        outputs = first(run_net(net, inputs, routes(len(inputs))))
        here = range(done, done + len(inputs))
        said = [names[number] for number in here] if names else list(map(str, here))
        yield _Batch(said, inputs.cpu(), outputs.cpu(), None if names else labels.cpu())
        done += len(inputs)
        if done == left:
            return


# --- images


def _image_files(folder: Path) -> list[Path]:
    """The image files of a folder by name; other files are left alone.

    Raises:
        InputError: there are none.
    """
    try:
        found = sorted(
            path
            for path in folder.iterdir()
            if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
        )
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be read as a folder ({error.strerror}): --images takes a folder of image files"
        ) from None
    if not found:
        raise InputError(f"{folder}: there is no image in it: known are {', '.join(sorted(SUFFIXES))}")
    return found


def _unlabelled(files: Sequence[Path], shape: Shape, facts: ModelFacts) -> Dataset:
    """Images as test examples of a data set for the run's task, without labels.

    Raises:
        InputError: the network takes no images, or a file is none of the size that it
            takes.
    """
    if len(shape) != 3 or shape[0] not in (1, 3) or facts.white is None:
        raise InputError(
            f"the network takes {'x'.join(map(str, shape))}, which image files are not: predict a data "
            "set's examples by --data"
        )
    pixels = torch.stack([_read(file, shape) for file in files]).float() * (facts.white / 255)
    split = Split(pixels, torch.zeros(len(files), 1))
    mean, std = (0.0,) * shape[0], (1.0,) * shape[0]  # their own; the network's take their place
    return Dataset(
        "the folder",
        facts.classes,
        mean,
        std,
        split,
        split,
        split,
        Augmentation(),
        facts.task,
        facts.ignore_label,
    )


def _read(file: Path, shape: Shape) -> Tensor:
    try:
        pixels = read_image(file, channels=shape[0])
    except InputError as error:
        raise InputError(f"{_shown(file)}: {error}") from None
    if pixels.shape != shape:
        has, takes = (f"{sizes[1]}x{sizes[2]}" for sizes in (pixels.shape, shape))
        raise InputError(
            f"{_shown(file)}: has {has} pixels (height x width), but the network takes {takes}: resize it"
        )
    return torch.from_numpy(pixels)


def _shown(path: Path) -> str:
    """A path that can be printed, whatever bytes it has."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


# --- writing


def _write_pictures(batches: Iterator[_Batch], facts: ModelFacts, task: Task, folder: Path) -> Prediction:
    """A class map and an overlay for each example."""
    if len(facts.classes) > MOST_CLASSES:
        raise InputError(
            f"the network tells {len(facts.classes)} classes apart, but a class map holds at most "
            f"{MOST_CLASSES}"
        )
    files: list[Path] = []
    count = 0
    for batch in batches:
        _make(folder)
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


def _write_table(batches: Iterator[_Batch], facts: ModelFacts, task: Task, folder: Path) -> Prediction:
    """predictions.csv: a row an example."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    count = 0
    for batch in batches:
        if not count:
            writer.writerow(_header(facts, images=batch.labels is None))
        known = (
            [[]] * len(batch.names)
            if batch.labels is None
            else [_words(label, facts) for label in batch.labels]
        )
        said = [_words(label, facts) for label in task.predicted(batch.outputs)]
        shares = _probabilities(batch.outputs, facts.task)
        for name, label, answer, row in zip(batch.names, known, said, shares, strict=True):
            writer.writerow([name, *label, *answer, *(f"{share:.6g}" for share in row)])
        count += len(batch.names)
    _make(folder)
    write_whole(folder / TABLE, text.getvalue())
    return Prediction(facts.task, count, (folder / TABLE,))


def _header(facts: ModelFacts, *, images: bool) -> list[str]:
    regression = facts.task == "regression"
    said = [f"predicted {name}" for name in facts.classes] if regression else ["predicted"]
    known = [name.replace("predicted", "true", 1) for name in said]
    return [*(["file"] if images else ["example", *known]), *said, *(() if regression else facts.classes)]


def _words(label: Tensor, facts: ModelFacts) -> list[str]:
    """A label or prediction in the table: a class, the classes that apply, or an amount
    for each output.
    """
    if facts.task == "regression":
        return [f"{value:.6g}" for value in label.tolist()]
    if facts.task == "multi-label":
        return [
            ";".join(name for name, applies in zip(facts.classes, label.tolist(), strict=True) if applies)
        ]
    return [facts.classes[int(label)]]


def _probabilities(outputs: Tensor, task: TaskKind) -> list[list[float]]:
    """Of each class, for each example; none for regression."""
    if task == "regression":
        return [[] for _ in outputs]
    shares: list[list[float]] = (
        outputs.softmax(dim=1) if task == "classification" else outputs.sigmoid()
    ).tolist()
    return shares


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror}): give another --out") from None
