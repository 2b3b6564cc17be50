"""What a checkpoint's file may hold, looked at before torch loads it.

A checkpoint is a zip archive of one pickle and of plain tensors. torch executes nothing
of it with weights_only=True, but a small pickle may still ask for memory of any size,
and a small part may unpack to any size. So nothing may be compressed, and the pickle
names what our own checkpoints name and nothing else.
"""

from __future__ import annotations

import pickletools
import re
import zipfile
from pathlib import Path

from bsngraph.errors import InputError
from bsngraph.typed_files import CURE

MOST_CHECKPOINT_BYTES = 8 * 2**30
_MOST_PICKLE_BYTES, _MOST_OPCODES = 64 * 2**20, 2_000_000
_NAMED = re.compile(r"collections OrderedDict|torch\._utils _rebuild_tensor_v2|torch [A-Za-z0-9]+Storage")
# Opcodes that name what is to be made: by their argument, or by what lies on the stack.
_BY_ARGUMENT, _BY_STACK = ("GLOBAL", "INST"), ("STACK_GLOBAL", "EXT1", "EXT2", "EXT4")


def check_archive(path: Path) -> None:
    """Check a checkpoint's parts, their checksums, which torch does not look at, and
    what its pickle names.

    Raises:
        InputError: it is larger than a checkpoint may be, or may unpack to more than it
            is, or names what no checkpoint of ours does.
        zipfile.BadZipFile, OSError, ValueError: it is damaged.
    """
    size = path.stat().st_size
    if size > MOST_CHECKPOINT_BYTES:
        raise _unreadable(path, f"it is larger than {MOST_CHECKPOINT_BYTES // 2**30} GiB, which no run's is")
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
        if any(part.compress_type != zipfile.ZIP_STORED for part in parts):
            raise _unreadable(path, "it has compressed parts, which no run's has")
        if sum(part.file_size for part in parts) > size:
            raise _unreadable(path, "its parts unpack to more bytes than it has")
        if archive.testzip():
            raise zipfile.BadZipFile
        pickles = [part for part in parts if part.filename.endswith(".pkl")]
        if sum(part.file_size for part in pickles) > _MOST_PICKLE_BYTES:
            most = _MOST_PICKLE_BYTES // 2**20
            raise _unreadable(path, f"it has more than {most} MiB beside its tensors")
        for part in pickles:
            _check_names(archive.read(part), path)


def _check_names(pickle: bytes, path: Path) -> None:
    for number, (opcode, argument, _) in enumerate(pickletools.genops(pickle)):
        if number == _MOST_OPCODES:
            raise _unreadable(path, f"it makes more than {_MOST_OPCODES:,} values")
        unknown = opcode.name in _BY_ARGUMENT and not _NAMED.fullmatch(str(argument))
        if unknown or opcode.name in _BY_STACK:
            named = str(argument).replace(" ", ".") if unknown else "something that is worked out"
            raise _unreadable(path, f"it names {named[:80]!r}, which no run's does")


def _unreadable(path: Path, why: str) -> InputError:
    return InputError(f"{path}: cannot be read as a checkpoint ({why}): {CURE}")
