"""Images and class maps made small: NumPy arrays in, PNG files out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bsngraph.draw.pixel_overlays import MOST_CLASSES, UNKNOWN, ImageBytes, class_bytes, palette, png_bytes


def thumbnail(image: ImageBytes, longest: int) -> bytes:
    """An image (1 or 3, height, width) as a PNG whose longer side has at most `longest`
    pixels.
    """
    picture = Image.fromarray(image[0] if len(image) == 1 else np.ascontiguousarray(image.transpose(1, 2, 0)))
    return png_bytes(picture.resize(_within(picture.size, longest), Image.Resampling.BOX))


def small_class_map(classes: NDArray[np.int64], class_names: tuple[str, ...], longest: int) -> bytes:
    """Classes (height, width) as a palette PNG, of which every so many pixels are kept.

    Its values are class numbers, of less than 256 classes. 255 is what has none of
    them: ignored pixels.
    """
    picture = Image.fromarray(class_bytes(classes, len(class_names)))
    colours = palette(class_names)
    rest = np.tile(np.array(UNKNOWN, dtype=np.uint8), (MOST_CLASSES - len(colours), 1))
    picture = picture.resize(_within(picture.size, longest), Image.Resampling.NEAREST)
    picture.putpalette(np.concatenate([colours, rest]).tobytes())
    return png_bytes(picture)


def _within(size: tuple[int, int], longest: int) -> tuple[int, int]:
    scale = min(1.0, longest / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
