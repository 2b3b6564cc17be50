"""A .npz archive → its arrays, within bounds and without pickle.

Nothing is allocated before its size is known: an archive of a few megabytes can unpack
to gigabytes, and a header can declare any shape.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import IO

import numpy as np

from bsngraph.errors import InputError, nearest
from bsngraph.tasks.label_forms import Array
from bsngraph.whole_files import check_regular

_SUFFIX = ".npy"


def read_npz(path: Path, known: Collection[str], most: int) -> dict[str, Array]:
    """The arrays of an archive by name; `known` are the names that it may hold, `most`
    the bytes that they may take.

    Raises:
        InputError: it cannot be read, holds another name, or takes more.
    """
    if not path.exists():
        raise InputError(
            f"there is no file {path}: npz:FILE is written by numpy.savez(FILE, x_train=…, y_train=…, "
            "x_test=…, y_test=…)"
        )
    check_regular(path)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            size = sum(entry.file_size for entry in entries)
            if size > most:
                raise InputError(
                    f"{path}: its arrays take {size:,} bytes, more than {most:,}: if that is right, say "
                    f"memory={-(-size // 10**9)}GB in the name of the data"
                )
            _check_names(path, [entry.filename.removesuffix(_SUFFIX) for entry in entries], known)
            return {
                entry.filename.removesuffix(_SUFFIX): _array(archive.open(entry), entry.file_size)
                for entry in entries
            }
    except InputError:
        raise
    except Exception as error:  # zipfile, zlib and numpy raise many kinds for a damaged file
        reason = (
            "an array of Python objects: those are pickled, and reading a pickle can run code"
            if "allow_pickle" in str(error)
            else error
        )
        raise InputError(f"{path}: cannot be read ({reason})") from None


def _check_names(path: Path, names: list[str], known: Collection[str]) -> None:
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise InputError(f"{path}: holds {unknown[0]!r}, which is unknown: {nearest(unknown[0], known)}")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{path}: holds {twice!r} twice")


def _array(file: IO[bytes], size: int) -> Array:
    """An array from a file of so many bytes, header included."""
    with file:
        version = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, fortran_order, dtype = read(file)
        declared, there = math.prod(shape) * dtype.itemsize, size - file.tell()
        if dtype.hasobject:
            raise ValueError("allow_pickle")
        if declared != there or not dtype.itemsize:
            raise ValueError(f"its header declares {declared:,} bytes of values, but it holds {there:,}")
        values: Array = np.frombuffer(file.read(there), dtype=dtype)
        return values.reshape(shape, order="F" if fortran_order else "C")
