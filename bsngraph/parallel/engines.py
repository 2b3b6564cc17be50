"""Where tasks run: three frozen nouns, and what this process may use."""

from __future__ import annotations

import multiprocessing
import os
import sys
from dataclasses import dataclass

from bsngraph.errors import InputError

# Windows waits for no more processes than that at once.
_MOST_PROCESSES = 61 if sys.platform == "win32" else 4096


@dataclass(frozen=True)
class Inline:
    """One task after the other, in this process."""


@dataclass(frozen=True)
class Processes:
    """Up to `count` processes on this machine, with one CPU thread each.

    Raises:
        InputError: there is no such number of processes.
    """

    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.count <= _MOST_PROCESSES:
            raise InputError(f"workers={self.count} must be between 1 and {_MOST_PROCESSES}")


@dataclass(frozen=True)
class RayCluster:
    """A Ray cluster, one CPU for each task.

    `address` is that of `ray.init`, None for one on this machine that ends with the
    tasks. A task whose node is lost begins again, up to `retries` times.
    """

    address: str | None = None
    retries: int = 3


TaskEngine = Inline | Processes | RayCluster

_IN_WORKER = "BSNGRAPH_WORKER"


def inside_worker() -> bool:
    """Whether this process was started to share somebody's work, ours or another
    program's: then tasks run inline here.
    """
    return multiprocessing.parent_process() is not None or _IN_WORKER in os.environ


def mark_worker() -> None:
    """Let `inside_worker` be true in this process, and in those that it starts."""
    os.environ[_IN_WORKER] = "1"


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
