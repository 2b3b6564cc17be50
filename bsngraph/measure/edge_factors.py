"""What networks measured whole say of each edge: a factor on what the edge was priced.

In: the share that each edge has in each network, by its price. Out: a factor for each
edge, with which the shares of a network add up to 1 as nearly as the factors can stay
near 1.
"""

from __future__ import annotations

import numpy as np

from bsngraph.costs.cost import Costs

#: How much an edge's distance from 1 weighs against a network's: an edge that is off by
#: 30 % is as bad as a network that is off by 10 %.
STIFFNESS = 0.1

_MOST_STEPS = 200
_SHORTEST = 1e-8


def edge_factors(shares: Costs, stiffness: float = STIFFNESS) -> Costs:
    """The (edges,) factors u ≥ 0 with the least |S u − 1|² + stiffness · |u − 1|², S
    being the (networks, edges) shares.

    Edges that stand in no network keep 1. The dual is solved: it has as many unknowns
    as there are networks, however many edges the fabric has. With u = max(0, 1 + Sᵀ a)
    it is strictly convex and made of quadratic pieces, so that Newton's steps, made
    shorter where they do not descend, end at its minimum.
    """
    networks = len(shares)
    found = np.zeros(networks)

    def dual(a: Costs) -> float:
        clamped = np.maximum(0, 1 + a @ shares)
        return float(stiffness * (a @ a) / 2 + clamped @ clamped / 2 - a.sum())

    for _ in range(_MOST_STEPS):
        free = 1 + found @ shares > 0
        above = shares[:, free]
        newton = np.linalg.solve(above @ above.T + stiffness * np.eye(networks), 1 - above.sum(axis=1))
        step, length = newton - found, 1.0
        slope = (stiffness * found + shares @ np.maximum(0, 1 + found @ shares) - 1) @ step
        while length > _SHORTEST and dual(found + length * step) > dual(found) + 1e-4 * length * slope:
            length /= 2
        found = found + length * step
        if length == 1 and np.array_equal(1 + found @ shares > 0, free):
            break
    return np.asarray(np.maximum(0, 1 + found @ shares))
