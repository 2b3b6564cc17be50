"""What a folder of images holds: its sub-folders, its image files, and everything in it
that is neither.
"""

from __future__ import annotations

import os
from pathlib import Path

from bsngraph.data.reading.images.image_file import SUFFIXES
from bsngraph.errors import InputError

FORMS = (
    "folder:DIR takes DIR/CLASS/*.png, DIR/train|val|test/CLASS/*.png, or DIR/images/*.png with "
    "DIR/masks/*.png"
)

_RAW = {".dng", ".raw", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2"}
_OTHER_PICTURES = {*_RAW, ".heic", ".heif", ".avif", ".jxl", ".jp2", ".svg", ".psd", ".tga", ".exr", ".dcm"}


def sub_folders(root: Path) -> list[str]:
    """The sub-folders, hidden ones left out."""
    return [entry.name for entry in _listed(root) if entry.is_dir()]


def image_names(folder: Path, problems: list[str], aside: list[str]) -> list[str]:
    """The image files of a folder, hidden ones left out.

    Pictures that cannot be read are `problems`, one by one also those of a folder in
    it. Other things, such as notes, go to `aside`.
    """
    found = []
    for entry in _listed(folder):
        path = folder / entry.name
        if entry.is_dir():
            inner = [name for _, _, names in os.walk(path) for name in names if _is_picture(name)]
            problems += [f"{shown(path)}: is a folder among images, with {name} in it" for name in inner]
            aside += [] if inner else [f"{shown(path)}: is a folder among images"]
        elif not entry.is_file():
            problems.append(f"{shown(path)}: cannot be read as a file (a broken link, a pipe)")
        elif not is_utf8(path, problems):
            continue
        elif path.suffix.lower() not in SUFFIXES:
            told = problems if _is_picture(entry.name) else aside
            told.append(f"{shown(path)}: is not an image file: known are {', '.join(sorted(SUFFIXES))}")
        else:
            found.append(entry.name)
    return found


def _is_picture(name: str) -> bool:
    """Whether a file may be meant as an example: also a picture of a format that is not
    read, or a file without a suffix.
    """
    suffix = os.path.splitext(name)[1].lower()
    return not name.startswith(".") and (not suffix or suffix in SUFFIXES | _OTHER_PICTURES)


def _listed(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(
                (entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name
            )
    except FileNotFoundError:
        raise InputError(f"there is no folder {shown(folder)}. {FORMS}") from None
    except OSError as error:
        raise InputError(f"{shown(folder)}: cannot be read as a folder ({error.strerror})") from None


def is_utf8(path: Path, problems: list[str]) -> bool:
    """Whether a file's name is text; if not, that is a problem."""
    try:
        path.name.encode("utf-8")
    except UnicodeEncodeError:
        problems.append(f"{shown(path)}: its name is not UTF-8: rename it")
        return False
    return True


def shown(path: Path) -> str:
    """A path as text that can be printed: bytes that are no UTF-8 as \\xNN."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
