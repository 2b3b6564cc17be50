"""What the process that workers are copied from imports: the modules that the
environment names. Then it writes the file that says so, in a folder that it removes
when it ends.

It is imported for that alone, by the server of copying.py.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
from contextlib import suppress
from pathlib import Path
from shutil import rmtree

MODULES, READY = "BSNGRAPH_PRELOADED", "BSNGRAPH_READY_FILE"


def _remove(folder: Path, server: int) -> None:
    if os.getpid() == server:  # and not one of its copies
        rmtree(folder, ignore_errors=True)


if MODULES in os.environ:
    for name in os.environ.pop(MODULES).split(","):
        with suppress(Exception):  # a worker that needs it says what is wrong
            importlib.import_module(name)
    gc.freeze()  # a copy that looks for garbage leaves these pages shared
    _ready = Path(os.environ.pop(READY))
    atexit.register(_remove, _ready.parent, os.getpid())
    _ready.touch()
