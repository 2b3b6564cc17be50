"""Whether another process would get the same operations of the user's from where this
one has them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from bsngraph.ops.table import OPERATIONS, REGISTERED_SINCE
from bsngraph.ops.user_code.operations_file import load_operations
from bsngraph.parallel import CannotBeSentError


def sendable_code(names: Iterable[str]) -> tuple[str, ...]:
    """Where the user's operations of these names come from, for `load_operations` in
    another process.

    Raises:
        CannotBeSentError: that process would not get them: they are defined in the
            script itself, or their file has changed since this process began.
    """
    origins = sorted({OPERATIONS[name].origin for name in names} - {""})
    for origin in origins:
        if origin in ("__main__", "python"):
            raise CannotBeSentError(
                "its operations are defined in the script itself: put them into a module and import it"
            )
        module = sys.modules.get(origin)
        file = Path(origin if module is None else getattr(module, "__file__", None) or origin)
        if file.exists() and os.stat(file).st_mtime > REGISTERED_SINCE:
            raise CannotBeSentError(f"{file} has changed since its operations were loaded")
    return tuple(origins)


def load_missing(codes: Iterable[str]) -> None:
    """Load the user's operations in a process that has none of them yet.

    Raises:
        InputError: they cannot be loaded here.
    """
    known = {entry.origin for entry in OPERATIONS.values()}
    for code in codes:
        if code not in known:
            load_operations(code)
