"""What a drawing of a fabric, or of an architecture over its fabric, shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from bsngraph.draw.palette import Family, family_of
from bsngraph.draw.parts.outline import MOST_LABELS, Outline


@dataclass(frozen=True)
class View:
    """What is drawn. `kept` are indices of edges, and `overlay` says that the others
    are drawn as removed. `costs` and `probabilities` have one value an edge; None is
    unknown.
    """

    outline: Outline
    kept: frozenset[int]
    overlay: bool
    costs: tuple[float | None, ...]
    cost_name: str
    probabilities: tuple[float, ...] | None

    @cached_property
    def kept_costs(self) -> Mapping[int, float]:
        """Edge index → cost, of what is kept and costs something."""
        costs = {index: self.costs[index] or 0.0 for index in sorted(self.kept)}
        return {index: cost for index, cost in costs.items() if cost > 0}

    @cached_property
    def total(self) -> float:
        return sum(self.kept_costs.values())

    @cached_property
    def largest(self) -> float:
        return max(self.kept_costs.values(), default=0.0)

    @cached_property
    def touched(self) -> frozenset[str]:
        """Names of the nodes that a kept edge touches."""
        kept = [self.outline.edges[index] for index in self.kept]
        return frozenset(name for edge in kept for name in (edge.source, edge.target))

    @cached_property
    def families(self) -> tuple[Family, ...]:
        return tuple(family_of(edge.op, edge.arguments) for edge in self.outline.edges)

    @cached_property
    def labelled(self) -> bool:
        return len(self.kept) <= MOST_LABELS

    def share(self, index: int) -> float:
        """The edge's share of what everything kept costs."""
        return self.kept_costs.get(index, 0.0) / self.total if self.total else 0.0
