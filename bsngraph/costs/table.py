"""The table of costs: a name → what each sample of live edges costs.

In: a fabric's profile and a cost's name. Out: a `Cost`, whose value for live edges (batch, edges) is (batch,). Adding a cost is
one row here; `cost_<name>` annotations of a file are costs of that name without a row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bsngraph.costs.profile import Costs, FabricProfile
from bsngraph.errors import InputError, nearest
from bsngraph.fabric import Booleans


@dataclass(frozen=True)
class Cost:
    """A cost that is a sum over live edges. `per_edge` is (edges,), in `unit`."""

    name: str
    unit: str
    per_edge: Costs

    def of(self, live: Booleans) -> Costs:
        """The cost of each sample: live edges (batch, edges) Boolean → (batch,)."""
        value: Costs = live @ self.per_edge
        return value

    @property
    def total(self) -> float:
        """The cost of the whole fabric: every edge of a valid fabric is live when all are kept."""
        return float(self.per_edge.sum())


@dataclass(frozen=True)
class CostKind:
    """A row: unit, a sentence of definition, and the vector over edges."""

    unit: str
    definition: str
    per_edge: Callable[[FabricProfile], Costs]


COSTS: dict[str, CostKind] = {
    "macs": CostKind("MACs", "multiply-accumulates of one example's forward pass (convolutions and matrix products)", lambda p: p.macs),
    "flops": CostKind("FLOPs", "floating point operations of one example's forward pass: 2 x MACs", lambda p: 2 * p.macs),
    "params": CostKind("parameters", "trainable numbers of the edges", lambda p: p.params),
}


def annotated_costs(profile: FabricProfile) -> tuple[str, ...]:
    """Names of the `cost_<name>` annotations found on any edge."""
    return tuple(sorted({name for edge in profile.fabric.edges for name in edge.costs}))


def price(profile: FabricProfile, name: str) -> Cost:
    """The cost called `name`.

    Raises:
        InputError: there is no such cost, or some edges lack its annotation.
    """
    if name in COSTS:
        return Cost(name, COSTS[name].unit, np.asarray(COSTS[name].per_edge(profile), dtype=np.float64))
    annotated = annotated_costs(profile)
    if name not in annotated:
        raise InputError(f"there is no cost {name!r}: {nearest(name, [*COSTS, *annotated])}")
    missing = [edge.name for edge in profile.fabric.edges if name not in edge.costs]
    if missing:
        shown = ", ".join(missing[:8]) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
        raise InputError(f"cost {name!r} is missing on {shown}: annotate them, or give a default `edge [cost_{name}=0]`")
    return Cost(name, "", np.array([edge.costs[name] for edge in profile.fabric.edges], dtype=np.float64))


def complete_costs(profile: FabricProfile) -> tuple[Cost, ...]:
    """Every cost that this fabric has a value for: the table's, and annotations that stand on every edge."""
    everywhere = [name for name in annotated_costs(profile) if all(name in edge.costs for edge in profile.fabric.edges)]
    return tuple(price(profile, name) for name in (*COSTS, *(name for name in everywhere if name not in COSTS)))
