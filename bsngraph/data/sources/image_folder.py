"""`folder:DIR`: your own images in folders.

Three forms: sub-folders that are classes; `train/`, `val/`, `test/` with class
sub-folders each; `images/` and `masks/` with files of the same names for segmentation
(also inside `train/`, `val/`, `test/`). In: a folder. Out: a `Dataset`, in memory or
streaming.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bsngraph.data.dataset import Dataset
from bsngraph.data.reading.image_file import (
    SUFFIXES,
    Pixels,
    Size,
    read_image,
    read_mask,
    resized,
    resized_mask,
)
from bsngraph.data.reading.making import IGNORED, draw
from bsngraph.data.reading.streaming import dataset_from_survey
from bsngraph.data.reading.survey import Example, numbered_classes, report_bad, survey
from bsngraph.data.request import Request
from bsngraph.data.splits import PARTS, Part, Rows
from bsngraph.errors import InputError
from bsngraph.wording import shape_text

OPTIONS = {
    "size": "resize every image: 32, or 24x32 for height and width",
    "channels": "1 or 3: convert every image to grey or to colour",
    "classes": "number of classes in masks (else one more than the highest label, or the lines of "
    "classes.txt)",
    "binary": "yes: every pixel of a mask that is not 0 is class 1",
    "validation": "number of validation images to draw, where there is no val/",
    "test": "number of test images to draw, where there is no test/",
    "train": "use only so many training images",
    "memory": "bytes of pixels above which images are read while they are used, e.g. 500MB (2GB)",
    "workers": "processes that read them then",
    "bad": "skip: leave out what cannot be used (the same as --skip-bad)",
}

_SPLIT_FOLDERS: dict[Part, tuple[str, ...]] = {
    "train": ("train",),
    "validation": ("val", "validation", "valid"),
    "test": ("test",),
}
_NAMES_FILE = "classes.txt"
_FORMS = (
    "folder:DIR takes DIR/CLASS/*.png, DIR/train|val|test/CLASS/*.png, or DIR/images/*.png with "
    "DIR/masks/*.png"
)


@dataclass(frozen=True)
class ImageFiles:
    """A `Reader` of image files with a class each, or of image files with a mask
    each.
    """

    root: Path
    images: tuple[str, ...]
    labels: tuple[int, ...] = ()
    masks: tuple[str, ...] = ()
    channels: int | None = None
    size: Size | None = None
    binary: bool = False
    classes: int | None = None

    def __len__(self) -> int:
        return len(self.images)

    def place(self, row: int) -> str:
        """The image's path."""
        return shown(self.root / self.images[row])

    def read(self, row: int) -> Example:
        """Decode an image, and its mask."""
        pixels = read_image(self.root / self.images[row], channels=self.channels)
        label = self.labels[row] if self.labels else self._mask(row, pixels.shape[1:])
        if self.size is not None:
            label = label if isinstance(label, int) else resized_mask(label, self.size)
            pixels = resized(pixels, self.size)
        return pixels, label

    def _mask(self, row: int, sizes: tuple[int, ...]) -> Pixels:
        what = f"its mask {shown(self.root / self.masks[row])}"
        try:
            mask = read_mask(self.root / self.masks[row])
        except InputError as error:
            raise InputError(f"{what} {error}") from None
        if mask.shape != sizes:
            raise InputError(
                f"{what} is {shape_text(mask.shape)}, the image {shape_text(sizes)}: a mask has a pixel "
                "for each pixel of its image"
            )
        if self.binary:
            return np.where(mask == 0, 0, 1).astype(np.uint8)
        unknown = mask[(mask >= self.classes) & (mask != IGNORED)] if self.classes else mask[:0]
        if unknown.size:
            takes = f"labels are 0 to {(self.classes or 0) - 1}, or {IGNORED} for pixels that count nowhere"
            raise InputError(f"{what} has the label {int(unknown.flat[0])}, but {takes}")
        return mask


