"""Files read within bounds, and written whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from bsngraph.errors import InputError

_LONGEST = 40  # of a name inside another name: the longest name of all has 255 bytes


def check_regular(path: Path) -> None:
    """Make sure that reading a file ends: pipes and devices may wait or go on for ever.

    Raises:
        InputError: it cannot be looked at, or is no regular file.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if not stat.S_ISREG(mode):
        kind = os.strerror(errno.EISDIR) if stat.S_ISDIR(mode) else "it is a pipe or a device"
        raise InputError(f"{path}: cannot be read ({kind}): give a regular file")


def read_bounded(path: Path, most: int, too_large: str) -> bytes:
    """The bytes of a file, of which there may be `most`; `too_large` says why, and the
    cure.

    Raises:
        InputError: it cannot be read, is no regular file, or is larger.
    """
    check_regular(path)
    try:
        with path.open("rb") as file:
            large = os.fstat(file.fileno()).st_size > most
            content = b"" if large else file.read(most + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if large or len(content) > most:
        raise InputError(f"{path}: is larger than {most // 2**20} MiB, {too_large}")
    return content


def write_whole(path: Path, content: str | bytes) -> None:
    """Replace `path` in one step: whoever reads it, whenever the power fails, finds the
    old content or the new.

    Raises:
        InputError: the folder does not exist or cannot be written to, the disk is full,
            or something other than a file stands there.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    begin, end = _around(path.name)
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: cannot be written (it is no regular file): give another name")
        handle, name = tempfile.mkstemp(prefix=begin, suffix=end, dir=path.parent)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(name)
        if isinstance(error, OSError):
            raise InputError(f"{path}: cannot be written ({error.strerror})") from None
        raise


def unfinished(path: Path) -> list[Path]:
    """What a killed process left of writing `path`: files with names that are ours
    alone.

    Raises:
        OSError: the folder cannot be read.
    """
    begin, end = _around(path.name)
    return [
        path.parent / name
        for name in os.listdir(path.parent)
        if name.startswith(begin) and name.endswith(end)
    ]


def _around(name: str) -> tuple[str, str]:
    """How the name of an unfinished file begins and ends."""
    return ".bsngraph-", f"-{name[-_LONGEST:]}.tmp"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
