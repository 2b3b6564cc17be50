"""The image files of a folder → examples for a network that takes images, read as the
loader of its training data reads them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bsngraph.data.reading.images.folder_listing import is_utf8, shown
from bsngraph.data.reading.images.image_file import SUFFIXES, Pixels, read_image
from bsngraph.data.reading.streaming import surveyed_split
from bsngraph.data.reading.survey import Example, survey
from bsngraph.data.reading.unusable import NeedsConversionError
from bsngraph.data.request import Request
from bsngraph.delivered.model_facts import ModelFacts
from bsngraph.delivered.predicting.examples import ExamplesAsked, facts_of_pixels, without_labels
from bsngraph.errors import InputError
from bsngraph.ops import Shape
from bsngraph.tasks import TASKS

Resize = Callable[[Pixels], Pixels]


def image_files(folder: Path, problems: list[str]) -> list[str]:
    """The image files of a folder and its sub-folders, named from it, in their order.

    Hidden files and folders are left alone, and so are other files, and `masks/` beside
    `images/`. `problems` gets the files whose names are no text.

    Raises:
        InputError: there are none, or a folder cannot be read.
    """
    found, visited = list[str](), set[str]()
    for top, folders, files in os.walk(folder, onerror=_refuse, followlinks=True):
        real, inner = os.path.realpath(top), {name for name in folders if not name.startswith(".")}
        # a link may lead back to a folder above
        folders[:] = [] if real in visited else inner - ({"masks"} if "images" in inner else set())
        some = [Path(top, name) for name in files if not name.startswith(".") and real not in visited]
        visited.add(real)
        found += [
            path.relative_to(folder).as_posix()
            for path in some
            if path.suffix.lower() in SUFFIXES and is_utf8(path, problems)
        ]
    if not found:
        raise InputError(f"{shown(folder)}: there is no image in it: known are {', '.join(sorted(SUFFIXES))}")
    return sorted(found)


def _refuse(error: OSError) -> None:
    raise InputError(
        f"{shown(Path(error.filename))}: cannot be read as a folder ({error.strerror}): --images takes a "
        "folder of image files"
    )


@dataclass(frozen=True)
class _ImagesOfShape:
    """A `Reader` of image files for a network that takes `shape`; their labels say
    nothing.
    """

    root: Path
    names: Sequence[str]
    shape: Shape
    resize: Resize | None
    maps: bool

    def __len__(self) -> int:
        return len(self.names)

    def place(self, row: int) -> str:
        """The image's path."""
        return shown(self.root / self.names[row])

    def read(self, row: int) -> Example:
        """Decode an image."""
        pixels = read_image(self.root / self.names[row], channels=self.shape[0])
        if self.resize is not None:
            pixels = self.resize(pixels)
        if pixels.shape != self.shape:
            has, takes = (f"{sizes[1]}x{sizes[2]}" for sizes in (pixels.shape, self.shape))
            raise NeedsConversionError(
                f"has {has} pixels (height x width), but the network takes {takes}: resize it"
            )
        return Example(pixels, np.zeros(self.shape[1:], dtype=np.uint8) if self.maps else 0)


def unlabelled_images(
    request: Request, limit: int | None, shape: Shape, facts: ModelFacts, resize: Resize | None
) -> ExamplesAsked:
    """The first `limit` images of the folder `request.path` as test examples of a data
    set for the run's task, without labels.

    `resize` is what the run's data set does with its images, None if nothing says.

    Raises:
        InputError: the network takes no images, or a file is none of the size that it
            takes.
    """
    if len(shape) != 3 or shape[0] not in (1, 3) or facts.white is None:
        raise InputError(
            f"the network takes {'x'.join(map(str, shape))}, which image files are not: predict a data "
            "set's examples by --data"
        )
    problems: list[str] = []
    root, form = request.path, TASKS[facts.task].labels
    reader = _ImagesOfShape(root, image_files(root, problems)[:limit], shape, resize, form.layout == "map")
    found = survey(reader, request, problems)
    blank = None if reader.maps else form.blank(len(found.good), len(facts.classes), shape)
    split = surveyed_split(request, reader, found, blank)
    dataset = without_labels("the folder", split, facts_of_pixels(facts))
    names = [reader.names[row] for row in found.good]
    return ExamplesAsked(replace(dataset, skipped=found.skipped), names, "file")
