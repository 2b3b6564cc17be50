"""One image file → a uint8 array, by Pillow; everything that can be wrong with one is
an `InputError` that says what.

A stranger's file can be anything: only plain raster formats are tried, sizes are looked
at before anything is decoded, and nothing that Pillow's parsers raise gets through.
"""

from __future__ import annotations

import io
import logging
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from bsngraph.data.reading.images.frames import seek_picture
from bsngraph.data.reading.unusable import NeedsConversionError
from bsngraph.errors import InputError

_JPEG = {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"}
SUFFIXES = frozenset({*_JPEG, ".png", ".bmp", ".gif", ".ppm", ".pgm", ".pbm", ".tif", ".tiff", ".webp"})
MOST_PIXELS = 50_000_000
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "PPM", "TIFF", "WEBP")
_CHANNELS = {
    "1": 1,
    "L": 1,
    "RGB": 3,
    "P": 3,
    "YCbCr": 3,
    "LAB": 3,
    "HSV": 3,
    "LA": 2,
    "La": 2,
    "PA": 4,
    "RGBA": 4,
    "RGBa": 4,
    "CMYK": 4,
}

logging.getLogger("PIL").addHandler(logging.NullHandler())  # its errors are raised as well

Pixels = NDArray[np.uint8]
ImageSize = tuple[int, int]


@dataclass(frozen=True)
class Upright:
    """A decoded picture as programs show it: turned as its EXIF orientation said.

    `orientation` is that value, 1 to 8; 1 also without one. `form` is the format of the
    file.
    """

    image: Image.Image
    orientation: int
    form: str


def read_image(source: Path | bytes, *, channels: int | None = None) -> Pixels:
    """An image as (channels, height, width), turned as its EXIF orientation says.

    One channel for grey images, three for colour (palettes are looked up). `channels`
    (1 or 3) converts.

    Raises:
        InputError: the file cannot be used; the text is the reason, without the file's
            name.
        NeedsConversionError: it has other channels than one or three.
    """
    return image_pixels(read_upright(source).image, channels)


def read_mask(source: Path | bytes) -> Pixels:
    """A label map (height, width), turned as its EXIF orientation says: the value, or
    the palette's index, of each pixel is its class.

    Raises:
        InputError: the file cannot be used, or has colours.
    """
    return mask_pixels(read_upright(source).image)


def image_pixels(image: Image.Image, channels: int | None) -> Pixels:
    """The pixels of a picture as `read_image` gives them.

    Raises:
        InputError, NeedsConversionError: as `read_image`.
    """
    found = _CHANNELS.get(image.mode)
    if found is None:
        raise InputError(
            f"has values of another type than 8 bits (mode {image.mode}): convert it to 8 bits a channel"
        )
    if found not in (1, 3) and channels is None:
        raise NeedsConversionError(
            f"has {found} channels (mode {image.mode}): images have 1 or 3; convert it, or say channels=3 "
            "to convert all"
        )
    wanted = {1: "L", 3: "RGB"}[channels or found]
    if image.mode != wanted:
        image = image.convert(wanted)
    pixels = np.array(image, dtype=np.uint8)
    return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def mask_pixels(image: Image.Image) -> Pixels:
    """The labels of a picture as `read_mask` gives them.

    Raises:
        InputError: it has colours.
    """
    if image.mode not in ("1", "L", "P"):
        raise InputError(
            f"is not a label map (mode {image.mode}): a mask has one channel of 8 bits, or a palette; its "
            "value is the pixel's class"
        )
    return np.array(image, dtype=np.uint8)


def resized(pixels: Pixels, size: ImageSize) -> Pixels:
    """An image (channels, height, width) at another size, bilinear over the pixels that
    shrink into one.
    """
    return np.stack([_resized(channel, size, Image.Resampling.BILINEAR) for channel in pixels])


def resized_mask(mask: Pixels, size: ImageSize) -> Pixels:
    """A label map (height, width) at another size; each pixel takes the nearest one's
    label.
    """
    return _resized(mask, size, Image.Resampling.NEAREST)


def _resized(plane: Pixels, size: ImageSize, how: Image.Resampling) -> Pixels:
    return np.array(Image.fromarray(plane).resize((size[1], size[0]), how), dtype=np.uint8)


def read_upright(source: Path | bytes) -> Upright:
    """Decode the picture in a file.

    Raises:
        InputError: as `read_image`.
    """
    if isinstance(source, Path) and source.exists() and not source.is_file():
        raise InputError("cannot be read as a file (a folder, a pipe or a device)")  # it may have no end
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what matters is checked below, or raised
            # by its name, Pillow would map a TIFF into memory with its turned sides
            with (
                io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file,
                Image.open(file, formats=_FORMATS) as image,
            ):
                _check_size(image)
                seek_picture(image)
                _check_size(image)
                said = image.getexif().get(ExifTags.Base.Orientation)
                orientation = said if isinstance(said, int) and 1 <= said <= 8 else 1
                image.load()
                return Upright(ImageOps.exif_transpose(image), orientation, str(image.format))
    except InputError:
        raise
    except Image.DecompressionBombError:
        raise InputError(
            f"has more than {MOST_PIXELS:,} pixels, as decompression bombs do: make it smaller"
        ) from None
    except FileNotFoundError:
        raise InputError("is not there") from None
    except PermissionError:
        raise InputError("cannot be read: permission denied") from None
    except Exception as error:  # Pillow's parsers raise many kinds for a damaged file
        unknown = isinstance(error, UnidentifiedImageError)
        reason = "its format is unknown" if unknown else str(error) or type(error).__name__
        raise InputError(f"cannot be read as an image: {reason}") from None


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise InputError(
            f"has {height}x{width} pixels, more than {MOST_PIXELS:,}, as decompression bombs do: make it "
            "smaller"
        )
    if min(width, height) < 2:
        raise InputError(f"has {height}x{width} pixels: an image has at least 2x2")
