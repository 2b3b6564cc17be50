"""IDX files, the format of MNIST and Fashion-MNIST, gzipped or not.

An IDX file: two zero bytes, the type (8: unsigned bytes), the number of dimensions,
each dimension as four bytes (high first), then the values, last dimension fastest
(http://yann.lecun.com/exdb/mnist/, "the IDX file format").
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bsngraph.data.augmentation import Augmentation
from bsngraph.data.dataset import Dataset
from bsngraph.data.reading.images.shrinking import shrunk
from bsngraph.data.reading.making import check_labels, draw, make_dataset
from bsngraph.data.request import Request
from bsngraph.errors import InputError
from bsngraph.whole_files import check_regular

FASHION_FOLDER = Path("/usr/share/datasets/fashion-mnist")
FASHION_CLASSES = (
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
_MOST_VALUES = 10**9


def load_fashion_mnist(request: Request) -> Dataset:
    """Fashion-MNIST, from Debian's package or a folder with its IDX files."""
    cure = (
        "install Debian's package dataset-fashion-mnist, or give a folder with its IDX files: "
        "fashion-mnist:DIR"
    )
    folder = request.path if request.argument else FASHION_FOLDER
    return _load(request, folder, FASHION_CLASSES, Augmentation(shift=2, flip=True), cure)


def load_mnist(request: Request) -> Dataset:
    """MNIST from a folder with its IDX files."""
    cure = (
        "mnist:DIR is a folder with {train,t10k}-images-idx3-ubyte and {train,t10k}-labels-idx1-ubyte, "
        "or these with .gz"
    )
    return _load(request, request.path, tuple("0123456789"), Augmentation(shift=2), cure)


def _load(
    request: Request, folder: Path, names: tuple[str, ...], augmentation: Augmentation, cure: str
) -> Dataset:
    """60,000 images to train on and 10,000 to test; 10,000 of the former (a sixth) are
    for validation.
    """
    images, labels = [], []
    for part in ("train", "t10k"):
        pixels = read_idx(_file(folder, f"{part}-images-idx3-ubyte", cure), dimensions=3)
        classes_path = _file(folder, f"{part}-labels-idx1-ubyte", cure)
        classes = read_idx(classes_path, dimensions=1)
        if len(pixels) != len(classes):
            raise InputError(f"{classes_path}: has {len(classes)} labels for {len(pixels)} images")
        check_labels(str(classes_path), classes, "classification", len(names))
        images.append(pixels)
        labels.append(classes)
    if images[0].shape[1:] != images[1].shape[1:]:
        raise InputError(
            f"{folder}: images to train on are {images[0].shape[1:]}, those of the test {images[1].shape[1:]}"
        )
    train, test = len(labels[0]), len(labels[1])
    inputs, classes = shrunk(request, np.concatenate(images)[:, None]), np.concatenate(labels)
    rows = draw(
        request,
        "classification",
        classes,
        names,
        numbering="images of the train file, then of the t10k file",
        given={"test": np.arange(train, train + test)},
        counts={"validation": max(round(train / 6), 1)},
    )
    return make_dataset(request, inputs, classes, rows, names, augmentation=augmentation)


def _file(folder: Path, name: str, cure: str) -> Path:
    """The file, gzipped or not; some copies write a dot for the last hyphen."""
    for candidate in (name, name.replace("-idx", ".idx")):
        for path in (folder / candidate, folder / f"{candidate}.gz"):
            if path.exists():
                return path
    raise InputError(f"there is no {name} (or .gz) in {folder}: {cure}")


def read_idx(path: Path, *, dimensions: int) -> NDArray[np.uint8]:
    """The values of an IDX file of unsigned bytes.

    Raises:
        InputError: it cannot be read, is of another kind, or is longer or shorter than
            its header says.
    """
    check_regular(path)
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            header = file.read(4 + 4 * dimensions)
            if header[:4] != bytes([0, 0, 8, dimensions]) or len(header) < 4 + 4 * dimensions:
                raise InputError(
                    f"{path}: is not an IDX file of {dimensions}-dimensional bytes (it begins with "
                    f"{header[:4].hex(' ')})"
                )
            sizes = tuple(int(size) for size in np.frombuffer(header, dtype=">u4", offset=4))
            count = math.prod(sizes)
            if not 0 < count <= _MOST_VALUES:
                raise InputError(
                    f"{path}: its header says {'x'.join(map(str, sizes))} values: from 1 to "
                    f"{_MOST_VALUES:,} can be read"
                )
            content = file.read(count + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(
            f"{path}: cannot be read "
            f"({error.strerror if isinstance(error, OSError) and error.strerror else error})"
        ) from None
    if len(content) != count:
        state, holds = (
            ("truncated", f"{len(content):,}") if len(content) < count else ("longer than it says", "more")
        )
        raise InputError(
            f"{path}: is {state}: its header says {'x'.join(map(str, sizes))} values, but it holds {holds}"
        )
    return np.frombuffer(content, dtype=np.uint8).reshape(sizes)
