"""`--data-code FILE.py:function`: data from code of the user's own, named on the command line each time and never in a file."""

from __future__ import annotations

import sys
import traceback
import types
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from bsngraph.data.arrays import dataset_from_arrays
from bsngraph.data.dataset import Dataset
from bsngraph.data.names import Notify, Request, silent
from bsngraph.errors import InputError, nearest

KIND = "code"


def load_data_code(code: str, *, split_seed: int = 0, notify: Notify = silent) -> Dataset:
    """Run a Python file and call a function of it without arguments: `FILE.py:function`.

    The function returns a `Dataset`, or a dictionary of arrays as `npz:FILE` holds them. The data set is called `code:FILE.py:function`:
    a record of a run, which nothing runs again by itself.

    Raises:
        InputError: the file is not there or fails, there is no such function, or what it returns is no data.
    """
    name, colon, function = code.rpartition(":")
    if not colon or not name.endswith(".py") or not function.isidentifier():
        raise InputError(f"--data-code {code} does not read FILE.py:function")
    path = Path(name)
    module = _run(path)
    found = getattr(module, function, None)
    if not callable(found):
        functions = [key for key, value in vars(module).items() if isinstance(value, types.FunctionType) and not key.startswith("_")]
        raise InputError(f"{path} has no function {function!r}: {nearest(function, functions)}")
    try:
        data = found()
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        raise InputError(_failure(error, path)) from error
    request = Request(text=f"{KIND}:{code}", kind=KIND, split_seed=split_seed, notify=notify)
    if isinstance(data, Dataset):
        return replace(data, name=request.text)
    if isinstance(data, Mapping):
        return dataset_from_arrays(request, {str(key): np.asarray(value) for key, value in data.items()})
    raise InputError(f"{code} returned {type(data).__name__}: it must return a Dataset, or a dictionary of arrays (x_train, y_train, …)")


def _run(path: Path) -> types.ModuleType:
    try:
        source = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    # No import: that would write __pycache__ beside the user's file, and trust a stale one.
    module = types.ModuleType(f"bsngraph_data_{path.stem}_{zlib.crc32(str(path.resolve()).encode()):08x}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    try:
        exec(compile(source, str(path), "exec"), module.__dict__)  # noqa: S102  (the user named this file on the command line)
    except (Exception, SystemExit) as error:
        raise InputError(_failure(error, path)) from error
    return module


def _failure(error: BaseException, path: Path) -> str:
    """`my_data.py, line 3: ModuleNotFoundError: No module named 'torchvision'`."""
    if isinstance(error, SyntaxError):
        return f"{error.filename or path}, line {error.lineno}: {type(error).__name__}: {error.msg}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f"{path}{f', line {lines[-1]}' if lines else ''}: {type(error).__name__}: {error}"
