"""Files read within bounds, and written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from bsngraph.errors import InputError


def read_bounded(path: Path, most: int, too_large: str) -> bytes:
    """The bytes of a file, of which there may be `most`; `too_large` says why, and the
    cure.

    Raises:
        InputError: it cannot be read, or is larger.
    """
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if len(content) > most:
        raise InputError(f"{path}: is larger than {most // 2**20} MiB, {too_large}")
    return content


def write_whole(path: Path, content: str | bytes) -> None:
    """Replace `path` in one step: whoever reads it, whenever the power fails, finds the
    old content or the new.

    Raises:
        InputError: the folder does not exist or cannot be written to.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
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
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise InputError(f"{path}: cannot be written ({error.strerror})") from None
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
