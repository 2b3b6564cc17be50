"""Which of a file's frames is its picture.

A JPEG may hold previews or further views behind its picture (CIPA DC-007), a TIFF
smaller copies of it. An animation, or a document of several pages, is not one image.
"""

from __future__ import annotations

from PIL import Image, TiffImagePlugin

from bsngraph.errors import InputError

_MOST_PAGES = 64
_REDUCED, _MASK = 1, 4  # bits of a TIFF's NewSubfileType: a smaller copy, a transparency mask
_NEW_SUBFILE_TYPE = 254


def seek_picture(image: Image.Image) -> None:
    """Go to the frame of an opened file that is its picture.

    Raises:
        InputError: it has several.
    """
    frames = getattr(image, "n_frames", 1)
    if frames == 1 or image.format == "MPO":  # the first frame is what every program shows
        return
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        pages = _whole_pages(image, min(frames, _MOST_PAGES))
        if frames <= _MOST_PAGES and len(pages) == 1:
            image.seek(pages[0])
            return
    kind = "a TIFF of several pages" if image.format == "TIFF" else f"an animated {image.format}"
    raise InputError(
        f"holds {frames} frames: an example is one image, and this is {kind}: save the frame that is meant"
    )


def _whole_pages(image: TiffImagePlugin.TiffImageFile, frames: int) -> list[int]:
    """The pages that are neither a smaller copy of another one nor its mask."""
    pages = []
    for page in range(frames):
        image.seek(page)
        if not image.tag_v2.get(_NEW_SUBFILE_TYPE, 0) & (_REDUCED | _MASK):
            pages.append(page)
    return pages
