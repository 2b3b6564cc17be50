"""Tasks over an engine: the door of the room."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from bsngraph.parallel.child import Assignment
from bsngraph.parallel.engines import Inline, Processes, RayCluster, TaskEngine, inside_worker
from bsngraph.parallel.inline import InlineWorkers
from bsngraph.parallel.processes import ProcessWorkers
from bsngraph.parallel.ray_cluster import RayWorkers
from bsngraph.parallel.starting.servers import end_servers_ahead
from bsngraph.parallel.workers import TaskEnd, Workers

_Shared = TypeVar("_Shared")
_Task = TypeVar("_Task")
_Answer = TypeVar("_Answer")


def run_tasks(
    function: Callable[[_Shared, _Task], _Answer],
    tasks: Iterable[_Task],
    engine: TaskEngine,
    *,
    shared: _Shared,
    setup: Callable[[_Shared], None] | None = None,
    preloaded: tuple[str, ...] = (),
) -> Iterator[TaskEnd[_Answer]]:
    """Run `function(shared, task)` for each task, and give the ends as they come, each
    with its task's number.

    Raises:
        BsngraphError: as `open_workers` says; what a task raises is in its end.
    """
    with open_workers(function, engine, shared=shared, setup=setup, preloaded=preloaded) as workers:
        for number, task in enumerate(tasks):
            workers.start(number, task)
        yield from workers.ended()


@contextmanager
def open_workers(
    function: Callable[[_Shared, _Task], _Answer],
    engine: TaskEngine,
    *,
    shared: _Shared,
    setup: Callable[[_Shared], None] | None = None,
    preloaded: tuple[str, ...] = (),
    begin_here: bool = False,
) -> Iterator[Workers[_Task, _Answer]]:
    """Workers that wait for tasks, each of which is `function(shared, task)`.

    `function` and `setup` stand at the top of a module; `shared` and tasks are plain
    data, which can be pickled. `shared` is sent to a worker once, and `setup(shared)`
    runs there before the first task. Where processes can be copied they are copies of
    one that has imported the module of `function` and those `preloaded`. It takes some
    seconds to do so, in which this process runs tasks itself if these are short
    (`begin_here`). A server that was started ahead has done so already; it ends where
    workers are none of its copies. Inside a worker all is inline. However the block is
    left, no process stays behind.

    Raises:
        CannotBeSentError: no other process can take `shared` or a task over.
        InputError: Ray is asked for and not installed.
        RunFailedError: no Ray cluster can be reached.
    """
    assignment: Any = Assignment(function, shared, setup, preloaded)
    match engine:
        case Processes(count) if count > 1 and not inside_worker():
            workers: Any = ProcessWorkers(
                assignment, count, InlineWorkers(assignment) if begin_here else None
            )
        case RayCluster() if not inside_worker():
            end_servers_ahead()
            workers = RayWorkers(assignment, engine)
        case Inline() | Processes() | RayCluster():
            end_servers_ahead()
            yield InlineWorkers(assignment)
            return
    try:
        yield workers
    finally:
        workers.close()
