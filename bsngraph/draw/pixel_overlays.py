"""A class for each pixel → pictures: a class map, and an overlay that shows it on its
image. NumPy arrays in, PNG files out.

The colours of the first ten classes lie far apart in CIELAB, and far from black. Tests
check this for normal vision and for protanopia, deuteranopia and tritanopia (simulated
as in Machado et al. 2009). Further classes get lighter and darker shades of the same
colours, and the legend names them. A class called background is black in the map.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bsngraph.wording import printable, shortened

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
_Entry = tuple[str, tuple[int, ...] | None]

_SHORTEST_SIDE = 256  # in pixels, as shown: a smaller image is enlarged by a whole number
_TINT, _LONGEST_NAME = 0.5, 30
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


def class_bytes(classes: NDArray[np.integer[Any]], count: int) -> ImageBytes:
    """Class numbers as bytes; 255 for what is none of `count` classes."""
    return np.where((classes >= 0) & (classes < count), classes, MOST_CLASSES - 1).astype(np.uint8)


def class_map(classes: ImageBytes, class_names: Sequence[str]) -> bytes:
    """Classes (height, width) as a PNG of that size. Its values are the numbers of the
    classes, its palette their colours.
    """
    image = Image.fromarray(classes)
    image.putpalette(palette(class_names).tobytes())
    return png_bytes(image)


def overlay(
    image: ImageBytes,
    classes: ImageBytes,
    class_names: Sequence[str],
    truth: ImageBytes | None = None,
    *,
    paint_all: bool = False,
) -> bytes:
    """A PNG of the image (1 or 3, height, width), and beside it the image painted with
    its classes (height, width) and, if they are given, with the true ones.

    A small image is enlarged, each pixel to a square. Regions have a contour. One class
    is not painted, so that the image is seen, unless `paint_all`: the background, or
    without a class of that name the one that covers most. A legend names the classes
    that occur.
    """
    maps = {"predicted": classes} | ({} if truth is None else {"true": truth})
    plain = None if paint_all else _unpainted(np.stack(list(maps.values())), class_names)
    times = max(1, -(-_SHORTEST_SIDE // min(classes.shape)))
    colours = palette(class_names)
    rgb = _enlarged(_rgb(image), times)
    panels = {"image": rgb} | {
        title: _painted(rgb, _enlarged(each, times), colours, plain) for title, each in maps.items()
    }
    return _beside(panels, _legend(np.unique(np.stack(list(maps.values()))), class_names, colours, plain))


def _unpainted(maps: ImageBytes, class_names: Sequence[str]) -> int:
    if BACKGROUND in class_names:
        return list(class_names).index(BACKGROUND)
    return int(np.bincount(maps.ravel(), minlength=len(class_names))[: len(class_names)].argmax())


def _legend(
    occurring: ImageBytes, class_names: Sequence[str], colours: ImageBytes, plain: int | None
) -> list[_Entry]:
    """What stands in the legend: a text and a colour, None for what is not painted."""
    known = [int(one) for one in occurring if one < len(class_names)]
    entries: list[_Entry] = [
        (f"{_shown(class_names[one])} (not painted)", None)
        if one == plain
        else (_shown(class_names[one]), tuple(colours[one].tolist()))
        for one in known
    ]
    return entries + ([("not labelled", UNKNOWN)] if len(known) < len(occurring) else [])


def _shown(name: str) -> str:
    return shortened(printable(name), _LONGEST_NAME)


def _beside(panels: Mapping[str, ImageBytes], legend: Sequence[_Entry]) -> bytes:
    """Pictures of one size side by side, each with its title, and the legend."""
    height, width, _ = next(iter(panels.values())).shape
    font = ImageFont.load_default(_TEXT)
    legend_width = _LINE + 2 * _GAP + max(int(font.getlength(name)) for name, _ in legend)
    wide = _GAP + (width + _GAP) * len(panels) + legend_width
    top = _LINE + _GAP // 2
    canvas = Image.new("RGB", (wide, top + max(height, _LINE * len(legend)) + _GAP), "white")
    draw = ImageDraw.Draw(canvas)
    left = _GAP
    for title, pixels in panels.items():
        draw.text((left, _GAP // 2), title, fill="black", font=font)
        canvas.paste(Image.fromarray(pixels), (left, top))
        left += width + _GAP
    for line, (name, colour) in enumerate(legend):
        corner = top + line * _LINE + 2
        draw.rectangle((left, corner, left + _TEXT, corner + _TEXT), fill=colour, outline="black")
        draw.text((left + _LINE, corner - 2), name, fill="black", font=font)
    return png_bytes(canvas)


def _rgb(image: ImageBytes) -> ImageBytes:
    """(1 or 3, height, width) → (height, width, 3)."""
    return np.ascontiguousarray(np.broadcast_to(image, (3, *image.shape[1:])).transpose(1, 2, 0))


def _enlarged(pixels: ImageBytes, times: int) -> ImageBytes:
    return pixels.repeat(times, axis=0).repeat(times, axis=1)


def _painted(rgb: ImageBytes, classes: ImageBytes, colours: ImageBytes, plain: int | None) -> ImageBytes:
    """The image with each pixel mixed with the colour of its class, and regions with a
    contour of that colour: (height, width, 3).
    """
    known = classes < len(colours)
    shown = np.where(known[..., None], colours[np.where(known, classes, 0)], UNKNOWN)
    strength = np.where(_contours(classes, max(2, min(classes.shape) // _SHORTEST_SIDE)), 1.0, _TINT)
    strength[classes == plain] = 0
    painted: ImageBytes = np.round(rgb + strength[..., None] * (shown - rgb.astype(np.float64))).astype(
        np.uint8
    )
    return painted


def _contours(classes: ImageBytes, thick: int) -> NDArray[np.bool_]:
    """Pixels with a pixel of another class at most `thick` steps away in a row or
    column.
    """
    found = np.zeros(classes.shape, dtype=np.bool_)
    for step in range(1, thick + 1):
        rows, columns = classes[step:] != classes[:-step], classes[:, step:] != classes[:, :-step]
        found[step:] |= rows
        found[:-step] |= rows
        found[:, step:] |= columns
        found[:, :-step] |= columns
    return found


def png_bytes(image: Image.Image) -> bytes:
    """An image as the content of a PNG file."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
