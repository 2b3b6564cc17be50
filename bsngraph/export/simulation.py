"""A network run edge by edge on several cores, written as plainly as it can be: what `steps:N` and `makespan:N` are checked against.

In: a fabric of which every edge is live, what each edge takes, a number of cores. Out: when the last edge ends. It shares no code with
the schedules that a search uses (`costs/`).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from bsngraph.fabric import Fabric


def simulate(fabric: Fabric, durations: Sequence[float], cores: int) -> float:
    """When all is done if up to `cores` edges run at once.

    An edge can start when every edge into its source has ended; one that takes no time ends as soon as it can start, on no core. Whenever a
    core is free, the edge with the longest remaining path that can start does, ties by edge order. With 1 for every edge with MACs and 0
    for any other it is the paper's number of sequential steps.
    """
    exact = [Fraction(duration) for duration in durations]
    remaining = _remaining_paths(fabric, exact)
    waiting = list(range(len(fabric.edges)))
    running: dict[int, Fraction] = {}
    ended: set[int] = set()
    now = Fraction(0)
    while waiting or running:
        ready = [edge for edge in waiting if all(before in ended for before in fabric.incoming[fabric.endpoints[edge][0]])]
        instant = [edge for edge in ready if exact[edge] == 0]
        if instant:
            ended.update(instant)
            waiting = [edge for edge in waiting if edge not in ended]
            continue  # what they lead to may start at this moment too
        for edge in sorted(ready, key=lambda edge: (-remaining[edge], edge))[: cores - len(running)]:
            running[edge] = now + exact[edge]
            waiting.remove(edge)
        if running:
            now = min(running.values())
            ended.update(edge for edge, end in running.items() if end == now)
            running = {edge: end for edge, end in running.items() if end > now}
    return float(now)


def _remaining_paths(fabric: Fabric, durations: Sequence[Fraction]) -> list[Fraction]:
    """The longest path from the start of each edge to the end of the network, itself included."""
    from_node = [Fraction(0)] * len(fabric.nodes)
    remaining = [Fraction(0)] * len(fabric.edges)
    for node in reversed(range(len(fabric.nodes))):
        for edge in fabric.incoming[node]:
            remaining[edge] = durations[edge] + from_node[node]
            source = fabric.endpoints[edge][0]
            from_node[source] = max(from_node[source], remaining[edge])
    return remaining
