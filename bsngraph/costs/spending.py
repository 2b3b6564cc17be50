"""Where a cost goes: what each edge of an architecture spends of it."""

from __future__ import annotations

import numpy as np

from bsngraph.costs.cost import AdditiveCost, Cost, Costs
from bsngraph.fabric import Architecture, Fabric, live_edges


def spending(fabric: Fabric, cost: Cost, architecture: Architecture) -> Costs:
    """What each edge spends, (edges,), 0 where it is not live.

    Of a sum it is the edge's part. Of any other cost it is what the architecture would
    save without the edge and what only it keeps alive, which need not add up: steps are
    saved only where the edge is on the longest path.
    """
    mask = architecture.mask
    if isinstance(cost, AdditiveCost):
        return np.where(mask, cost.per_edge, 0.0)
    live = list(architecture.live)
    without = np.repeat(mask[None], len(live), axis=0)
    without[np.arange(len(live)), live] = False
    saved = np.zeros(len(mask))
    saved[live] = cost.of(mask[None])[0] - cost.of(live_edges(fabric.sweep, without))
    return saved
