"""The table of data sets: a name on the command line → a `Dataset`. Adding one is one
row and one loader.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from bsngraph.data.data_code import KIND as CODE
from bsngraph.data.dataset import Dataset
from bsngraph.data.own.python_request import PYTHON
from bsngraph.data.reading.images.image_file import Pixels
from bsngraph.data.reading.images.picture_rule import as_asked
from bsngraph.data.reading.images.shrinking import shrunk_image
from bsngraph.data.reading.meant_names import meant_name
from bsngraph.data.request import Notify, Request, announced, parse_name, silent
from bsngraph.data.sources import csv_table as csv_file
from bsngraph.data.sources import digit_scenes as scenes
from bsngraph.data.sources import hugging_face
from bsngraph.data.sources import image_folder as folder
from bsngraph.data.sources import npz_arrays as arrays
from bsngraph.data.sources.cifar import load_cifar10, load_cifar100
from bsngraph.data.sources.diabetes import load_diabetes
from bsngraph.data.sources.digits import load_digit_sequences, load_digits
from bsngraph.data.sources.idx_files import FASHION_FOLDER, load_fashion_mnist, load_mnist
from bsngraph.errors import InputError, nearest


@dataclass(frozen=True)
class DataSource:
    """A row: what it is, how large, under which licence, where from; and how it is
    loaded.

    `argument` is what follows a colon: `DIR`, in brackets if it may be left out, empty
    if the name takes none. `options` are those that the name takes at its end. `here`
    says whether the data can be loaded on this machine; None if that depends on the
    argument. `resize` makes one picture (channels, height, width) of the size that the
    name's options say; None if its examples are no picture files' pixels.
    """

    summary: str
    size: str
    licence: str
    origin: str
    load: Callable[[Request], Dataset]
    argument: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    here: Callable[[], bool] | None = None
    resize: Callable[[Request, Pixels], Pixels] | None = None


_COMES_WITH = "comes with scikit-learn"
_YOURS = "yours"
_PICTURE_OPTIONS = {
    "size": "smaller images by averaging over blocks: 14, or 16x8 for height and width",
    "train": "use only so many training images, of each class its share",
    "validation": "number of images for validation",
}

DATA_SOURCES: dict[str, DataSource] = {
    "digits": DataSource(
        "handwritten digits, 8x8 grey, 10 classes",
        "1,797 images",
        "CC BY 4.0",
        f"{_COMES_WITH}; UCI Optical Recognition of Handwritten Digits, test part (Alpaydin & Kaynak 1998)",
        load_digits,
        here=lambda: True,
    ),
    "digit-sequences": DataSource(
        "the same as sequences of 8 steps with 8 features, for transformers",
        "1,797 sequences",
        "CC BY 4.0",
        "from digits",
        load_digit_sequences,
        here=lambda: True,
    ),
    "digit-scenes": DataSource(
        "segmentation: several of these digits on a canvas of 32x32, 11 classes a pixel",
        "1,500 scenes",
        "CC BY 4.0",
        "composed from digits",
        scenes.load_digit_scenes,
        options=scenes.OPTIONS,
        here=lambda: True,
    ),
    "diabetes": DataSource(
        "regression: progression of a disease from ten measures of a patient",
        "442 vectors",
        "none stated; published for free use",
        f"{_COMES_WITH}; Efron et al., Least Angle Regression, 2004",
        load_diabetes,
        here=lambda: True,
    ),
    "fashion-mnist": DataSource(
        "clothes, 28x28 grey, 10 classes",
        "70,000 images, 31 MB",
        "MIT",
        "Debian's package dataset-fashion-mnist, or a folder with the files of "
        "https://github.com/zalandoresearch/fashion-mnist",
        load_fashion_mnist,
        argument="[DIR]",
        options=_PICTURE_OPTIONS,
        here=FASHION_FOLDER.is_dir,
        resize=shrunk_image,
    ),
    "mnist": DataSource(
        "handwritten digits, 28x28 grey, 10 classes (IDX files)",
        "70,000 images, 11 MB",
        "none stated",
        "http://yann.lecun.com/exdb/mnist/ (LeCun, Cortes, Burges)",
        load_mnist,
        argument="DIR",
        options=_PICTURE_OPTIONS,
        resize=shrunk_image,
    ),
    "cifar10": DataSource(
        "photographs, 32x32 colour, 10 classes (binary version)",
        "60,000 images, 163 MB",
        "none stated",
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz (Krizhevsky 2009)",
        load_cifar10,
        argument="DIR",
        options=_PICTURE_OPTIONS,
        resize=shrunk_image,
    ),
    "cifar100": DataSource(
        "photographs, 32x32 colour, 100 classes (binary version)",
        "60,000 images, 161 MB",
        "none stated",
        "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz (Krizhevsky 2009)",
        load_cifar100,
        argument="DIR",
        options=_PICTURE_OPTIONS,
        resize=shrunk_image,
    ),
    "folder": DataSource(
        "images in class sub-folders, or images/ with masks/ for segmentation",
        _YOURS,
        _YOURS,
        "a folder",
        folder.load_folder,
        argument="DIR",
        options=folder.OPTIONS,
        resize=as_asked,
    ),
    "npz": DataSource(
        "arrays x_train, y_train, …: any task",
        _YOURS,
        _YOURS,
        "a file that numpy.savez wrote",
        arrays.load_npz,
        argument="FILE",
        options=arrays.OPTIONS,
    ),
    "csv": DataSource(
        "vectors: the lines of a table",
        _YOURS,
        _YOURS,
        "a file with column names first",
        csv_file.load_csv,
        argument="FILE",
        options=csv_file.OPTIONS,
    ),
    "hf": DataSource(
        "images of a Hugging Face data set, with classes or label maps",
        "its own",
        "its own",
        "https://huggingface.co/datasets, or a folder that save_to_disk wrote; needs pip install "
        "'bsngraph[hf]'",
        hugging_face.load_hugging_face,
        argument="NAME-OR-PATH",
        options=hugging_face.OPTIONS,
        here=lambda: None is not importlib.util.find_spec("datasets"),
        resize=as_asked,
    ),
}


def load_data(name: str, *, split_seed: int = 0, skip_bad: bool = False, notify: Notify = silent) -> Dataset:
    """The data set called `name`, split with `split_seed`: the same splits for every
    search that names it.

    `skip_bad` leaves out examples that cannot be used, and puts `bad=skip` into the
    data set's name, so that the name alone gives the same data again. `notify` gets
    lines of progress if reading takes over a second, and what was skipped.

    Raises:
        InputError: there is no such data set, it is not here, or something in it cannot
            be used.
    """
    if skip_bad:
        name = skipping_bad(name)
    kind, argument, options = parse_name(name)
    if kind == CODE:
        raise InputError(
            f"data set {name!r} comes from code, which nothing runs by itself: name it again, --data-code "
            f"{argument}"
        )
    if kind == PYTHON:
        raise InputError(
            f"data set {name!r} was made in a Python program, and nothing else can open it: pass the Dataset "
            "again by data=…, or name data with the same examples, e.g. --data npz:FILE"
        )
    if kind not in DATA_SOURCES:
        raise InputError(f"there is no data set {kind!r}: {meant_name(name, DATA_SOURCES)}")
    source = DATA_SOURCES[kind]
    if argument is not None and not source.argument:
        raise InputError(f"data set {kind!r} takes nothing after a colon: write --data {kind}")
    if not argument and source.argument and not source.argument.startswith("["):
        raise InputError(
            f"data set {kind!r} needs a {source.argument}: write --data {kind}:{source.argument}"
        )
    for option in options:
        if option not in source.options:
            raise InputError(
                f"{name}: data set {kind!r} has no option {option!r}: {nearest(option, source.options)}"
            )
    request = Request(name, kind, argument or "", options, split_seed, notify)
    with announced(f"{name}: reading …", notify):
        try:
            return source.load(request)
        except OSError as error:  # a name too long, a folder on the way that must not be entered
            raise InputError(f"{name}: cannot be read ({error.strerror or error})") from None
        except MemoryError as error:
            raise InputError(f"{name}: does not fit into memory ({error}): ask for less") from None


def skipping_bad(name: str) -> str:
    """The name of the same data set without the examples that cannot be used, if there
    can be such.
    """
    kind, _, options = parse_name(name)
    source = DATA_SOURCES.get(kind)
    return f"{name},bad=skip" if source and "bad" in source.options and "bad" not in options else name


def picture_resizer(name: str) -> Callable[[Pixels], Pixels] | None:
    """What the data set called `name` does with the size of a picture; None for data
    that are no picture files' pixels.
    """
    kind, argument, options = parse_name(name)
    resize = DATA_SOURCES[kind].resize if kind in DATA_SOURCES else None
    return None if resize is None else partial(resize, Request(name, kind, argument or "", options))
