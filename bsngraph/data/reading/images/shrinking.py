"""Smaller images by averaging: the option `size` of data sets whose images have one
size.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bsngraph.data.reading.unusable import NeedsConversionError
from bsngraph.data.request import Request


def shrunk(request: Request, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Images (n, channels, height, width) as the name's `size` wants them: means over
    whole blocks, halves rounded up.

    Raises:
        NeedsConversionError: the sizes do not divide.
    """
    size = request.sizes("size")
    height, width = images.shape[2:]
    if size is None or size == (height, width):
        return images
    if height % size[0] or width % size[1]:
        raise NeedsConversionError(
            f"{request.text}: size={size[0]}x{size[1]} must divide {height}x{width}: smaller images are "
            "means over blocks"
        )
    down, across = height // size[0], width // size[1]
    blocks = images.reshape(*images.shape[:2], size[0], down, size[1], across)
    area = down * across
    sums: NDArray[np.uint32] = blocks.sum(axis=(3, 5), dtype=np.uint32)
    means: NDArray[np.uint8] = ((sums + area // 2) // area).astype(np.uint8)
    return means


def shrunk_image(request: Request, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """One image (channels, height, width) as `shrunk` gives it."""
    image: NDArray[np.uint8] = shrunk(request, pixels[None])[0]
    return image
