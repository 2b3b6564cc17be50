"""Running code of the user's own, and telling where it failed.

It is named on the command line each time and never in a file. What it prints goes to
stderr.
"""

from __future__ import annotations

import importlib
import sys
import traceback
import types
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from bsngraph.errors import InputError
from bsngraph.ops.user_code.refusal import words_of
from bsngraph.whole_files import check_regular

# frames between us and the user's code
_BETWEEN = ("<", str(Path(__file__).parents[2]), str(Path(importlib.__file__).parent))


def run_file(path: Path, kind: str, otherwise: str) -> types.ModuleType:
    """Run a Python file as a module.

    `kind` goes into the module's name. `otherwise` is the cure if it is not a Python
    file.

    Raises:
        InputError: it cannot be read, is no Python file, or fails.
    """
    check_regular(path)
    try:
        source = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if path.suffix != ".py":
        raise InputError(f"{path} is no Python file: {otherwise}")
    # No import: that would write __pycache__ beside the user's file, and trust a stale
    # one.
    module = types.ModuleType(f"bsngraph_{kind}_{path.stem}_{zlib.crc32(str(path.resolve()).encode()):08x}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    try:
        with redirect_stdout(sys.stderr):
            exec(compile(source, str(path), "exec"), module.__dict__)  # noqa: S102  (the user named this file on the command line)
    except (Exception, SystemExit) as error:
        raise InputError(failure(error, str(path))) from error
    return module


@contextmanager
def running_users_code() -> Iterator[None]:
    """Run code of the user's among our own.

    What it prints goes to stderr, so that stdout holds only what a command says. It
    cannot end the program.

    Raises:
        InputError: it calls `sys.exit`.
    """
    try:
        with redirect_stdout(sys.stderr):
            yield
    except SystemExit as error:
        raise InputError(
            f"an operation ends the program ({words_of(error)}): let it raise an error"
        ) from error


def failure(error: BaseException, origin: str) -> str:
    """`my_ops.py, line 3: ModuleNotFoundError: No module named 'torchvision'`."""
    if isinstance(error, SyntaxError):
        return f"{error.filename or origin}, line {error.lineno}: {type(error).__name__}: {error.msg}"
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(_BETWEEN)
    ]
    if not frames:
        return f"{origin}: {type(error).__name__}: {error}"
    first = Path(frames[0].filename)
    # the user's file or package, not what it calls
    own = str(first.parent if first.name == "__init__.py" else first)
    last = [frame for frame in frames if frame.filename.startswith(own)][-1]
    return f"{last.filename}, line {last.lineno}: {type(error).__name__}: {error}"
