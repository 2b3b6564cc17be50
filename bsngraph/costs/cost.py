"""What a cost is to the rest: a name, a unit, and a value for each sample of live
edges.

Most costs are sums over live edges (`AdditiveCost`). Others are not (schedules, peak
memory, a user's function): they only promise a value, which is all that the policy
gradient needs. What is known of a schedule besides is in `Scheduled`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from bsngraph.fabric import Booleans

Costs = NDArray[np.float64]

# How many numbers a product makes of Booleans at a time: as many as stay in a cache.
_AT_ONCE = 1 << 17


class Cost(Protocol):
    """A cost of sub-networks of one fabric, in `unit`."""

    @property
    def name(self) -> str: ...

    @property
    def unit(self) -> str: ...

    @property
    def total(self) -> float:
        """The cost of the whole fabric: every edge of a valid fabric is live when all
        are kept.
        """

    def of(self, live: Booleans) -> Costs:
        """The cost of each sample: live edges (batch, edges) Boolean → (batch,)."""


@dataclass(frozen=True)
class AdditiveCost:
    """A cost that is a sum over live edges. `per_edge` is (edges,), in `unit`."""

    name: str
    unit: str
    per_edge: Costs

    def of(self, live: Booleans) -> Costs:
        """The cost of each sample: live edges (batch, edges) Boolean → (batch,)."""
        rows = max(_AT_ONCE // max(live.shape[1], 1), 1)
        parts = [live[start : start + rows] @ self.per_edge for start in range(0, len(live), rows)]
        return np.concatenate(parts) if parts else np.zeros(0)

    @property
    def total(self) -> float:
        return float(self.per_edge.sum())


@runtime_checkable
class Scheduled(Cost, Protocol):
    """A cost that is the length of a schedule of live edges on `cores` cores.

    It is at least the longest path by `durations` (edges,), and at least their sum over
    `cores`.
    """

    @property
    def cores(self) -> int: ...

    @property
    def durations(self) -> Costs: ...

    @property
    def effort(self) -> int:
        """About how many numbers are gone through for the value of one sample."""


def effort_of(cost: Cost, edges: int) -> int:
    """About how many numbers are gone through for a cost of one sample of a fabric of
    so many edges.
    """
    return cost.effort if isinstance(cost, Scheduled) else edges
