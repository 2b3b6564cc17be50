"""The image files of a folder → examples for a network that takes images."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from bsngraph.data.reading.images.image_file import SUFFIXES, read_image
from bsngraph.delivered.model_facts import ModelFacts
from bsngraph.delivered.predicting.unlabelled import Unlabelled, without_labels
from bsngraph.errors import InputError
from bsngraph.ops import Shape


def image_files(folder: Path) -> list[Path]:
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


def unlabelled_images(files: Sequence[Path], shape: Shape, facts: ModelFacts) -> Unlabelled:
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
    return Unlabelled(without_labels("the folder", pixels, facts), [file.name for file in files], "file")


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
