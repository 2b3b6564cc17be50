"""Tasks on Ray: on many machines, or on this one.

Ray schedules, and begins a task again whose node was lost. An error of the task itself
is an answer like any other.
"""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator
from typing import Any

from bsngraph.errors import InputError, RunFailedError
from bsngraph.parallel.child import Assignment, answer, use_one_thread
from bsngraph.parallel.engines import RayCluster
from bsngraph.parallel.packing import from_bytes, to_bytes
from bsngraph.parallel.workers import TaskEnd, WorkerLostError

_ANSWERS_WITHIN_S = 10.0


class RayWorkers:
    """The workers of a cluster; `count` is how many CPUs it has now.

    Raises:
        CannotBeSentError: no other process can take the assignment over.
        InputError: Ray is not installed.
        RunFailedError: there is no cluster at the address.
    """

    def __init__(self, assignment: Assignment, cluster: RayCluster) -> None:
        packed = to_bytes(assignment)
        self._ray = _ray()
        self._own = not self._ray.is_initialized()
        if self._own:
            _connect(self._ray, cluster)
        self.count = max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        self._key, self._packed = uuid.uuid4().hex, self._ray.put(packed)
        self._answer = self._ray.remote(num_cpus=1, max_retries=cluster.retries)(_answer)
        self._running: dict[Any, int] = {}

    def start(self, number: int, task: Any) -> None:
        """Take a task."""
        self._running[self._answer.remote(self._key, to_bytes(task), self._packed)] = number

    def ended(self) -> Iterator[TaskEnd[Any]]:
        """The ends of the tasks, as they come."""
        while self._running:
            done, _ = self._ray.wait(list(self._running), num_returns=1)
            number = self._running.pop(done[0])
            try:
                went_well, value = from_bytes(self._ray.get(done[0]))
            except self._ray.exceptions.RayError as error:
                why = str(error).strip().splitlines()[0]
                lost = f"Ray lost the task with its worker, and began it again in vain ({why})"
                yield TaskEnd(number, WorkerLostError(f"{lost}: see the log of the cluster"))
            else:
                yield TaskEnd(number, None, (value,)) if went_well else TaskEnd(number, value)

    def close(self) -> None:
        """Stop the tasks, whatever they do; a cluster of our own ends."""
        for task in self._running:
            self._ray.cancel(task, force=True)
        if self._own:
            self._ray.shutdown()


def _answer(key: str, packed_task: bytes, packed: bytes) -> bytes:
    use_one_thread()
    return answer(key, packed_task, packed)


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise InputError("Ray is not installed: pip install 'bsngraph[ray]'") from None
    return ray


def _connect(ray: Any, cluster: RayCluster) -> None:
    try:
        if cluster.address:
            _knock(cluster.address)
        ray.init(address=cluster.address or "local", log_to_driver=False, logging_level="warning")
    except (OSError, ValueError) as error:
        where = f"{cluster.address}: " if cluster.address else ""
        raise RunFailedError(
            f"{where}no Ray cluster can be reached ({error}): `ray start --head` starts one"
        ) from None


def _knock(address: str) -> None:
    """Try the address `host:port` itself, since Ray would try for minutes.

    Raises:
        OSError: nobody is there.
    """
    host, colon, port = address.rpartition("://")[2].rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), _ANSWERS_WITHIN_S).close()
