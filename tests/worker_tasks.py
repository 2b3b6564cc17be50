"""What workers run in tests: a module of its own, so that they import nothing else."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from bsngraph.errors import FabricError, InputError, Problem
from bsngraph.parallel import Processes, run_tasks


def add(shared: int, task: int) -> int:
    return shared + task


def where(shared: None, task: int) -> tuple[int, str | None, str]:
    return os.getpid(), os.environ.get("OMP_NUM_THREADS"), os.getcwd()


def server_of(shared: None, task: int) -> int:
    """The process that this one is a copy of."""
    return os.getppid()


def loaded_already(shared: None, task: str) -> tuple[str, bool, str | None]:
    return task, task in sys.modules, os.environ.get("BSNGRAPH_TEST")


def fail(shared: None, task: str) -> int:
    if task == "input":
        raise InputError("the value is wrong")
    if task == "fabric":
        raise FabricError("f.dot", [Problem("what", "where", "cure")])
    if task == "bug":
        raise KeyError(task)
    return 1


def die(shared: Path, task: int) -> int:
    """Task 0 kills its process when task 1 runs beside it."""
    (shared / str(task)).touch()
    if task == 0:
        wait_for(shared / "1")
        os.kill(os.getpid(), signal.SIGKILL)
    if task == 1:
        time.sleep(60)
    return task


def sleep(shared: Path, task: int) -> None:
    (shared / f"{task}.tmp").write_text(str(os.getpid()), encoding="utf-8")
    (shared / f"{task}.tmp").rename(shared / f"{task}.pid")
    time.sleep(60)


def nested(shared: None, task: int) -> list[bool]:
    """Whether the tasks of a task run in its own process."""
    ends = run_tasks(where, [1, 2], Processes(2), shared=None)
    return [end.answer[0] == os.getpid() for end in ends]


def total(shared: Any, task: int) -> tuple[float, bool]:
    """The sum of a tensor and an array, and whether they are read from files."""
    maps = Path("/proc/self/maps").read_text(encoding="utf-8")
    return float(shared["large"].double().sum() + shared["array"].sum()) + task, "/bsngraph-" in maps


def alone(shared: None, task: int) -> bool:
    return multiprocessing.parent_process() is None


def count_setup(shared: Path) -> None:
    with (shared / "setups").open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")


def refuse_setup(shared: Path) -> None:
    raise InputError("my_ops.py is not there")


def pid_when_all_run(shared: Path, task: int) -> int:
    """Which process it is; each task waits until `task` of them run."""
    (shared / f"{os.getpid()}.run").touch()
    deadline = time.monotonic() + 30
    while len(list(shared.glob("*.run"))) < task and time.monotonic() < deadline:
        time.sleep(0.01)
    return os.getpid()


def wait_for(file: Path, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not file.exists():
        assert time.monotonic() < deadline, f"{file} does not appear"
        time.sleep(0.01)
