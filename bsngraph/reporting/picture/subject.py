"""What a picture shows: a fabric, the edges kept, Γ, and what each edge costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from bsngraph.costs.table import COSTS
from bsngraph.draw.palette import Family, family_of
from bsngraph.errors import InputError
from bsngraph.fabric import Edge, Fabric, read_fabric
from bsngraph.runs import RunFolder


@dataclass(frozen=True)
class PictureSubject:
    """A fabric and, if there is an architecture, the indices of its edges.

    `kept` is None without an architecture. `probabilities` are Γ, one an edge, None
    where nothing was learned. `costs` have one value an edge, for each cost that is a
    sum over edges.
    """

    fabric: Fabric
    kept: frozenset[int] | None
    probabilities: tuple[float, ...] | None
    costs: Mapping[str, tuple[float, ...]]

    @cached_property
    def shown(self) -> frozenset[int]:
        """The edges of the architecture, or all of them."""
        return frozenset(range(len(self.fabric.edges))) if self.kept is None else self.kept

    @cached_property
    def families(self) -> tuple[Family, ...]:
        return tuple(family_of(edge.op, edge.arguments) for edge in self.fabric.edges)

    @cached_property
    def touched(self) -> frozenset[str]:
        """Names of the nodes that a shown edge touches."""
        edges = [self.fabric.edges[index] for index in self.shown]
        return frozenset(name for edge in edges for name in (edge.source, edge.target))

    @cached_property
    def totals(self) -> Mapping[str, float]:
        """What the shown edges cost together, by cost."""
        return {name: sum(values[index] for index in self.shown) for name, values in self.costs.items()}

    @cached_property
    def main_cost(self) -> str | None:
        """The cost that widths are by: the first that is not zero."""
        return next((name for name, total in self.totals.items() if total > 0), None)

    def unit(self, cost: str) -> str:
        """The unit of a cost; empty where its name says it, and for the file's own."""
        unit = COSTS[cost].unit if cost in COSTS else ""
        return "" if unit.lower().startswith(cost[:4].lower()) else unit

    def share(self, index: int) -> float:
        """The edge's share of what the shown edges cost, of the main cost; 0 if it is
        not one of them.
        """
        if self.main_cost is None or index not in self.shown:
            return 0.0
        return self.costs[self.main_cost][index] / self.totals[self.main_cost]


def subject_of(
    fabric: Fabric, architecture: Fabric | None = None, learned: Fabric | None = None
) -> PictureSubject:
    """An architecture over the fabric that it came from; its edges are found by their
    names. `learned` is the fabric with Γ as its probabilities.

    Raises:
        InputError: the architecture or Γ has an edge that the fabric does not have.
    """
    named = {} if architecture is None else {edge.name: edge for edge in architecture.edges}
    learned_edges = {} if learned is None else {edge.name: edge for edge in learned.edges}
    foreign = (named.keys() | learned_edges.keys()) - fabric.edge_index.keys()
    if foreign:
        raise InputError(
            f"the edge {min(foreign)!r} is not one of the fabric's: draw an architecture over the fabric "
            "that it came from"
        )
    return PictureSubject(
        fabric=fabric,
        kept=None if architecture is None else frozenset(fabric.edge_index[name] for name in named),
        probabilities=None if learned is None else _probabilities(fabric, learned_edges),
        costs=_costs([named.get(edge.name, edge) for edge in fabric.edges]),
    )


def subject_of_run(run: RunFolder, architecture: Fabric | None = None) -> PictureSubject:
    """What a run found over its fabric, or another `architecture` of that fabric. The
    cost of the first budget comes first, if it is a sum over edges.

    Raises:
        FabricError, InputError: a file of the run is missing or damaged.
    """
    if architecture is None and run.file("architecture.dot").exists():
        architecture = read_fabric(run.file("architecture.dot"))
    learned = run.file("probabilities.dot")
    subject = subject_of(
        read_fabric(run.file("fabric.dot")), architecture, read_fabric(learned) if learned.exists() else None
    )
    costs = {**subject.costs, **_latencies(run, subject.fabric)}
    asked = [budget.cost for budget in run.read_config().budgets if budget.cost in costs]
    return replace(subject, costs={name: costs[name] for name in (*asked[:1], *costs)})


def _latencies(run: RunFolder, fabric: Fabric) -> Mapping[str, tuple[float, ...]]:
    """Milliseconds of each edge as the search counted them, if the run measured
    any.
    """
    if not run.file("latencies.json").exists():
        return {}
    row = run.read_latencies()
    names = [edge.name for edge in fabric.edges]
    if not row.operation_ms.keys() >= set(names):
        return {}
    factor = 1 + (row.spread or 0.0)
    name = "latency" if row.conditions.engine is None else "latency@onnx"
    return {name: tuple(factor * row.calibrated_ms(edge) for edge in names)}


def _probabilities(fabric: Fabric, learned: Mapping[str, Edge]) -> tuple[float, ...]:
    """Γ of each edge; what has none is always kept."""
    said = [learned[edge.name].probability if edge.name in learned else None for edge in fabric.edges]
    return tuple(
        1.0 if edge.fixed or probability is None else probability
        for edge, probability in zip(fabric.edges, said, strict=True)
    )


def _costs(edges: list[Edge]) -> Mapping[str, tuple[float, ...]]:
    """The costs that a file says of its edges: those counted first, then its own."""
    counted = dict.fromkeys(name for edge in edges for name in edge.computed)
    own = dict.fromkeys(name for edge in edges for name in edge.costs)
    return {
        name: tuple(float(edge.computed.get(name, edge.costs.get(name, 0.0))) for edge in edges)
        for name in (*counted, *(name for name in own if name not in counted))
    }
