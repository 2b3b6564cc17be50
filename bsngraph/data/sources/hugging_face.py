"""`hf:NAME-OR-PATH`: data through the Hugging Face `datasets` library (an extra), from
its hub or a folder that `save_to_disk` wrote.

Images with a class, or with a label map for segmentation; the image files inside are
decoded by the same code as everything else. Scripts of a data set are never run: the
library's versions that this needs cannot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bsngraph.data.dataset import Dataset
from bsngraph.data.grouping.groups import ExampleGroups, groups_of_values
from bsngraph.data.reading.images.picture_rule import PictureRule, picture_rule
from bsngraph.data.reading.making import check_labels, draw
from bsngraph.data.reading.streaming import dataset_from_survey
from bsngraph.data.reading.survey import Example, numbered_classes, survey
from bsngraph.data.request import Request
from bsngraph.data.splits import Part, Rows
from bsngraph.errors import InputError, nearest
from bsngraph.whole_files import check_regular

OPTIONS = {
    "config": "the data set's configuration, if it has several",
    "image": "the column with the images (the first column of images)",
    "label": "the column with classes or label maps (the first one of such a type, or label)",
    "size": "resize every image: 32, or 24x32 for height and width",
    "channels": "1 or 3: convert every image to grey or to colour",
    "classes": "number of classes in label maps (else one more than the highest label)",
    "binary": "yes: every pixel of a label map that is not 0 is class 1",
    "groups": "the column of what rows belong to, e.g. patient: rows of one group stay in one split",
    "validation": "number of validation images to draw, if there is no such split",
    "test": "number of test images to draw, if there is no such split",
    "train": "use only so many training images",
    "memory": "bytes of pixels above which images are read while they are used, e.g. 500MB (2GB)",
    "workers": "processes that read them then",
    "bad": "skip: leave out what cannot be used (the same as --skip-bad)",
}
_SPLITS: dict[Part, tuple[str, ...]] = {
    "train": ("train",),
    "validation": ("validation", "val", "valid", "dev"),
    "test": ("test",),
}


@dataclass(frozen=True)
class HubExamples:
    """A `Reader` of the rows of one or more tables, one after the other. A cell holds
    an image's content, or with `files` also the name of its file.
    """

    tables: tuple[Any, ...]
    names: tuple[str, ...]
    image: str
    label: str
    maps: bool
    rule: PictureRule
    files: bool

    def __len__(self) -> int:
        return sum(map(len, self.tables))

    def place(self, row: int) -> str:
        """`row 12 of train`."""
        table, inner = self._find(row)
        return f"row {inner} of {self.names[table]}"

    def read(self, row: int) -> Example:
        """Decode a row."""
        table, inner = self._find(row)
        found = self.tables[table][inner]
        image, label = self._content(found[self.image]), found[self.label]
        if self.maps:
            return self.rule.pair(image, self._content(label), "its label map")
        if label is None:
            raise InputError("has no label")
        return Example(self.rule.image(image), int(label))

    def _find(self, row: int) -> tuple[int, int]:
        for number, table in enumerate(self.tables):
            if row < len(table):
                return number, row
            row -= len(table)
        raise IndexError(row)

    def _content(self, cell: Mapping[str, Any] | None) -> bytes | Path:
        content, path = (cell.get("bytes"), cell.get("path")) if cell else (None, None)
        if isinstance(content, bytes):
            return content
        if self.files and isinstance(path, str):
            return Path(path)
        raise InputError("holds no image")


def load_hugging_face(request: Request) -> Dataset:
    """Images of a Hugging Face data set.

    Raises:
        InputError: the library is not installed, there is no such data set or it cannot
            be loaded, or it has no images with labels.
    """
    return dataset_of_tables(request, _tables(request), files=False)


def given_tables(data: Any) -> dict[str, Any]:
    """The splits of a `DatasetDict` by name, or one `Dataset` as that to train on.

    Raises:
        InputError: it is neither.
    """
    found = dict(data) if isinstance(data, dict) else {"train": data}
    for one in found.values():
        if not hasattr(one, "select_columns") or not hasattr(one, "__len__"):
            raise InputError(
                f"data is {type(one).__name__}: give a datasets.Dataset, or a DatasetDict of some, that is "
                "not streamed"
            )
    return {part: found[name] for part, names in _SPLITS.items() for name in names if name in found} or found


def dataset_of_tables(request: Request, tables: Mapping[str, Any], *, files: bool) -> Dataset:
    """A data set of the splits `tables` by name. With `files` a cell may name the file
    of its image.

    Raises:
        InputError: there is no split to train on, or there are no images with labels.
    """
    parts = {part: name for part, names in _SPLITS.items() for name in names if name in tables}
    if "train" not in parts:
        raise InputError(f"{request.text}: has the splits {', '.join(tables)}, but no train")
    features = tables[parts["train"]].features
    image, label, maps, names = _columns(request, features)
    raw = tuple(_undecoded(tables[name], image, label, maps) for name in parts.values())
    reader = HubExamples(raw, tuple(parts.values()), image, label, maps, picture_rule(request), files)
    found = survey(reader, request)
    part_of = np.repeat(list(parts), [len(table) for table in raw])[found.good]
    given: dict[Part, Rows] = (
        {part: np.flatnonzero(part_of == part) for part in parts} if len(parts) > 1 else {}
    )
    numbering = f"usable rows of {', '.join(parts.values())} in this order"
    groups = _groups(request, [tables[name] for name in parts.values()], found.good)
    if maps:
        names = numbered_classes(request, found)
        rows = draw(request, "segmentation", part_of, names, numbering=numbering, given=given, groups=groups)
        return dataset_from_survey(request, reader, found, None, rows, names)
    # unlabelled ones are not among the usable
    classes = [-1 if one is None else int(one) for table in raw for one in table[label]]
    labels = np.array(classes, dtype=np.int64)[found.good]
    names = names or tuple(str(number) for number in range(int(labels.max()) + 1))
    check_labels(request.text, labels, "classification", len(names))
    rows = draw(request, "classification", labels, names, numbering=numbering, given=given, groups=groups)
    return dataset_from_survey(request, reader, found, labels, rows, names)


def _groups(request: Request, tables: Sequence[Any], rows: Rows) -> ExampleGroups | None:
    """The groups of these rows of the tables, one after the other, if the name says
    their column.
    """
    column = request.options.get("groups")
    if column is None:
        return None
    for table in tables:
        if column not in table.features:
            raise InputError(
                f"{request.text}: there is no column {column!r}: {nearest(column, table.features)}"
            )
    values = np.array([value for table in tables for value in table[column]])[rows]
    return groups_of_values(request.text, f"groups={column}", values, len(rows), len(rows))


def _tables(request: Request) -> dict[str, Any]:
    """The splits by name, from a folder or the hub."""
    try:
        import datasets
    except ImportError:
        raise InputError("hf: needs the Hugging Face library: pip install 'bsngraph[hf]'") from None
    _check_files(request)
    try:
        datasets.disable_progress_bars()
        if request.path.is_dir():
            found = datasets.load_from_disk(str(request.path))
        else:
            found = datasets.load_dataset(request.argument, request.options.get("config"))
    except Exception as error:  # the library and those under it raise many kinds
        reason = (str(error) or type(error).__name__).splitlines()[0]
        cure = "hf:NAME is a data set of https://huggingface.co/datasets, or a folder written by save_to_disk"
        raise InputError(f"{request.text}: cannot be loaded ({reason}). {cure}") from None
    return dict(found) if isinstance(found, dict) else {"train": found}


def _check_files(request: Request) -> None:
    """Make sure that reading the files of a folder ends.

    Raises:
        InputError: one is a pipe or a device.
    """
    for pattern in ("*.*", "*/*.*"):  # save_to_disk writes a folder a split
        for path in sorted(request.path.glob(pattern)):
            if not path.is_dir():
                check_regular(path)


def _columns(request: Request, features: Mapping[str, Any]) -> tuple[str, str, bool, tuple[str, ...]]:
    """The columns of images and labels, whether these are maps, and the classes' names
    if they are known.
    """
    import datasets

    images = [name for name, feature in features.items() if isinstance(feature, datasets.Image)]
    image = request.options.get("image") or (images[0] if images else "")
    classes = [name for name, feature in features.items() if isinstance(feature, datasets.ClassLabel)]
    maps = [name for name in images if name != image]
    numbers = [name for name, feature in features.items() if name in ("label", "labels") and _whole(feature)]
    label = request.options.get("label") or next(iter([*classes, *maps, *numbers]), "")
    for option, name in (("image", image), ("label", label)):
        if name not in features:
            cure = nearest(name, features) if name else f"say {option}=COLUMN, one of {', '.join(features)}"
            raise InputError(
                f"{request.text}: there is no {option} column{f' {name!r}' if name else ''}: {cure}"
            )
    if image not in images:
        raise InputError(f"{request.text}: column {image!r} holds no images")
    kind = features[label]
    if label not in images and not isinstance(kind, datasets.ClassLabel) and not _whole(kind):
        raise InputError(f"{request.text}: column {label!r} holds neither classes nor label maps")
    return image, label, label in images, tuple(kind.names) if isinstance(kind, datasets.ClassLabel) else ()


def _whole(feature: Any) -> bool:
    import datasets

    return isinstance(feature, datasets.Value) and feature.dtype.startswith(("int", "uint"))


def _undecoded(table: Any, image: str, label: str, maps: bool) -> Any:
    """The two columns, images as the bytes of their files."""
    import datasets

    table = table.select_columns([image, label])
    for column in (image, *([label] if maps else [])):
        table = table.cast_column(column, datasets.Image(decode=False))
    return table
