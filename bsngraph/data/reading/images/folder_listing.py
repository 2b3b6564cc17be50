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


def sub_folders(root: Path) -> list[str]:
    """The sub-folders, hidden ones left out."""
    return [entry.name for entry in _listed(root) if entry.is_dir()]


def image_names(folder: Path, problems: list[str], aside: list[str]) -> list[str]:
    """The image files of a folder. Hidden files are left alone, those that cannot be
    read are `problems`, and what no image file is goes to `aside`.
    """
    found = []
    for entry in _listed(folder):
        path = folder / entry.name
        if entry.is_dir():
            aside.append(f"{shown(path)}: is a folder among images")
        elif not entry.is_file():
            problems.append(f"{shown(path)}: cannot be read as a file (a broken link, a pipe)")
        elif not is_utf8(path, problems):
            continue
        elif path.suffix.lower() not in SUFFIXES:
            aside.append(f"{shown(path)}: is not an image file: known are {', '.join(sorted(SUFFIXES))}")
        else:
            found.append(entry.name)
    return found


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
