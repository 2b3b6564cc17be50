"""`--data-code FILE.py:function`: data from code of the user's own, named on the
command line each time and never in a file.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from bsngraph.data.dataset import Dataset
from bsngraph.data.request import Notify, Request, silent
from bsngraph.data.sources.npz_arrays import dataset_from_arrays
from bsngraph.errors import InputError, nearest
from bsngraph.ops.user_code.running_code import failure, run_file

KIND = "code"


def load_data_code(code: str, *, split_seed: int = 0, notify: Notify = silent) -> Dataset:
    """Run a Python file and call a function of it without arguments:
    `FILE.py:function`.

    The function returns a `Dataset`, or a dictionary of arrays as `npz:FILE` holds
    them. The data set is called `code:FILE.py:function`: a record of a run, which
    nothing runs again by itself.

    Raises:
        InputError: the file is not there or fails, there is no such function, or what
            it returns is no data.
    """
    name, colon, function = code.rpartition(":")
    if not colon or not name.endswith(".py") or not function.isidentifier():
        raise InputError(f"--data-code {code} does not read FILE.py:function")
    path = Path(name)
    module = run_file(path, "data", "data come from --data-code FILE.py:function")
    found = getattr(module, function, None)
    if not callable(found):
        functions = [
            key
            for key, value in vars(module).items()
            if isinstance(value, types.FunctionType) and not key.startswith("_")
        ]
        raise InputError(f"{path} has no function {function!r}: {nearest(function, functions)}")
    try:
        data = found()
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        raise InputError(failure(error, name)) from error
    request = Request(text=f"{KIND}:{code}", kind=KIND, split_seed=split_seed, notify=notify)
    if isinstance(data, Dataset):
        return replace(data, name=request.text)
    if isinstance(data, Mapping):
        return dataset_from_arrays(request, {str(key): np.asarray(value) for key, value in data.items()})
    raise InputError(
        f"{code} returned {type(data).__name__}: it must return a Dataset, or a dictionary of arrays "
        "(x_train, y_train, …)"
    )
