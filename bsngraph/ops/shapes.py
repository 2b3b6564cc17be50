"""What kind of example a shape is; a builder asks for the one it works on."""

from __future__ import annotations

from bsngraph.ops.signature import Shape
from bsngraph.wording import shape_text


def image(shape: Shape) -> tuple[int, int, int]:
    """Channels, height and width.

    Raises:
        ValueError: it is no image.
    """
    if len(shape) != 3:
        raise ValueError(f"needs an image (channels, height, width), but gets {shape_text(shape)}")
    return shape[0], shape[1], shape[2]


def sequence(shape: Shape) -> tuple[int, int]:
    """Length and features.

    Raises:
        ValueError: it is no sequence.
    """
    if len(shape) != 2:
        raise ValueError(f"needs a sequence (length, features), but gets {shape_text(shape)}")
    return shape[0], shape[1]


def features(shape: Shape) -> int:
    """Features of a sequence or of a vector.

    Raises:
        ValueError: it is neither.
    """
    if len(shape) not in (1, 2):
        raise ValueError(f"needs a sequence (length, features) or a vector, but gets {shape_text(shape)}")
    return shape[-1]


def size_of(shape: Shape, factor: int, height: int | None, width: int | None) -> tuple[int, int]:
    """Height and width after enlarging an image by a factor, or to a size.

    Raises:
        ValueError: only one of height and width is given.
    """
    _, rows, columns = image(shape)
    if (height is None) != (width is None):
        raise ValueError("height and width go together: give both, or neither and a factor")
    return (height or rows * factor, width or columns * factor)
