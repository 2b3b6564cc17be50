"""One folder, one run: the lock that a run holds on its folder while it goes on.

The operating system holds the lock for the process and releases it when the process
ends, however it ends. The file `.bsngraph.lock` says who holds it; a file that a killed
process left behind locks nothing, and is removed at the end of the next run.

The lock cannot hold where the file system has none: some network file systems, and
shared folders of several machines without a lock service. A run there goes on without
it.
"""

from __future__ import annotations

import os
import socket
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bsngraph.errors import InputError
from bsngraph.wording import printable

LOCK_FILE = ".bsngraph.lock"
_LOOKS, _PAUSE_S = 3, 0.02

if sys.platform == "win32":
    import msvcrt

    _BEYOND = 2**20  # Windows keeps others from reading what is locked: lock no text

    def _try_to_lock(handle: int, *, shared: bool = False) -> None:
        """Raise a PermissionError where another process holds the lock."""
        os.lseek(handle, _BEYOND, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        os.lseek(handle, 0, os.SEEK_SET)

else:
    import fcntl

    def _try_to_lock(handle: int, *, shared: bool = False) -> None:
        """Raise a BlockingIOError where another process holds the lock."""
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


class FolderInUseError(InputError):
    """Another run goes on in the folder."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a run's folder.

    Raises:
        FolderInUseError: another run goes on in the folder.
        InputError: nothing can be written there.
    """
    file = folder / LOCK_FILE
    handle = _locked_file(folder, file)
    try:
        yield
    finally:
        if sys.platform == "win32":  # which removes no open file
            os.close(handle)
            with suppress(OSError):
                file.unlink()
        else:
            with suppress(OSError):
                file.unlink()
            os.close(handle)


def run_goes_on(folder: Path) -> bool:
    """Whether a run holds the lock of a folder. Nothing is written there.

    Where the file system has no locks, a file that says who holds it is believed.
    """
    quiet = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        handle = os.open(folder / LOCK_FILE, os.O_RDONLY | quiet)
    except OSError:
        return False
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return False
        _try_to_lock(handle, shared=True)
        return False
    except OSError:
        return True
    finally:
        os.close(handle)


def _locked_file(folder: Path, file: Path) -> int:
    """The handle of the lock file, locked, with who holds it in it."""
    looks = 0
    while True:
        try:
            handle = os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        except OSError as error:
            raise InputError(
                f"{folder}: cannot be written to ({error.strerror}): give another --out"
            ) from None
        try:
            _try_to_lock(handle)
        except (BlockingIOError, PermissionError):
            holder = _holder(handle)
            os.close(handle)
            looks += 1
            if looks < _LOOKS:  # `run_goes_on` takes the lock for a moment
                time.sleep(_PAUSE_S)
                continue
            raise FolderInUseError(
                f"{folder}: another run goes on in this folder ({holder}): wait for its end or stop it, or "
                "give another --out"
            ) from None
        except OSError:
            pass  # this file system has no locks
        if _same_file(handle, file):
            break
        os.close(handle)  # the run that held it ended just now, and removed it
    try:
        os.truncate(handle, 0)
        os.write(handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
    except OSError as error:
        os.close(handle)
        raise InputError(f"{folder}: cannot be written to ({error.strerror}): give another --out") from None
    return handle


def _same_file(handle: int, file: Path) -> bool:
    """Whether the locked file still stands under its name."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(file))
    except FileNotFoundError:
        return False


def _holder(handle: int) -> str:
    """Who holds the lock, as its file says."""
    try:
        said = os.read(handle, 200).decode("utf-8", "replace").strip()
    except OSError:
        said = ""
    return printable(said) or "of an unknown process"
