"""Where a cost goes: what each edge of an architecture spends of it."""

from __future__ import annotations

import numpy as np

from bsngraph.costs.cost import AdditiveCost, Cost, Costs, effort_of
from bsngraph.errors import InputError
from bsngraph.fabric import Architecture, Fabric, live_edges

# How many numbers are gone through at most for a cost that is no sum, and how many
# Booleans of networks without an edge are made at once.
_MOST_EFFORT, _AT_ONCE = 2**28, 2**24


def spending(fabric: Fabric, cost: Cost, architecture: Architecture) -> Costs:
    """What each edge spends, (edges,), 0 where it is not live.

    Of a sum it is the edge's part. Of any other cost it is what the architecture would
    save without the edge and what only it keeps alive, which need not add up: steps are
    saved only where the edge is on the longest path.

    Raises:
        InputError: the cost is no sum, and the architecture too large to ask for it
            without each edge.
    """
    mask = architecture.mask
    if isinstance(cost, AdditiveCost):
        return np.where(mask, cost.per_edge, 0.0)
    live = list(architecture.live)
    if len(live) * effort_of(cost, len(mask)) > _MOST_EFFORT:
        raise InputError(
            f"cost {cost.name!r}: what each of {len(live):,} edges spends of it would take hours to find "
            "out: ask for a network of fewer edges"
        )
    whole = float(cost.of(mask[None])[0])
    spent = np.zeros(len(mask))
    rows = max(1, _AT_ONCE // len(mask))
    for start in range(0, len(live), rows):
        some = live[start : start + rows]
        without = np.repeat(mask[None], len(some), axis=0)
        without[np.arange(len(some)), some] = False
        spent[some] = whole - cost.of(live_edges(fabric.sweep, without))
    return spent
