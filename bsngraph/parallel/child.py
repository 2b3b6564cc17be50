"""What a worker does in its own process: it gets ready once, then answers tasks."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bsngraph.errors import BsngraphError
from bsngraph.parallel.engines import mark_worker
from bsngraph.parallel.packing import from_bytes, to_bytes
from bsngraph.parallel.workers import WorkerBugError, WorkerNotReadyError


@dataclass(frozen=True, eq=False)
class Assignment:
    """What a worker does with each task: `function(shared, task)`; `setup(shared)` goes
    before the first. `preloaded` are modules that it takes beside that of `function`.
    """

    function: Callable[[Any, Any], Any]
    shared: Any
    setup: Callable[[Any], None] | None
    preloaded: tuple[str, ...] = ()


# The assignment that this process is ready for, by its key.
_READY: dict[str, Assignment] = {}
_SENT: dict[str, bytes] = {}


def begin(key: str, packed: bytes, folder: str, shared_files: str, environment: dict[str, str]) -> None:
    """Make a process of this machine a worker in `folder`, with one CPU thread and the
    environment of its parent.

    It ends with its parent, whose `shared_files` (a folder) it then removes. Ctrl-C is
    for the parent alone.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent, shared_files), daemon=True).start()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    use_one_thread()
    _SENT[key] = packed


def use_one_thread() -> None:
    """Give numpy and torch one thread in this process, and mark it as a worker."""
    mark_worker()
    os.environ["OMP_NUM_THREADS"] = "1"  # read when torch is imported
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def answer(key: str, packed_task: bytes, packed: bytes | None = None) -> bytes:
    """A task's answer or its error, as bytes. `packed` is the assignment, where `begin`
    did not bring it.
    """
    try:
        assignment = _ready(key, packed)
    except BsngraphError as error:
        return to_bytes((False, WorkerNotReadyError(str(error))))
    except Exception as error:
        return to_bytes((False, WorkerNotReadyError(f"{type(error).__name__}: {error}")))
    try:
        return to_bytes((True, assignment.function(assignment.shared, from_bytes(packed_task))))
    except BsngraphError as error:
        return to_bytes((False, error))
    except Exception:
        return to_bytes((False, WorkerBugError(traceback.format_exc())))


def _ready(key: str, packed: bytes | None) -> Assignment:
    if key not in _READY:
        assignment: Assignment = from_bytes(_SENT[key] if packed is None else packed)
        if assignment.setup is not None:
            assignment.setup(assignment.shared)
        _SENT.clear()
        _READY.clear()
        _READY[key] = assignment
    return _READY[key]


def _end_with(parent: Any, shared_files: str) -> None:
    parent.join()
    shutil.rmtree(shared_files, ignore_errors=True)
    os._exit(1)
