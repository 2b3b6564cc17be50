"""A `Reader` of image files with a class each, or with a mask each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsngraph.data.reading.images.folder_listing import shown
from bsngraph.data.reading.images.image_file import (
    ImageSize,
    Pixels,
    read_image,
    read_mask,
    resized,
    resized_mask,
)
from bsngraph.data.reading.making import IGNORED
from bsngraph.data.reading.survey import Example
from bsngraph.errors import InputError
from bsngraph.wording import shape_text


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
    size: ImageSize | None = None
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
            takes = f"labels are 0 to {(self.classes or 0) - 1}, or {IGNORED} for ignored pixels"
            raise InputError(f"{what} has the label {int(unknown.flat[0])}, but {takes}")
        return mask
