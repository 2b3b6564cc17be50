"""What the process that workers are copied from imports: the modules that the
environment names. Then it writes the file that says so.

It is imported for that alone, by the server of copying.py.
"""

from __future__ import annotations

import importlib
import os
from contextlib import suppress
from pathlib import Path

MODULES, READY = "BSNGRAPH_PRELOADED", "BSNGRAPH_READY_FILE"

if MODULES in os.environ:
    for name in os.environ.pop(MODULES).split(","):
        with suppress(Exception):  # a worker that needs it says what is wrong
            importlib.import_module(name)
    Path(os.environ.pop(READY)).touch()
