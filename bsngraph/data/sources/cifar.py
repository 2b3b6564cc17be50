"""CIFAR-10 and CIFAR-100, official binary version (Krizhevsky 2009,
https://www.cs.toronto.edu/~kriz/cifar.html).

A record: one byte of label (two for CIFAR-100: coarse, then fine), then 3,072 of
pixels, red, green, blue, row by row. The Python version is pickled, and reading a
pickle can run code: it is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bsngraph.data.augmentation import Augmentation
from bsngraph.data.dataset import Dataset
from bsngraph.data.reading.images.shrinking import shrunk
from bsngraph.data.reading.making import check_labels, draw, make_dataset
from bsngraph.data.request import Request
from bsngraph.errors import InputError
from bsngraph.whole_files import read_bounded

_PIXELS = 3 * 32 * 32
_MOST_RECORDS = 200_000


@dataclass(frozen=True)
class _Form:
    """Which files make a version of CIFAR."""

    kind: str
    folder: str
    train: tuple[str, ...]
    names: str
    labels: int
    classes: int
    pickled: tuple[str, ...]
    archive: str


_CIFAR10 = _Form(
    kind="cifar10",
    folder="cifar-10-batches-bin",
    train=tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    names="batches.meta.txt",
    labels=1,
    classes=10,
    pickled=("cifar-10-batches-py", "data_batch_1", "test_batch"),
    archive="cifar-10-binary.tar.gz",
)
_CIFAR100 = _Form(
    kind="cifar100",
    folder="cifar-100-binary",
    train=("train.bin",),
    names="fine_label_names.txt",
    labels=2,
    classes=100,
    pickled=("cifar-100-python", "train", "test"),
    archive="cifar-100-binary.tar.gz",
)


def load_cifar10(request: Request) -> Dataset:
    """CIFAR-10: 50,000 images to train on, 5,000 of them for validation, and 10,000 to
    test.
    """
    return _load(request, _CIFAR10, "test_batch.bin")


def load_cifar100(request: Request) -> Dataset:
    """CIFAR-100 with its fine labels; splits as CIFAR-10's."""
    return _load(request, _CIFAR100, "test.bin")


def _load(request: Request, form: _Form, test_file: str) -> Dataset:
    folder = _folder(request.path, form)
    train = [_records(folder / name, form) for name in form.train]
    pixels, labels = (np.concatenate([records[which] for records in train]) for which in (0, 1))
    test_pixels, test_labels = _records(folder / test_file, form)
    names = _names(folder / form.names, form)
    images = shrunk(request, np.concatenate([pixels, test_pixels]))
    classes = np.concatenate([labels, test_labels])
    rows = draw(
        request,
        "classification",
        classes,
        names,
        numbering=f"records of {', '.join((*form.train, test_file))} in this order",
        given={"test": np.arange(len(labels), len(classes))},
        counts={"validation": max(len(labels) // 10, 1)},
    )
    return make_dataset(request, images, classes, rows, names, augmentation=Augmentation(shift=4, flip=True))


def _folder(given: Path, form: _Form) -> Path:
    where = (
        f"get {form.archive} from https://www.cs.toronto.edu/~kriz/cifar.html, unpack it, and give "
        f"its folder: {form.kind}:DIR"
    )
    for folder in (given, given / form.folder):
        if (folder / form.train[0]).exists():
            return folder
    if any((given / name).exists() for name in form.pickled):
        raise InputError(
            f"{given} holds the Python version, which is pickled: reading a pickle can run code. For the "
            f"binary version, {where}"
        )
    raise InputError(f"there is no {form.train[0]} in {given}: {where}")


def _records(path: Path, form: _Form) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Pixels (n, 3, 32, 32) and labels (n,) of a file."""
    size = form.labels + _PIXELS
    if not path.exists():
        raise InputError(f"{path}: cannot be read (it is not there): the data set's folder is not whole")
    content = np.frombuffer(
        read_bounded(path, _MOST_RECORDS * size, f"{_MOST_RECORDS:,} records, which no CIFAR file has"),
        dtype=np.uint8,
    )
    if not len(content) or len(content) % size:
        raise InputError(
            f"{path}: is truncated or no {form.kind} file: {len(content):,} bytes are no whole number of "
            f"{size}-byte records"
        )
    records = content.reshape(-1, size)
    labels = records[:, form.labels - 1]
    check_labels(str(path), labels, "classification", form.classes)
    return records[:, form.labels :].reshape(-1, 3, 32, 32), labels


def _names(path: Path, form: _Form) -> Sequence[str]:
    """The classes' names as the data set's own file has them; numbers without it."""
    try:
        content = read_bounded(path, 2**20, "too large for names") if path.exists() else b""
        names = [line.strip() for line in content.decode("utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError:
        names = []
    return names if len(names) == form.classes else [str(number) for number in range(form.classes)]
