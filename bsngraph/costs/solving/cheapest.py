"""The cheapest sub-network of a fabric by one cost.

For a sum over live edges a shortest path is the answer where it can be kept and nothing
else is live then: every sub-network holds a path. Where fixed or tied edges come along,
or several targets must be connected, an integer program answers (program.py). Other
costs are searched (walk.py); a schedule is proved the shortest where it is as short as
its longest path or its work alone would let it be.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bsngraph.costs.cost import AdditiveCost, Cost, Costs, Scheduled
from bsngraph.costs.solving.program import solve_choice
from bsngraph.costs.solving.walk import least
from bsngraph.errors import InfeasibleBudgetError
from bsngraph.fabric import Architecture, Booleans, Fabric, architecture_of


@dataclass(frozen=True)
class Cheapest:
    """The architecture with the least of one cost; `proved` where none is cheaper for
    certain.
    """

    architecture: Architecture
    value: float
    proved: bool


def cheapest(fabric: Fabric, cost: Cost) -> Cheapest:
    """The sub-network that connects every target at the least cost, fixed edges charged
    where live.

    Raises:
        InfeasibleBudgetError: gates and choices leave no sub-network that connects
            every target.
    """
    return _cheapest_sum(fabric, cost) if isinstance(cost, AdditiveCost) else _cheapest_found(fabric, cost)


def cheapest_each(fabric: Fabric, costs: Sequence[Cost]) -> dict[str, Cheapest]:
    """The cheapest sub-network by each cost; costs that are multiples of each other
    (MACs and FLOPs) are solved once.

    Raises:
        InfeasibleBudgetError: gates and choices leave no sub-network that connects
            every target.
    """
    solved: dict[bytes, Cheapest] = {}
    found = {}
    for cost in costs:
        if not isinstance(cost, AdditiveCost):
            found[cost.name] = cheapest(fabric, cost)
            continue
        shape = (cost.per_edge / (cost.per_edge.max(initial=0.0) or 1.0)).round(12).tobytes()
        if shape not in solved:
            solved[shape] = cheapest(fabric, cost)
        one = solved[shape]
        found[cost.name] = replace(one, value=float(cost.of(one.architecture.mask[None])[0]))
    return found


def cheap_starts(fabric: Fabric, cost: Cost) -> list[Booleans]:
    """Choices (edges,) to walk from when looking for the least of a cost: the fewest
    edges, and what a schedule's path and work ask for.
    """
    edges = np.ones(len(fabric.edges))
    weights = [cost.durations + 1e-6 * edges, edges] if isinstance(cost, Scheduled) else [edges]
    starts = [
        _completed(fabric, _cheapest_sum(fabric, AdditiveCost("", "", weight)).architecture)
        for weight in weights
    ]
    path = _shortest_path(fabric, weights[0])
    completed = None if path is None else fabric.decisions.completed(path)
    return starts if completed is None else [completed, *starts]


def _cheapest_found(fabric: Fabric, cost: Cost) -> Cheapest:
    bound = _least_possible(fabric, cost)
    found = least(fabric, cost.of, cheap_starts(fabric, cost), enough=bound)
    if found is None:
        raise InfeasibleBudgetError(_NO_SUB_NETWORK)
    architecture = Architecture.of_mask(found.live)
    return Cheapest(architecture, found.score, found.proved or found.score <= bound * (1 + 1e-12))


def _least_possible(fabric: Fabric, cost: Cost) -> float:
    """A value that no sub-network is below: the shortest path to the furthest target,
    and the least work, shared by all cores.
    """
    if not isinstance(cost, Scheduled):
        return -math.inf
    distances, _ = _distances(fabric, cost.durations)
    path = max(distances[target] for target in fabric.target_indices)
    work = _cheapest_sum(fabric, AdditiveCost("", "", cost.durations)).value / cost.cores
    whole = bool((cost.durations == cost.durations.round()).all())  # steps are whole
    return max(path, math.ceil(work - 1e-9) if whole else work)


_NO_SUB_NETWORK = (
    "no choice of edges connects every target: the file's gates and choices exclude each other's paths"
)


def _cheapest_sum(fabric: Fabric, cost: AdditiveCost) -> Cheapest:
    path = _shortest_path(fabric, cost.per_edge)
    kept = None if path is None else fabric.decisions.completed(path)
    if path is not None and kept is not None:
        found = architecture_of(fabric, kept)
        if np.array_equal(found.mask, path):
            return Cheapest(found, float(cost.of(path[None])[0]), proved=True)
    choice = solve_choice(fabric, np.zeros(len(fabric.edges)), cost.per_edge)
    if choice is None:  # without ties every valid fabric connects its targets
        raise InfeasibleBudgetError(_NO_SUB_NETWORK)
    found = architecture_of(fabric, choice.kept)
    return Cheapest(found, float(cost.of(found.mask[None])[0]), choice.proved)


def _completed(fabric: Fabric, architecture: Architecture) -> Booleans:
    kept = fabric.decisions.completed(architecture.mask)
    assert kept is not None, "an architecture is the live part of a legitimate choice"
    return kept


def _distances(fabric: Fabric, weights: Costs) -> tuple[list[float], list[int | None]]:
    """The weight of the lightest path from a source to each node, and the edge by which
    it arrives.
    """
    distance = [math.inf] * len(fabric.nodes)
    best: list[int | None] = [None] * len(fabric.nodes)
    for source in fabric.source_indices:
        distance[source] = 0.0
    for node in range(len(fabric.nodes)):
        for edge in fabric.incoming[node]:
            through = distance[fabric.endpoints[edge][0]] + float(weights[edge])
            if through < distance[node]:
                distance[node], best[node] = through, edge
    return distance, best


def _shortest_path(fabric: Fabric, weights: Costs) -> Booleans | None:
    """The edges (edges,) of the cheapest source-target path; None where there are
    several sources or targets.
    """
    if len(fabric.sources) != 1 or len(fabric.targets) != 1:
        return None
    _, best = _distances(fabric, weights)
    path = np.zeros(len(fabric.edges), dtype=np.bool_)
    at: int | None = best[fabric.target_indices[0]]
    while at is not None:
        path[at] = True
        at = best[fabric.endpoints[at][0]]
    return path
