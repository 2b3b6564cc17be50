"""How image files become examples, by the options of a data set's name: one rule for
folders, Hugging Face data sets and predictions.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsngraph.data.reading.images.image_file import (
    ImageSize,
    Pixels,
    Upright,
    image_pixels,
    mask_pixels,
    read_image,
    read_upright,
    resized,
    resized_mask,
)
from bsngraph.data.reading.making import IGNORED
from bsngraph.data.reading.survey import Example
from bsngraph.data.request import Request
from bsngraph.errors import InputError
from bsngraph.wording import shape_text

Source = Path | bytes


@dataclass(frozen=True)
class PictureRule:
    """Images get these `channels` and this `size`, None for their own.

    In masks, everything but 0 is class 1 if `binary`; labels lie below `classes` if
    that is given.
    """

    channels: int | None = None
    size: ImageSize | None = None
    binary: bool = False
    classes: int | None = None

    def image(self, source: Source) -> Pixels:
        """An image (channels, height, width).

        Raises:
            InputError: it cannot be used.
        """
        return self._sized(read_image(source, channels=self.channels))

    def pair(self, image: Source, mask: Source, what: str) -> Example:
        """An image with its label map, each turned as its own EXIF orientation says. A
        remark tells if only one is turned.

        Raises:
            InputError: one of them cannot be used, or they differ in size. `what` is
                what the text calls the mask.
        """
        shown = read_upright(image)
        pixels = image_pixels(shown.image, self.channels)
        try:
            drawn = read_upright(mask)
            labels = mask_pixels(drawn.image)
        except InputError as error:
            raise InputError(f"{what} {error}") from None
        turned = _turned(shown, drawn, what)
        if labels.shape != pixels.shape[1:]:
            raise InputError(
                f"{what} is {shape_text(labels.shape)}, the image {shape_text(pixels.shape[1:])}: a mask has "
                f"a pixel for each pixel of its image{f' ({turned}: turn both alike)' if turned else ''}"
            )
        remarks = [f"{turned}: each is taken as programs show it"] if turned else []
        if drawn.form in ("JPEG", "MPO"):
            remarks.append(f"{what} is a JPEG, which blurs labels: save masks as PNG")
        labels = self._labels(labels, what)
        return Example(
            self._sized(pixels),
            labels if self.size is None else resized_mask(labels, self.size),
            "; ".join(remarks),
        )

    def _sized(self, pixels: Pixels) -> Pixels:
        return pixels if self.size is None else resized(pixels, self.size)

    def _labels(self, mask: Pixels, what: str) -> Pixels:
        if self.binary:
            return np.where(mask == 0, 0, 1).astype(np.uint8)
        unknown = mask[(mask >= self.classes) & (mask != IGNORED)] if self.classes else mask[:0]
        if unknown.size:
            takes = f"labels are 0 to {(self.classes or 0) - 1}, or {IGNORED} for ignored pixels"
            raise InputError(f"{what} has the label {int(unknown.flat[0])}, but {takes}")
        return mask


def picture_rule(request: Request, classes: int | None = None) -> PictureRule:
    """The rule that the options `channels`, `size` and `binary` of a name say."""
    channels = {"1": 1, "3": 3, "": None}[request.word("channels", ("1", "3", ""), "")]
    binary = request.word("binary", ("yes", "no"), "no") == "yes"
    return PictureRule(channels, request.sizes("size"), binary, classes)


def as_asked(request: Request, pixels: Pixels) -> Pixels:
    """One image (channels, height, width) in the `size` of the name."""
    size = request.sizes("size")
    return pixels if size is None else resized(pixels, size)


def _turned(image: Upright, mask: Upright, what: str) -> str:
    """How image and mask are turned, if not alike."""
    if image.orientation == mask.orientation:
        return ""
    if mask.orientation == 1:
        return f"the image is turned by its EXIF orientation {image.orientation}, {what} is not"
    if image.orientation == 1:
        return f"{what} is turned by its EXIF orientation {mask.orientation}, the image is not"
    return f"the image is turned by its EXIF orientation {image.orientation}, {what} by {mask.orientation}"
