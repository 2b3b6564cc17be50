"""Where the runs of a sweep go: a share of them, over workers of this machine or of a
Ray cluster.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TypeVar

from bsngraph.errors import InputError
from bsngraph.measure import find_hardware
from bsngraph.parallel import Inline, Processes, RayCluster, TaskEngine, usable_cores
from bsngraph.sweeping.ahead import is_measured, workers_ahead
from bsngraph.sweeping.plan import SweepRequest

_Run = TypeVar("_Run")


@dataclass(frozen=True)
class Spreading:
    """How many processes, or the address of a Ray cluster; and which share of the runs,
    (2, 4) for the second of four.

    Raises:
        InputError: both workers and a cluster, or there is no such share.
    """

    workers: int | None = None
    ray: str | None = None
    only: tuple[int, int] = (1, 1)

    def __post_init__(self) -> None:
        if self.workers is not None and self.ray is not None:
            raise InputError("--workers and --ray exclude each other: a Ray cluster has its own workers")
        if self.workers is not None:
            Processes(self.workers)
        number, shares = self.only
        if not 1 <= number <= shares:
            raise InputError(f"there is no share {number} of {shares}: give 1/{shares} to {shares}/{shares}")

    def placed(self, request: SweepRequest) -> SweepRequest:
        """The request, for this machine or for others."""
        return replace(request, elsewhere=self.ray is not None)

    def ahead(self, request: SweepRequest) -> AbstractContextManager[None]:
        """Workers of this machine begin to import, as long as the block lasts."""
        return workers_ahead(self.workers, self.ray, request.device, _budgets(request))

    def share(self, runs: Sequence[_Run]) -> tuple[_Run, ...]:
        """Every so manieth run, from that of the share's number on."""
        number, shares = self.only
        return tuple(runs[number - 1 :: shares])

    def engine(self, request: SweepRequest, runs: int) -> TaskEngine:
        """Who runs so many runs: without a word of the user's as many processes as
        there are cores, and one where they would share a GPU or disturb measurements.
        """
        if self.ray is not None:
            return RayCluster(self.ray)
        count = usable_cores() if self.workers is None else self.workers
        if self.workers is None and _alone(request):
            count = 1
        count = min(count, max(runs, 1))
        return Processes(count) if count > 1 else Inline()


def _alone(request: SweepRequest) -> bool:
    on_gpu = find_hardware(request.device, request.threads).device.type != "cpu"
    return on_gpu or (request.costs.latencies is None and any(map(is_measured, _budgets(request))))


def _budgets(request: SweepRequest) -> Iterator[str]:
    return (choice.given for axis in request.axes if axis.kind == "budget" for choice in axis.choices)


def engine_words(engine: TaskEngine) -> str:
    """`2 workers`, as a line of progress says it."""
    match engine:
        case Processes(count):
            return f"{count} workers"
        case RayCluster(address):
            return f"Ray at {address}"
        case Inline():
            return "1 worker"
