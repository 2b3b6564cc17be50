"""Processes that start afresh and do not run the caller's script again.

Python's own way imports the script into each new process, which would begin the search
again in every one where the script has no `if __name__ == "__main__"`.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.context import SpawnContext, SpawnProcess
from types import ModuleType
from typing import Any


class FreshProcess(SpawnProcess):
    """A process without the caller's script, and deaf to Ctrl-C from its first moment
    on.
    """

    def start(self) -> None:
        if sys.platform != "win32":
            resource_tracker.ensure_running()  # starting it would let Ctrl-C through again
        with script_left_out(), interrupts_held_back():
            super().start()


class FreshContext(SpawnContext):
    """How a pool makes its processes; `started` are those it made."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[FreshProcess] = []

    def Process(self, *given: Any, **named: Any) -> FreshProcess:  # type: ignore[override]  # noqa: N802
        self.started.append(FreshProcess(*given, **named))
        return self.started[-1]


@contextmanager
def script_left_out() -> Iterator[None]:
    """A process started in the block does not import the caller's script."""
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Ctrl-C waits until the block ends; a process started in it never gets one."""
    if sys.platform == "win32":  # the worker ignores it as soon as it runs
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