def load_folder(request: Request) -> Dataset:
    """The images of a folder.

    Raises:
        InputError: the folder is not of one of the forms, or an example cannot be used.
    """
    root = request.path
    entries = _folders(root)
    if {"images", "masks"} <= set(entries):
        return _segmentation(request, {"all": root})
    parts: dict[str, Path] = {
        part: root / name for part, names in _SPLIT_FOLDERS.items() for name in names if name in entries
    }
    if not parts:
        return _classification(request, {"all": root})
    if "train" not in parts:
        raise InputError(
            f"{shown(root)} has {'/ and '.join(path.name for path in parts.values())}/ but no train/ with "
            "the images to train on"
        )
    if {"images", "masks"} <= set(_folders(parts["train"])):
        return _segmentation(request, parts)
    return _classification(request, parts)


def _classification(request: Request, places: Mapping[str, Path]) -> Dataset:
    """Class sub-folders in each place: `all`, or a place for each split."""
    problems: list[str] = []
    root, training = request.path, places.get("train", request.path)
    classes = [name for name in _folders(training) if _utf8(training / name, problems)]
    files: list[tuple[str, int, str]] = []  # path from the root, class, part
    for part, place in places.items():
        unknown = sorted(set(_folders(place)) - set(classes)) if part not in ("all", "train") else []
        if unknown:
            raise InputError(
                f"{shown(place / unknown[0])}: there is no class of that name in {shown(training)}"
            )
        for label, name in enumerate(classes):
            if (place / name).is_dir():
                files += [
                    (os.path.relpath(place / name / file, root), label, part)
                    for file in _images(place / name, problems)
                ]
    if len(classes) < 2:
        raise InputError(
            f"{shown(training)}: has {len(classes)} sub-folder{'s' if len(classes) != 1 else ''}. {_FORMS}"
        )
    reader = ImageFiles(
        root,
        tuple(path for path, _, _ in files),
        labels=tuple(label for _, label, _ in files),
        **_conversions(request),
    )
    found = survey(reader, request, problems)
    labels = np.array(reader.labels, dtype=np.int64)[found.good]
    part_of = np.array([part for _, _, part in files])[found.good]
    sizes = np.bincount(labels[np.isin(part_of, ("all", "train"))], minlength=len(classes))
    kept, small = _large_classes(request, sizes, classes, least=3 - max(len(places) - 1, 0))
    names = [classes[one] for one in kept]
    rows = np.flatnonzero(np.isin(labels, kept))
    if small:
        found = replace(found.only(rows), skipped=(*found.skipped, *small))
    labels, part_of = np.searchsorted(kept, labels[rows]), part_of[rows]
    splits = draw(
        request,
        "classification",
        labels,
        names,
        numbering="usable images by path",
        given=_given(part_of, places),
    )
    return dataset_from_survey(request, reader, found, labels, splits, names)


def _segmentation(request: Request, places: Mapping[str, Path]) -> Dataset:
    """`images/` and `masks/` in each place."""
    problems: list[str] = []
    root = request.path
    files: list[tuple[str, str, str]] = []  # image and mask from the root, part
    for part, place in places.items():
        for image, mask in _pairs(place, problems):
            files.append((os.path.relpath(image, root), os.path.relpath(mask, root), part))
    names, binary = _class_names(request), request.word("binary", ("yes", "no"), "no") == "yes"
    if binary:
        names = names or ("background", "foreground")
    reader = ImageFiles(
        root,
        tuple(image for image, _, _ in files),
        masks=tuple(mask for _, mask, _ in files),
        binary=binary,
        classes=len(names) or None,
        **_conversions(request),
    )
    found = survey(reader, request, problems)
    names = names or numbered_classes(request, found)
    part_of = np.array([part for _, _, part in files])[found.good]
    splits = draw(
        request,
        "segmentation",
        part_of,
        names,
        numbering="usable images by path",
        given=_given(part_of, places),
    )
    return dataset_from_survey(request, reader, found, None, splits, names)


def _large_classes(
    request: Request, sizes: NDArray[np.int64], classes: Sequence[str], *, least: int
) -> tuple[NDArray[np.int64], list[str]]:
    """The classes with enough training examples for each split that is drawn, and what
    is to be said of the others.

    Raises:
        InputError: there are others, and they are not to be skipped.
    """
    small = np.flatnonzero(sizes < least).tolist()
    wants = f"needs {least} to train on{', to choose with and to test' if least == 3 else ''}"
    told = [
        f"class {classes[one]!r} has {sizes[one]} usable image{'s' if sizes[one] != 1 else ''}, but {wants}"
        for one in small
    ]
    report_bad(request, told, len(classes), "classes")
    kept = np.flatnonzero(sizes >= least)
    if len(kept) < 2:
        raise InputError(f"{request.text}: fewer than two classes are left")
    return kept, told


