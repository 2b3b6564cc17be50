"""`digit-scenes`: scikit-learn's handwritten digits on a larger canvas, each pixel
labelled: a small segmentation task of real strokes.

A scene holds two to five digits (more on a larger canvas), each in a square of 8×8
pixels of its own that touches the others at most. A pixel with ink has the class of its
digit, 1 to 10 for digits 0 to 9; all others are background, class 0. The digits of the
training, the validation and the test scenes are those of the splits of `digits`: none
is in two of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import torch

from bsngraph.data.augmentation import Augmentation
from bsngraph.data.dataset import Dataset, Split
from bsngraph.data.reading.making import statistics
from bsngraph.data.reading.survey import MEMORY
from bsngraph.data.request import Request
from bsngraph.data.sources.digits import load_digits
from bsngraph.data.splits import PARTS, Part, SplitRows
from bsngraph.errors import InputError

OPTIONS = {
    "size": "height and width of the canvas: 48, or 32x64 (32)",
    "train": "number of training scenes (1000)",
    "validation": "number of validation scenes (200)",
    "test": "number of test scenes (300)",
}
CLASS_NAMES = ("background", *"0123456789")

_SIDE = 8
_COUNTS: dict[Part, int] = {"train": 1000, "validation": 200, "test": 300}
_PIXELS_A_DIGIT = 200
_FEWEST = 2


def load_digit_scenes(request: Request) -> Dataset:
    """Scenes of one grey channel, 0 to 255.

    Raises:
        InputError: the canvas is too small for two digits, or the scenes take too much
            memory.
    """
    size = request.sizes("size") or (32, 32)
    if min(size) < _SIDE or max(size) < 2 * _SIDE or max(size) > 512:
        raise InputError(
            f"{request.text}: size={size[0]}x{size[1]} must have room for two digits of {_SIDE}x{_SIDE}, "
            "and be 512 at most"
        )
    counts = {part: request.number(part, _COUNTS[part]) or 0 for part in PARTS}
    size_bytes = 2 * size[0] * size[1] * sum(counts.values())  # images and label maps
    if size_bytes > MEMORY:
        raise InputError(
            f"{request.text}: its scenes take {size_bytes:,} bytes, more than {MEMORY:,}: ask for fewer or "
            "smaller ones"
        )
    digits = load_digits(Request(text="digits", kind="digits", split_seed=request.split_seed))
    made: dict[Part, Split] = {}
    for part in PARTS:
        generator = _generator(request.split_seed, part)
        made[part] = _scenes(getattr(digits, part), counts[part], size, generator)
    mean, std = statistics(made["train"].inputs)
    return Dataset(
        name=request.text,
        class_names=CLASS_NAMES,
        mean=mean,
        std=std,
        train=made["train"],
        validation=made["validation"],
        test=made["test"],
        augmentation=Augmentation(shift=4),
        task="segmentation",
        rows=_rows(made),
    )


def _scenes(digits: Split, count: int, size: tuple[int, int], generator: np.random.Generator) -> Split:
    """`count` scenes of digits drawn from a split."""
    inks = (digits.inputs[:, 0].numpy().astype(np.uint16) * 255 // 16).astype(np.uint8)  # (n, 8, 8)
    labels = digits.labels.numpy()
    most = max(size[0] * size[1] // _PIXELS_A_DIGIT, _FEWEST)
    images = np.zeros((count, *size), dtype=np.uint8)
    maps = np.zeros((count, *size), dtype=np.uint8)
    for image, label_map in zip(images, maps, strict=True):
        # where a digit's first pixel may be
        free = np.ones((size[0] - _SIDE + 1, size[1] - _SIDE + 1), dtype=np.bool_)
        for digit in generator.integers(len(labels), size=generator.integers(_FEWEST, most, endpoint=True)):
            places = np.flatnonzero(free)
            if not len(places):
                break
            row, column = divmod(int(places[generator.integers(len(places))]), free.shape[1])
            here = np.s_[row : row + _SIDE, column : column + _SIDE]
            image[here] = inks[digit]
            label_map[here] = np.where(inks[digit] > 0, labels[digit] + 1, 0)
            free[max(row - _SIDE + 1, 0) : row + _SIDE, max(column - _SIDE + 1, 0) : column + _SIDE] = False
    return Split(torch.from_numpy(images[:, None]), torch.from_numpy(maps))


def _rows(made: Mapping[Part, Split]) -> SplitRows:
    """Scenes are numbered through, split after split."""
    ends = np.cumsum([len(made[part]) for part in PARTS])
    train, validation, test = np.split(np.arange(ends[-1]), ends[:-1])
    return SplitRows(
        train, validation, test, "scenes as they are composed: those of train, of validation, of test"
    )


def _generator(seed: int, part: str) -> np.random.Generator:
    digest = hashlib.sha256(f"digit-scenes/{seed}/{part}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))
