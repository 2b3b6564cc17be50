"""`--ops FILE.py` or `--ops MODULE`: the user's own operations, named on the command line each time and never in a file."""

from __future__ import annotations

import importlib
import sys
import traceback
import types
import zlib
from pathlib import Path

from bsngraph.errors import InputError
from bsngraph.ops.table import OPERATIONS, registering_from

_IMPORTING = ("<", __file__, str(Path(importlib.__file__).parent))  # frames between us and the user's code
_loaded: dict[str, tuple[str, ...]] = {}  # a module is imported once in a process, so what it registered is remembered


def load_operations(code: str) -> tuple[str, ...]:
    """Run a Python file, or import an installed module, and give the names of the operations it registers.

    What ends in `.py` or holds a slash is a file. Loading a file again runs it again, and its operations replace the old ones.

    Raises:
        InputError: it is not there, it fails, it registers nothing, or a name that is taken. Nothing stays registered then.
    """
    before = dict(OPERATIONS)
    is_file = code.endswith(".py") or "/" in code or "\\" in code
    with registering_from(code):
        if is_file:
            _run_file(Path(code))
        else:
            _import_module(code)
        names = tuple(name for name, entry in OPERATIONS.items() if before.get(name) is not entry)
        if not is_file:
            names = names or _loaded.get(code) or tuple(name for name, entry in OPERATIONS.items() if _within(entry.origin, code))
        if not names:
            raise InputError(f"{code} registers no operation: put @bsngraph.operation(NAME) before a function or an nn.Module class")
    _loaded[code] = names
    return names


def _run_file(path: Path) -> None:
    try:
        source = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if path.suffix != ".py":
        raise InputError(f"{path} is no Python file: operations come from --ops FILE.py, or --ops MODULE for an installed module")
    # No import: that would write __pycache__ beside the user's file, and trust a stale one.
    module = types.ModuleType(f"bsngraph_operations_{path.stem}_{zlib.crc32(str(path.resolve()).encode()):08x}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    try:
        exec(compile(source, str(path), "exec"), module.__dict__)  # noqa: S102  (the user named this file on the command line)
    except (Exception, SystemExit) as error:
        raise InputError(_failure(error, str(path))) from error


def _import_module(name: str) -> None:
    absent = f"there is no installed module {name!r}: install it, or name a file: --ops FILE.py"
    if Path(f"{name}.py").is_file():
        absent = f"there is no installed module {name!r}: did you mean --ops {name}.py?"
    if not all(part.isidentifier() for part in name.split(".")):
        raise InputError(absent)
    try:
        importlib.import_module(name)
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and error.name is not None and _within(name, error.name):
            raise InputError(absent) from None
        raise InputError(_failure(error, name)) from error


def _failure(error: BaseException, origin: str) -> str:
    """`my_ops.py, line 3: ModuleNotFoundError: No module named 'torchvision'`."""
    if isinstance(error, SyntaxError):
        return f"{error.filename or origin}, line {error.lineno}: {type(error).__name__}: {error.msg}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(_IMPORTING)]
    if not frames:
        return f"{origin}: {type(error).__name__}: {error}"
    first = Path(frames[0].filename)
    own = str(first.parent if first.name == "__init__.py" else first)  # the user's file or package, not what it calls
    last = [frame for frame in frames if frame.filename.startswith(own)][-1]
    return f"{last.filename}, line {last.lineno}: {type(error).__name__}: {error}"


def _within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")
