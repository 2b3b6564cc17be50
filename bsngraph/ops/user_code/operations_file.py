"""`--ops FILE.py` or `--ops MODULE`: the user's own operations.

They are named on the command line each time and never in a file.
"""

from __future__ import annotations

import importlib
import sys
from contextlib import redirect_stdout
from pathlib import Path

from bsngraph.errors import InputError
from bsngraph.ops.table import OPERATIONS, registering_from
from bsngraph.ops.user_code.running_code import failure, run_file

# a module is imported once in a process, so what it registered is remembered
_loaded: dict[str, tuple[str, ...]] = {}


def load_operations(code: str) -> tuple[str, ...]:
    """Load a Python file or an installed module; the names of its operations.

    What ends in `.py` or holds a slash is a file. Loading a file again runs it again,
    and its operations replace the old ones.

    Raises:
        InputError: it is not there, it fails, it registers nothing, or a name that is
            taken. Nothing stays registered then.
    """
    before = dict(OPERATIONS)
    is_file = code.endswith(".py") or "/" in code or "\\" in code
    with registering_from(code):
        if is_file:
            run_file(
                Path(code),
                "operations",
                "operations come from --ops FILE.py, or --ops MODULE for an installed module",
            )
        else:
            _import_module(code)
        names = tuple(name for name, entry in OPERATIONS.items() if before.get(name) is not entry)
        if not is_file:
            names = (
                names
                or _loaded.get(code)
                or tuple(name for name, entry in OPERATIONS.items() if _within(entry.origin, code))
            )
        if not names:
            raise InputError(
                f"{code} registers no operation: put @bsngraph.operation(NAME) before a function or an "
                "nn.Module class"
            )
    _loaded[code] = names
    return names


def _import_module(name: str) -> None:
    absent = f"there is no installed module {name!r}: install it, or name a file: --ops FILE.py"
    if Path(f"{name}.py").is_file():
        absent = f"there is no installed module {name!r}: did you mean --ops {name}.py?"
    if not all(part.isidentifier() for part in name.split(".")):
        raise InputError(absent)
    try:
        with redirect_stdout(sys.stderr):
            importlib.import_module(name)
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and error.name is not None and _within(name, error.name):
            raise InputError(absent) from None
        raise InputError(failure(error, name)) from error


def _within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")
