"""A network run edge by edge on several cores, written as plainly as it can be: what
`steps:N` and `makespan:N` are checked against.

In: a fabric of which every edge is live, what each edge takes, a number of cores. Out:
when all is done. It shares no code with the schedules that a search uses (`costs/`):
this one goes from moment to moment, and looks at each who can start.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from bsngraph.fabric import Fabric
from bsngraph.fabric.words.natural_order import edges_by_name


def simulate(
    fabric: Fabric, durations: Sequence[float], cores: int, transfers: Sequence[float] | None = None
) -> float:
    """When all targets are there if up to `cores` edges run at once.

    An edge can start on a free core when every edge into its source has ended and its
    result is on that core: at once where it was made, after its transfer on others. One
    that takes no time runs nowhere and hands on what its source has. Whenever a core is
    free, the edge with the longest remaining path of those that can start does, ties by
    name, on the first core it can. With 1 for every edge with MACs and 0 for any other,
    this is the paper's number of sequential steps.
    """
    machine = _Machine(
        fabric,
        list(map(Fraction, durations)),
        min(cores, len(fabric.edges)),
        list(map(Fraction, transfers or ())),
    )
    for source in fabric.source_indices:
        machine.complete(source)
    while machine.ready:
        if not machine.start_one():
            machine.wait()
    return float(max(min(machine.there[target]) for target in fabric.target_indices))


class _Machine:
    """The state at the moment `now`. `there[node][core]`: when the results into a node
    that are known of are all on a core.
    """

    def __init__(
        self, fabric: Fabric, durations: list[Fraction], cores: int, transfers: list[Fraction]
    ) -> None:
        self.fabric, self.durations = fabric, durations
        self.transfers = transfers or [Fraction(0)] * len(durations)
        self.remaining = _remaining_paths(fabric, durations)
        self.rank = {edge: rank for rank, edge in enumerate(edges_by_name(fabric.edges))}
        self.now = Fraction(0)
        self.free = [Fraction(0)] * cores
        self.there = [[Fraction(0)] * cores for _ in fabric.nodes]
        self.missing = [len(incoming) for incoming in fabric.incoming]
        self.ready: list[int] = []

    def complete(self, node: int) -> None:
        """Every edge into a node has been started or passed: what leaves it can be
        planned.
        """
        for edge, (source, target) in enumerate(self.fabric.endpoints):
            if source == node and self.durations[edge]:
                self.ready.append(edge)
            elif source == node:
                self.arrive(target, self.there[node])

    def arrive(self, node: int, when: Sequence[Fraction]) -> None:
        """One more result will be at a node, `when` on each core."""
        self.there[node] = [max(before, time) for before, time in zip(self.there[node], when, strict=True)]
        self.missing[node] -= 1
        if not self.missing[node]:
            self.complete(node)

    def start_one(self) -> bool:
        """Start the first of the edges that can start now, if there is one."""
        for edge in sorted(self.ready, key=lambda edge: (-self.remaining[edge], self.rank[edge])):
            source, target = self.fabric.endpoints[edge]
            for core, free in enumerate(self.free):
                if max(free, self.there[source][core]) <= self.now:
                    self.ready.remove(edge)
                    end = self.free[core] = self.now + self.durations[edge]
                    self.arrive(
                        target,
                        [end + (other != core) * self.transfers[edge] for other in range(len(self.free))],
                    )
                    return True
        return False

    def wait(self) -> None:
        """Until the next moment at which a core gets free or a result arrives."""
        moments = [
            *self.free,
            *(time for edge in self.ready for time in self.there[self.fabric.endpoints[edge][0]]),
        ]
        self.now = min(moment for moment in moments if moment > self.now)


def _remaining_paths(fabric: Fabric, durations: Sequence[Fraction]) -> list[Fraction]:
    """The longest path from the start of each edge to the end of the network, itself
    included.
    """
    from_node = [Fraction(0)] * len(fabric.nodes)
    remaining = [Fraction(0)] * len(fabric.edges)
    for node in reversed(range(len(fabric.nodes))):
        for edge in fabric.incoming[node]:
            remaining[edge] = durations[edge] + from_node[node]
            source = fabric.endpoints[edge][0]
            from_node[source] = max(from_node[source], remaining[edge])
    return remaining
