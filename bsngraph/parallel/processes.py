"""Tasks in processes of this machine: a pool of Python's own, which takes no more tasks
than it has processes.
"""

from __future__ import annotations

import os
import uuid
from collections import deque
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack, suppress
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from bsngraph.parallel.child import Assignment, answer, begin
from bsngraph.parallel.inline import InlineWorkers
from bsngraph.parallel.packing import from_bytes, to_bytes
from bsngraph.parallel.starting.servers import server_for
from bsngraph.parallel.starting.spawning import FreshContext
from bsngraph.parallel.workers import TaskEnd, WorkerLostError

if TYPE_CHECKING:
    from bsngraph.parallel.starting.copying import CopyingContext

# How long to wait for a task before looking whether all processes live.
_LOOK_AGAIN_S = 1.0

_LOST = (
    "a worker process died with its task, as when the system kills it for lack of memory: try fewer --workers"
)


class ProcessWorkers:
    """Up to `count` processes, each started when there is a task for it.

    Where one dies, all tasks under way are lost, and those that wait go to new
    processes. `here` runs tasks in this process until others are ready.

    Raises:
        CannotBeSentError: no other process can take the assignment over.
    """

    def __init__(self, assignment: Assignment, count: int, here: InlineWorkers | None = None) -> None:
        self.count = count
        self._key, self._folder = uuid.uuid4().hex, Path(mkdtemp(prefix="bsngraph-"))
        with ExitStack() as ends:
            ends.callback(rmtree, self._folder, ignore_errors=True)
            self._packed = to_bytes(assignment, self._folder)
            modules = [assignment.function.__module__, *assignment.preloaded]
            self._server = server_for(modules, self._folder, ends)
            self._ends = ends.pop_all()
        self._here = here
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._running: dict[Future[bytes], int] = {}
        self._context, self._pool = self._open()

    def start(self, number: int, task: Any) -> None:
        """Take a task."""
        self._waiting.append((number, to_bytes(task)))
        self._fill()

    def ended(self) -> Iterator[TaskEnd[Any]]:
        """The ends of the tasks, as they come."""
        while self._running or self._waiting:
            yield from self._ended_here() if self._here and not self._running else self._ended_there()

    def close(self) -> None:
        """End the processes, whatever they do."""
        for process in self._context.started:
            if process.pid is not None:  # it is None if Ctrl-C came before its start
                process.kill()
        self._pool.shutdown(cancel_futures=True)
        self._ends.close()

    def _ended_here(self) -> Iterator[TaskEnd[Any]]:
        """The end of the first task that waits, which runs in this process."""
        assert self._here is not None
        number, packed = self._waiting.popleft()
        self._here.start(number, from_bytes(packed))
        yield from self._here.ended()
        self._fill()

    def _ended_there(self) -> Iterator[TaskEnd[Any]]:
        """The ends of the tasks that end next, or none within a second."""
        done = wait(self._running, _LOOK_AGAIN_S, FIRST_COMPLETED).done
        if not done:
            self._have_the_dead_noticed()
        for future in [each for each in self._running if each in done]:
            number = self._running.pop(future)
            if future.exception() is None:
                self._fill()
                went_well, value = from_bytes(future.result())
                yield TaskEnd(number, None, (value,)) if went_well else TaskEnd(number, value)
            else:
                yield TaskEnd(number, WorkerLostError(_LOST))
        if not self._running and self._waiting:
            self._pool.shutdown()
            self._context, self._pool = self._open()
            self._fill()

    def _have_the_dead_noticed(self) -> None:
        """Wake the pool if a process died: it watches only those that were there when
        it last woke.
        """
        if any(process.exitcode is not None for process in self._context.started):
            with suppress(BrokenExecutor):
                self._pool.submit(os.getpid)

    def _open(self) -> tuple[FreshContext | CopyingContext, ProcessPoolExecutor]:
        context = FreshContext() if self._server is None else self._server.context()
        given = self._key, self._packed, os.getcwd(), str(self._folder), dict(os.environ)
        return context, ProcessPoolExecutor(self.count, context, begin, given)

    def _fill(self) -> None:
        if self._here is not None and self._server is not None:
            if not self._server.ready:
                return
            self._here = None
        while self._waiting and len(self._running) < self.count:
            number, packed = self._waiting[0]
            try:
                self._running[self._pool.submit(answer, self._key, packed)] = number
            except BrokenExecutor:  # `ended` opens another pool
                return
            self._waiting.popleft()
