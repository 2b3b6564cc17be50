"""The lightest paths of a fabric from its sources to its targets, whatever else they
would keep alive.

In: a fabric and what each edge weighs. Out: the weight of the path to the furthest
target, or the edges of the paths.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bsngraph.costs.cost import Costs
from bsngraph.fabric import Booleans, Fabric


def lightest_distance(fabric: Fabric, weights: Costs) -> float:
    """The weight of the lightest path to the target that is furthest by it, edges
    (edges,) added up from the source on.
    """
    distances, _ = _distances(fabric, weights.tolist())
    return max((distances[target] or 0.0 for target in fabric.target_indices), default=0.0)


def lightest_paths(fabric: Fabric, weights: Sequence[int]) -> Booleans:
    """The edges (edges,) of a lightest path to every target."""
    _, arrivals = _distances(fabric, weights)
    paths = np.zeros(len(fabric.edges), dtype=np.bool_)
    for target in fabric.target_indices:
        edge = arrivals[target]
        while edge is not None and not paths[edge]:
            paths[edge] = True
            edge = arrivals[fabric.endpoints[edge][0]]
    return paths


def _distances(fabric: Fabric, weights: Sequence[float]) -> tuple[list[float | None], list[int | None]]:
    """The weight of the lightest path from a source to each node, and the edge by which
    it arrives; None where nothing does.
    """
    distances: list[float | None] = [None] * len(fabric.nodes)
    arrivals: list[int | None] = [None] * len(fabric.nodes)
    for source in fabric.source_indices:
        distances[source] = 0
    for node, incoming in enumerate(fabric.incoming):
        for edge in incoming:
            before, here = distances[fabric.endpoints[edge][0]], distances[node]
            if before is not None and (here is None or before + weights[edge] < here):
                distances[node], arrivals[node] = before + weights[edge], edge
    return distances, arrivals
