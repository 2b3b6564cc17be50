"""Tasks side by side: in this process, in processes of this machine, or on Ray.

In: a function of a module, what all tasks share, and tasks as plain data. Out: each
task's end, as it comes. Nothing else in the package knows where a task runs.
"""

from bsngraph.parallel.engines import Inline, Processes, RayCluster, TaskEngine, inside_worker, usable_cores
from bsngraph.parallel.packing import CannotBeSentError
from bsngraph.parallel.running import open_workers, run_tasks
from bsngraph.parallel.starting.servers import server_ahead
from bsngraph.parallel.workers import (
    TaskEnd,
    WorkerBugError,
    WorkerLostError,
    WorkerNotReadyError,
    Workers,
)

__all__ = [
    "CannotBeSentError",
    "Inline",
    "Processes",
    "RayCluster",
    "TaskEnd",
    "TaskEngine",
    "WorkerBugError",
    "WorkerLostError",
    "WorkerNotReadyError",
    "Workers",
    "inside_worker",
    "open_workers",
    "run_tasks",
    "server_ahead",
    "usable_cores",
]
