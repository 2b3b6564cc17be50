"""Rest for Python's garbage collector while much is made that stays."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collector() -> Iterator[None]:
    """Let the garbage collector rest, as long as the block lasts.

    A large fabric becomes millions of small objects, all of them needed. Looking for
    garbage among them again and again makes the time grow faster than the fabric.
    """
    active = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if active:
            gc.enable()
