"""`folder:DIR`: your own images in folders.

Three forms: sub-folders that are classes; `train/`, `val/`, `test/` with class
sub-folders each; `images/` and `masks/` with files of the same names for segmentation
(also inside `train/`, `val/`, `test/`). In: a folder. Out: a `Dataset`, in memory or
streaming.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bsngraph.data.dataset import Dataset
from bsngraph.data.grouping.groups import GROUPS_OPTION, groups_of_files
from bsngraph.data.reading.images.folder_listing import FORMS, image_names, is_utf8, shown, sub_folders
from bsngraph.data.reading.images.image_files import ImageFiles
from bsngraph.data.reading.images.picture_rule import picture_rule
from bsngraph.data.reading.making import IGNORED, draw
from bsngraph.data.reading.streaming import dataset_from_survey
from bsngraph.data.reading.survey import numbered_classes, survey
from bsngraph.data.reading.unusable import check_share, report_bad
from bsngraph.data.request import Request
from bsngraph.data.splits import PARTS, Part, Rows, SplitRows
from bsngraph.errors import InputError
from bsngraph.tasks.label_forms import Array
from bsngraph.whole_files import read_bounded

OPTIONS = {
    "size": "resize every image: 32, or 24x32 for height and width",
    "channels": "1 or 3: convert every image to grey or to colour",
    "classes": "number of classes in masks (else one more than the highest label, or the lines of "
    "classes.txt)",
    "binary": "yes: every pixel of a mask that is not 0 is class 1",
    "validation": "number of validation images to draw, if there is no val/",
    "test": "number of test images to draw, if there is no test/",
    "train": "use only so many training images",
    "groups": GROUPS_OPTION,
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
_OR_A_CLASS = "If it is a class, call its folder something else: train, val and test are names of splits"


def load_folder(request: Request) -> Dataset:
    """The images of a folder.

    Raises:
        InputError: the folder is not of one of the forms, or an example cannot be used.
    """
    root = request.path
    entries = sub_folders(root)
    if {"images", "masks"} <= set(entries):
        return _segmentation(request, {"all": root})
    parts: dict[str, Path] = {
        part: root / name for part, names in _SPLIT_FOLDERS.items() for name in names if name in entries
    }
    if not parts:
        return _classification(request, {"all": root})
    _check_one_each(root, entries)
    if "train" not in parts:
        raise InputError(
            f"{shown(root)} has {'/ and '.join(path.name for path in parts.values())}/ but no train/ with "
            f"the images to train on. {_OR_A_CLASS}"
        )
    bare = [
        path
        for path in parts.values()
        if not sub_folders(path) and any(not entry.name.startswith(".") for entry in path.iterdir())
    ]
    if bare:
        raise InputError(
            f"{shown(bare[0])}: is taken for the {bare[0].name} split by its name, and holds no class "
            f"folders: give it a folder for each class. {_OR_A_CLASS}"
        )
    if {"images", "masks"} <= set(sub_folders(parts["train"])):
        return _segmentation(request, parts)
    return _classification(request, parts)


def _check_one_each(root: Path, entries: Sequence[str]) -> None:
    """Raise where two folders have names of one split."""
    for names in _SPLIT_FOLDERS.values():
        there = [name for name in names if name in entries]
        if len(there) > 1:
            raise InputError(
                f"{shown(root)}: {there[0]}/ and {there[1]}/ are both names of the validation split: put the "
                f"images into one of them. {_OR_A_CLASS}"
            )


def _classification(request: Request, places: Mapping[str, Path]) -> Dataset:
    """Class sub-folders in each place: `all`, or a place for each split."""
    problems, aside = list[str](), list[str]()
    root, training = request.path, places.get("train", request.path)
    classes = [name for name in sub_folders(training) if is_utf8(training / name, problems)]
    files: list[tuple[str, int, str]] = []  # path from the root, class, part
    for part, place in places.items():
        unknown = sorted(set(sub_folders(place)) - set(classes)) if part not in ("all", "train") else []
        if unknown:
            raise InputError(
                f"{shown(place / unknown[0])}: there is no class of that name in {shown(training)}"
            )
        for label, name in enumerate(classes):
            if (place / name).is_dir():
                files += [
                    (os.path.relpath(place / name / file, root), label, part)
                    for file in image_names(place / name, problems, aside)
                ]
    if len(classes) < 2:
        raise InputError(
            f"{shown(training)}: has {len(classes)} sub-folder{'s' if len(classes) != 1 else ''}. {FORMS}"
        )
    reader = ImageFiles(
        root,
        tuple(path for path, _, _ in files),
        picture_rule(request),
        labels=tuple(label for _, label, _ in files),
    )
    found = survey(reader, request, [*problems, *aside], len(aside))
    labels = np.array(reader.labels, dtype=np.int64)[found.good]
    part_of = np.array([part for _, _, part in files])[found.good]
    sizes = np.bincount(labels[np.isin(part_of, ("all", "train"))], minlength=len(classes))
    kept, small = _large_classes(request, sizes, classes, least=3 - max(len(places) - 1, 0))
    names = [classes[one] for one in kept]
    rows = np.flatnonzero(np.isin(labels, kept))
    check_share(request, len(rows), len(files) + len(problems), [*small, *problems], "images")
    if small:
        found = replace(found.only(rows), skipped=(*found.skipped, *small))
    labels, part_of = np.searchsorted(kept, labels[rows]), part_of[rows]
    used = [files[row][0] for row in found.good]
    splits = _drawn(request, "classification", labels, names, used, _given(part_of, places))
    return dataset_from_survey(request, reader, found, labels, splits, names)


def _segmentation(request: Request, places: Mapping[str, Path]) -> Dataset:
    """`images/` and `masks/` in each place."""
    problems, aside = list[str](), list[str]()
    root = request.path
    files: list[tuple[str, str, str]] = []  # image and mask from the root, part
    for part, place in places.items():
        for image, mask in _pairs(place, problems, aside):
            files.append((os.path.relpath(image, root), os.path.relpath(mask, root), part))
    names = _class_names(request)
    rule = picture_rule(request, len(names) or None)
    if rule.binary:
        names = names or ("background", "foreground")
    images, masks, _ = zip(*files, strict=True) if files else ((), (), ())
    reader = ImageFiles(root, images, rule, masks=masks)
    found = survey(reader, request, [*problems, *aside], len(aside))
    names = names or numbered_classes(request, found)
    part_of = np.array([part for _, _, part in files])[found.good]
    used = [files[row][0] for row in found.good]
    splits = _drawn(request, "segmentation", part_of, names, used, _given(part_of, places))
    return dataset_from_survey(request, reader, found, None, splits, names)


def _drawn(
    request: Request,
    task: str,
    labels: Array,
    names: Sequence[str],
    files: Sequence[str],
    given: Mapping[Part, Rows],
) -> SplitRows:
    """The splits of the images `files`, by the groups that their names say."""
    groups = groups_of_files(request.text, request.options.get("groups"), files)
    return draw(
        request, task, labels, names, numbering="usable images by path", given=given, groups=groups
    ).named(files)


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
    kept = np.flatnonzero(sizes >= least)
    report_bad(request, told, len(kept), "classes", aside=len(told))
    if len(kept) < 2:
        raise InputError(f"{request.text}: fewer than two classes are left")
    return kept, told


def _given(part_of: NDArray[np.str_], places: Mapping[str, Path]) -> dict[Part, Rows]:
    """The splits that the folder makes itself, empty ones included."""
    return {part: np.flatnonzero(part_of == part) for part in PARTS if part in places}


def _pairs(place: Path, problems: list[str], aside: list[str]) -> Iterator[tuple[Path, Path]]:
    """Images with their masks: files of one name, whatever their suffixes."""
    folders = {kind: place / kind for kind in ("images", "masks")}
    found: dict[str, dict[str, Path]] = {"images": {}, "masks": {}}
    for kind, folder in folders.items():
        for name in image_names(folder, problems, aside):
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
    """The classes of masks as the folder or the name says them; empty if neither
    does.
    """
    file = request.path / _NAMES_FILE
    count = request.number("classes", least=2)
    try:
        content = read_bounded(file, 2**20, "too large for names of classes") if file.exists() else b""
        names = tuple(line.strip() for line in content.decode("utf-8").splitlines() if line.strip())
    except UnicodeDecodeError as error:
        raise InputError(f"{shown(file)}: cannot be read ({error})") from None
    if count and names and count != len(names):
        raise InputError(f"{request.text}: classes={count}, but {shown(file)} names {len(names)}")
    if len(names) > IGNORED or (count or 0) > IGNORED:
        raise InputError(
            f"{request.text}: masks have at most {IGNORED} classes: {IGNORED} marks ignored pixels"
        )
    return names or tuple(str(one) for one in range(count or 0))
