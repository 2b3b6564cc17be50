"""A class for each pixel → pictures: a class map, and an overlay that shows it on its
image. NumPy arrays in, PNG files out.

The colours of the first ten classes lie far apart in CIELAB, and far from black. Tests
check this for normal vision and for protanopia, deuteranopia and tritanopia (simulated
as in Machado et al. 2009). Further classes get lighter and darker shades of the same
colours, and the legend names them. A class called background is black in the map, and
leaves the image as it is in the overlay.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

COLOURS = (
    "#6699CC",
    "#F0E442",
    "#AA3377",
    "#00FF7F",
    "#EE6677",
    "#117733",
    "#FFAABB",
    "#4444FF",
    "#999933",
    "#99DDFF",
)
BACKGROUND = "background"
MOST_CLASSES = 256
UNKNOWN = (128, 128, 128)  # the colour of pixels whose true class is not known

ImageBytes = NDArray[np.uint8]

_SHORTEST_SIDE = 256  # in pixels, as shown: a smaller image is enlarged by a whole number
_TINT = 0.7
_GAP, _LINE, _TEXT = 8, 18, 13


def palette(class_names: Sequence[str]) -> ImageBytes:
    """A colour for each class: (classes, 3)."""
    numbers = iter(range(len(class_names)))
    colours = [np.zeros(3) if name == BACKGROUND else _colour(next(numbers)) for name in class_names]
    return np.round(np.array(colours)).astype(np.uint8)


def _colour(number: int) -> NDArray[np.float64]:
    """The colours in turn. In the second turn they are mixed with white, in the third
    with black, in the fourth with more white, and so on.
    """
    turn, place = divmod(number, len(COLOURS))
    colour = np.array([int(COLOURS[place][start : start + 2], 16) for start in (1, 3, 5)], dtype=np.float64)
    share = 0.6 ** ((turn + 1) // 2)
    return share * colour + (1 - share) * (255.0 if turn % 2 else 0.0)


def class_map(classes: ImageBytes, class_names: Sequence[str]) -> bytes:
    """Classes (height, width) as a PNG of that size. Its values are the numbers of the
    classes, its palette their colours.
    """
    image = Image.fromarray(classes)
    image.putpalette(palette(class_names).tobytes())
    return png_bytes(image)


def overlay(
    image: ImageBytes, classes: ImageBytes, class_names: Sequence[str], truth: ImageBytes | None = None
) -> bytes:
    """A PNG of the image (1 or 3, height, width), and beside it the image tinted by its
    classes (height, width) and, if they are given, by the true ones.

    A small image is enlarged, each pixel to a square. A legend names the classes that
    occur.
    """
    colours = palette(class_names)
    panels = {"image": _rgb(image), "predicted": _tinted(image, classes, class_names, colours)}
    if truth is not None:
        panels["true"] = _tinted(image, truth, class_names, colours)
    height, width = classes.shape
    times = max(1, -(-_SHORTEST_SIDE // min(height, width)))
    occurring = np.union1d(classes, classes if truth is None else truth)
    legend = {
        class_names[one][:30]: colours[one]
        for one in occurring
        if one < len(class_names) and class_names[one] != BACKGROUND
    }
    font = ImageFont.load_default(_TEXT)
    legend_width = _LINE + 2 * _GAP + max((int(font.getlength(name)) for name in legend), default=0)
    wide = _GAP + (width * times + _GAP) * len(panels) + legend_width
    top = _LINE + _GAP // 2
    canvas = Image.new("RGB", (wide, top + max(height * times, _LINE * len(legend)) + _GAP), "white")
    draw = ImageDraw.Draw(canvas)
    left = _GAP
    for title, pixels in panels.items():
        draw.text((left, _GAP // 2), title, fill="black", font=font)
        canvas.paste(Image.fromarray(pixels.repeat(times, axis=0).repeat(times, axis=1)), (left, top))
        left += width * times + _GAP
    for line, (name, colour) in enumerate(legend.items()):
        corner = top + line * _LINE + 2
        draw.rectangle(
            (left, corner, left + _TEXT, corner + _TEXT), fill=tuple(colour.tolist()), outline="black"
        )
        draw.text((left + _LINE, corner - 2), name, fill="black", font=font)
    return png_bytes(canvas)


def _rgb(image: ImageBytes) -> ImageBytes:
    """(1 or 3, height, width) → (height, width, 3)."""
    return np.ascontiguousarray(np.broadcast_to(image, (3, *image.shape[1:])).transpose(1, 2, 0))


def _tinted(
    image: ImageBytes, classes: ImageBytes, class_names: Sequence[str], colours: ImageBytes
) -> ImageBytes:
    """The image with each pixel mixed with the colour of its class: (height, width,
    3).
    """
    rgb = _rgb(image).astype(np.float64)
    known = classes < len(class_names)
    shown = np.where(known[..., None], colours[np.where(known, classes, 0)], UNKNOWN)
    plain = known & np.isin(classes, [one for one, name in enumerate(class_names) if name == BACKGROUND])
    mixed = np.where(plain[..., None], rgb, (1 - _TINT) * rgb + _TINT * shown)
    return np.round(mixed).astype(np.uint8)


def png_bytes(image: Image.Image) -> bytes:
    """An image as the content of a PNG file."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