def _given(part_of: NDArray[np.str_], places: Mapping[str, Path]) -> dict[Part, Rows]:
    """The splits that the folder makes itself, empty ones included."""
    return {part: np.flatnonzero(part_of == part) for part in PARTS if part in places}


def _pairs(place: Path, problems: list[str]) -> Iterator[tuple[Path, Path]]:
    """Images with their masks: files of one name, whatever their suffixes."""
    folders = {kind: place / kind for kind in ("images", "masks")}
    found: dict[str, dict[str, Path]] = {"images": {}, "masks": {}}
    for kind, folder in folders.items():
        for name in _images(folder, problems):
            stem = Path(name).stem
            if stem in found[kind]:
                problems.append(f"{shown(folder / name)}: there is another file called {stem}")
            found[kind].setdefault(stem, folder / name)
    for kind, other in (("images", "masks"), ("masks", "images")):
        for stem in sorted(found[kind].keys() - found[other].keys()):
            problems.append(
                f"{shown(found[kind][stem])}: there is no file called {stem} in {shown(folders[other])}"
            )
    for stem in sorted(found["images"].keys() & found["masks"].keys()):
        yield found["images"][stem], found["masks"][stem]


def _class_names(request: Request) -> tuple[str, ...]:
    """The classes of masks as the folder or the name says them; empty where neither
    does.
    """
    file = request.path / _NAMES_FILE
    count = request.number("classes", least=2)
    try:
        names = (
            tuple(line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip())
            if file.exists()
            else ()
        )
    except (OSError, ValueError) as error:
        raise InputError(f"{shown(file)}: cannot be read ({error})") from None
    if count and names and count != len(names):
        raise InputError(f"{request.text}: classes={count}, but {shown(file)} names {len(names)}")
    if len(names) > IGNORED or (count or 0) > IGNORED:
        raise InputError(
            f"{request.text}: masks have at most {IGNORED} classes: {IGNORED} marks pixels that count nowhere"
        )
    return names or tuple(str(one) for one in range(count or 0))


def _conversions(request: Request) -> dict[str, Any]:
    channels = {"1": 1, "3": 3, "": None}[request.word("channels", ("1", "3", ""), "")]
    return {"channels": channels, "size": request.sizes("size")}


# --- listing


def _folders(root: Path) -> list[str]:
    """The sub-folders, hidden ones left out."""
    return [entry.name for entry in _listed(root) if entry.is_dir()]


def _images(folder: Path, problems: list[str]) -> list[str]:
    """The image files of a folder; everything else in it but hidden files is a
    problem.
    """
    found = []
    for entry in _listed(folder):
        path = folder / entry.name
        if entry.is_dir():
            problems.append(f"{shown(path)}: is a folder among images")
        elif not entry.is_file():
            problems.append(f"{shown(path)}: is no file that could be read (a link to nowhere, a pipe)")
        elif not _utf8(path, problems):
            continue
        elif path.suffix.lower() not in SUFFIXES:
            problems.append(f"{shown(path)}: is no image file: known are {', '.join(sorted(SUFFIXES))}")
        else:
            found.append(entry.name)
    return found


def _listed(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(
                (entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name
            )
    except FileNotFoundError:
        raise InputError(f"there is no folder {shown(folder)}. {_FORMS}") from None
    except OSError as error:
        raise InputError(f"{shown(folder)}: cannot be read as a folder ({error.strerror})") from None


def _utf8(path: Path, problems: list[str]) -> bool:
    try:
        path.name.encode("utf-8")
    except UnicodeEncodeError:
        problems.append(f"{shown(path)}: its name is not UTF-8: rename it")
        return False
    return True


def shown(path: Path) -> str:
    """A path as text that can be printed: bytes that are no UTF-8 as \\xNN."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
