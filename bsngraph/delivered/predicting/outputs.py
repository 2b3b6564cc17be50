"""What the files of a prediction are called, and which files they must not replace."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from bsngraph.data import Dataset
from bsngraph.data.request import parse_name
from bsngraph.errors import InputError

_LONGEST_NAME = 255  # in bytes, on the file systems of all common machines


def picture_files(folder: Path, name: str) -> tuple[Path, Path]:
    """The class map and the overlay of an example: its whole name, so that no two
    examples share a file, and what the file is.
    """
    return folder / f"{name}-classes.png", folder / f"{name}-overlay.png"


def check_free(files: Iterable[Path], *, overwrite: bool) -> None:
    """Make sure that files can be written without replacing any, unless `overwrite`.

    Raises:
        InputError: one is there, or cannot have this name.
    """
    for file in files:
        if len(os.fsencode(file.name)) > _LONGEST_NAME:
            raise InputError(f"{file}: cannot be written (File name too long): rename the image")
        if not overwrite and os.path.lexists(file):
            raise InputError(f"{file} is there already: give another --out, or replace it by --overwrite")


def keep_apart(folder: Path, table: Path, images: str | Path | None, data: str | Dataset | None) -> None:
    """Make sure that nothing is written over images or data that are read: pictures not
    among them, the `table` not on them.

    Raises:
        InputError: it would be.
    """
    source = Path(images).expanduser() if images is not None else _path_of(data)
    if source is None:
        return
    if source.resolve() == table.resolve():
        raise InputError(f"{table} holds the data that are predicted: give another --out")
    if source.is_dir() and folder.resolve().is_relative_to(source.resolve()):
        raise InputError(f"{folder} holds what is predicted, and could be written over: give another --out")


def _path_of(data: str | Dataset | None) -> Path | None:
    """The file or folder in the name of a data set, `csv:FILE,label=y`."""
    name = data.name if isinstance(data, Dataset) else data
    _, argument, _ = parse_name(name or "")
    return Path(os.path.expanduser(argument)) if argument else None
