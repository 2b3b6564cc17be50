"""Costs of running a sub-network on several cores at once: `steps:N` and `makespan:N`.

In: a fabric, what each edge takes, and a number of cores. Out: a cost, whose value for
live edges (batch, edges) is (batch,), and the schedule behind one of its values
(`schedule_of`). Neither is a sum over edges.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bsngraph.costs.cost import Costs
from bsngraph.costs.schedules.list_schedule import LONG, Graph, Times, count_steps, graph_of, run_list
from bsngraph.costs.schedules.scheduled_edge import ScheduledEdge
from bsngraph.errors import InputError
from bsngraph.fabric import Booleans, Fabric

MOST_CORES = 1024
_CORES = re.compile(r"[1-9][0-9]{0,3}")
_MOST_ROWS, _MOST_VALUES = 1024, 2**23  # evaluated at once, so that memory stays bounded
# How many numbers one makespan may go through; so many of these take the time of one
# number that is looked at alone.
_MOST_EFFORT, _ABREAST = 2**25, 32


@dataclass(frozen=True, eq=False)
class Steps:
    """`steps:N`: sequential steps when up to `cores` edges run at once.

    This is the paper's distributed cost. An edge with MACs takes one step, whatever is
    inside it. Any other edge takes none: its output is there at the step at which its
    input is. An edge can run when every live edge into its source is done. At each
    step, up to `cores` of the edges that can run are run, those with the longest
    remaining path first (the most edges with MACs on a path of live edges from its
    start to a target, itself included), ties by the edges' names (source, target, key).
    `macs` is (edges,).

    Raises:
        InputError: `cores` is not 1 to `MOST_CORES`.
    """

    fabric: Fabric
    macs: Costs
    cores: int

    def __post_init__(self) -> None:
        cores_of(self.name)

    @property
    def name(self) -> str:
        return f"steps:{self.cores}"

    @property
    def unit(self) -> str:
        return "steps"

    @cached_property
    def durations(self) -> Costs:
        """Steps of each edge: (edges,), 1 or 0."""
        return (self.macs > 0).astype(np.float64)

    @cached_property
    def effort(self) -> int:
        """About how many numbers are gone through for the value of one sample."""
        edges = len(self.durations)
        return edges if edges >= LONG else _effort(self.durations)

    @cached_property
    def total(self) -> float:
        """The cost of the whole fabric."""
        return _total(self.fabric, self.of)

    def of(self, live: Booleans) -> Costs:
        """The steps of each sample: live edges (batch, edges) Boolean → (batch,).

        Where nothing is live they are 0.
        """
        return _of_distinct(live, lambda rows: count_steps(self._graph, rows, self.macs > 0, self.cores))

    @cached_property
    def _graph(self) -> Graph:
        return graph_of(self.fabric)


@dataclass(frozen=True, eq=False)
class Makespan:
    """`makespan:N`: the time from the input to the last target on `cores` equal cores.

    The live edges are list-scheduled. Each edge runs on one core, without interruption,
    for its duration (`durations`, (edges,) in `unit`). An edge can start on a free core
    when every live edge into its source has ended and their results are on that core: a
    result is at once on the core where it was made, and `transfer` later on any other
    (a number, or (edges,): the time for that edge's result). So it is results of edges
    that move, as often as needed and without hindering each other or the cores; a node
    is merged on each core that uses it, in no time. The fabric's inputs are on every
    core. An edge of duration 0 runs on no core: it hands on the parts of its source,
    from the cores where they are.

    Whenever a core is free and some edge can start on a free core, the one with the
    longest remaining path starts (the largest sum of durations on a path of live edges
    from its start to a target, itself included, transfers left out), ties by name, on
    the first of these cores. A target is done when all its parts are together on the
    core where that is soonest.

    Never under max(critical path, sum of durations / cores). Without transfer, at most
    2 - 1/cores times the best possible (Graham 1969), and with durations of 1 or 0 the
    value of `Steps`.

    Raises:
        InputError: `cores` is not 1 to `MOST_CORES`; durations or transfers are
            negative, NaN or infinite; there are too many edges to schedule.
    """

    fabric: Fabric
    durations: Costs
    cores: int
    transfer: float | Costs = 0.0
    unit: str = "ms"

    def __post_init__(self) -> None:
        cores_of(self.name)
        _check_times(self.fabric, self.name, "duration", self.durations)
        _check_times(self.fabric, self.name, "transfer time", self._transfers)
        if self.effort > _MOST_EFFORT:
            most = math.isqrt(_MOST_EFFORT * _ABREAST // self._lanes) // 100 * 100
            cores = f" on {self._lanes:,} cores with transfers" if self._lanes > 1 else ""
            raise InputError(
                f"cost {self.name!r}: {np.count_nonzero(self.durations):,} edges take time, and at most "
                f"{most:,} can be scheduled{cores}: ask for fewer cores, or take a smaller fabric"
            )

    @property
    def name(self) -> str:
        return f"makespan:{self.cores}"

    @cached_property
    def total(self) -> float:
        """The cost of the whole fabric."""
        return _total(self.fabric, self.of)

    def of(self, live: Booleans) -> Costs:
        """The makespan of each sample: live edges (batch, edges) Boolean → (batch,).

        It is in `unit`, and 0 where nothing is live.
        """
        return _of_distinct(
            live,
            lambda rows: run_list(self._graph, rows, self.durations, self.cores, self._transfers).makespan,
            self.cores,
        )

    @cached_property
    def _graph(self) -> Graph:
        return graph_of(self.fabric)

    @cached_property
    def effort(self) -> int:
        """About how many numbers are gone through for the value of one sample."""
        return _effort(self.durations, self._lanes)

    @cached_property
    def _lanes(self) -> int:
        """The cores whose inputs are told apart, which transfers ask for."""
        return min(self.cores, max(len(self.durations), 1)) if self._transfers.any() else 1

    @cached_property
    def _transfers(self) -> Costs:
        return np.broadcast_to(np.asarray(self.transfer, dtype=np.float64), len(self.fabric.edges))


def _effort(durations: Costs, lanes: int = 1) -> int:
    """Each start looks at all jobs on all lanes, and many numbers at once."""
    jobs = int(np.count_nonzero(durations))
    return len(durations) + jobs * jobs * lanes // _ABREAST


def schedule_of(cost: Steps | Makespan, live: Booleans) -> tuple[ScheduledEdge, ...]:
    """The schedule behind the cost of one sample, live edges (edges,).

    It lists the edges that take time, by their start and then by their rank. Steps are
    counted from 0: an edge of the first step runs from 0 to 1.
    """
    if isinstance(cost, Steps):
        cost = Makespan(cost.fabric, cost.durations, cost.cores, unit=cost.unit)
    found = run_list(
        graph_of(cost.fabric),
        live[None],
        cost.durations,
        cost.cores,
        np.broadcast_to(cost.transfer, live.shape),
    )
    columns = (values[0].tolist() for values in (found.edges, found.cores, found.starts, found.ends))
    return tuple(ScheduledEdge(*values) for values in zip(*columns, strict=True))


def _of_distinct(live: Booleans, of: Callable[[Booleans], Times], cores: int = 1) -> Costs:
    """`of` each distinct row of live edges, some rows at a time; (batch,)."""
    packed = np.ascontiguousarray(np.packbits(live, axis=1))
    _, first, inverse = np.unique(
        packed.view(f"V{packed.shape[1]}").ravel(), return_index=True, return_inverse=True
    )
    edges = live.shape[1]
    rows = min(max(1, _MOST_VALUES // (edges * min(cores, edges))), _MOST_ROWS)
    values = [of(live[first[start : start + rows]]) for start in range(0, len(first), rows)]
    return np.concatenate(values)[inverse] if values else np.zeros(0)


def _total(fabric: Fabric, of: Callable[[Booleans], Costs]) -> float:
    return float(of(np.ones((1, len(fabric.edges)), dtype=np.bool_))[0])


def cores_of(name: str) -> int:
    """The number of cores that a cost's name ends in: 4 of `steps:4`.

    One number has one spelling, since a cost is known by its name.

    Raises:
        InputError: it is no number from 1 to `MOST_CORES`, or begins with a zero.
    """
    kind, _, number = name.partition(":")
    if not _CORES.fullmatch(number) or int(number) > MOST_CORES:
        raise InputError(
            f"cost {name!r}: {number!r} is no number of cores from 1 to {MOST_CORES}: write e.g. {kind}:4"
        )
    return int(number)


def check_cores(cores: int) -> None:
    """Check a number of cores before anything is read for it.

    Raises:
        InputError: it is not 1 to `MOST_CORES`.
    """
    if not 1 <= cores <= MOST_CORES:
        raise InputError(f"{cores} is no number of cores from 1 to {MOST_CORES:,}: give fewer")


def _check_times(fabric: Fabric, name: str, what: str, times: Costs) -> None:
    wrong = [
        f"{edge.name} ({time:g})"
        for edge, time in zip(fabric.edges, times, strict=True)
        if not 0 <= time < np.inf
    ]
    if wrong:
        shown = ", ".join(wrong[:8]) + (f" and {len(wrong) - 8} more" if len(wrong) > 8 else "")
        raise InputError(
            f"cost {name!r}: a {what} must be finite and not negative, but it is on {shown}: correct it there"
        )
