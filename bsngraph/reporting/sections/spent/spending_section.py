"""Where the budgets went: by edge and by resolution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bsngraph.draw.palette import family_of, long_label, short_label
from bsngraph.fabric import Edge, Fabric
from bsngraph.ops import Shape
from bsngraph.reporting.facts.run_facts import RunFacts
from bsngraph.reporting.sections.spent.edge_costs import SpentCost, spent_costs
from bsngraph.wording import percent, quantity, shape_text, shortened

_MOST_EDGES = 40


@dataclass(frozen=True)
class SpentCell:
    """What is spent of one cost: an amount, its share, and the share as the length of a
    bar, in percent. All are empty or 0 where nothing is spent.
    """

    amount: str
    share: str
    fill: float


@dataclass(frozen=True)
class SpentLine:
    """An edge or a resolution, and what it spends of each cost."""

    name: str
    operation: str
    details: str
    colour: str
    probability: str
    cells: tuple[SpentCell, ...]


@dataclass(frozen=True)
class SpendingSection:
    """Edges stand in the order of what they spend of the first cost; `more` of them are
    left out. `sums` are the costs that are sums over edges: resolutions have cells for
    these alone. `unknown` are budgets of which the files do not say what edges spend.
    """

    costs: tuple[str, ...]
    edges: tuple[SpentLine, ...]
    sums: tuple[str, ...]
    resolutions: tuple[SpentLine, ...]
    more: int
    adds_up: bool
    unknown: tuple[str, ...]


def spending_of(facts: RunFacts) -> SpendingSection | None:
    """Where the budgets of a run went, None before it has a network."""
    network = facts.network
    if network is None:
        return None
    costs, unknown = spent_costs(facts)
    leading = costs[0].per_edge if costs else [0.0] * len(network.edges)
    order = sorted(range(len(network.edges)), key=lambda index: (-leading[index], index))
    return SpendingSection(
        costs=tuple(cost.name for cost in costs),
        edges=tuple(
            _edge_line(network.edges[index], index, costs, facts.probabilities)
            for index in order[:_MOST_EDGES]
        ),
        sums=tuple(cost.name for cost in costs if cost.adds_up),
        resolutions=_resolutions(network, [cost for cost in costs if cost.adds_up]),
        more=max(len(order) - _MOST_EDGES, 0),
        adds_up=all(cost.adds_up for cost in costs),
        unknown=unknown,
    )


def _edge_line(
    edge: Edge, index: int, costs: Sequence[SpentCost], probabilities: Mapping[str, float]
) -> SpentLine:
    probability = probabilities.get(edge.name)
    return SpentLine(
        name=shortened(edge.name),
        operation=short_label(edge),
        details=long_label(edge),
        colour=family_of(edge.op, edge.arguments).colour,
        probability="fixed" if probability is None else f"{probability:.2f}",
        cells=tuple(_cell(float(cost.per_edge[index]), cost.value) for cost in costs),
    )


def _resolutions(network: Fabric, costs: Sequence[SpentCost]) -> tuple[SpentLine, ...]:
    """A line for each size of feature maps that edges lead to, in their order."""
    shapes = {node.name: node.tensor or node.input for node in network.nodes}
    groups: dict[str, list[int]] = {}
    for index, edge in enumerate(network.edges):
        groups.setdefault(_size(shapes[edge.target]), []).append(index)
    return tuple(
        SpentLine(
            name=size,
            operation="1 edge" if len(edges) == 1 else f"{len(edges)} edges",
            details="",
            colour="",
            probability="",
            cells=tuple(_cell(float(cost.per_edge[edges].sum()), cost.value) for cost in costs),
        )
        for size, edges in groups.items()
    )


def _size(shape: Shape | None) -> str:
    """Height and width of a feature map, or the length of a sequence."""
    if shape is None:
        return "unknown"
    positions = shape[1:] if len(shape) == 3 else shape[:-1]
    return shape_text(positions) if positions else "vectors"


def _cell(value: float, whole: float) -> SpentCell:
    if not value:
        return SpentCell("", "", 0.0)
    share = value / whole
    return SpentCell(quantity(value), percent(share), round(100 * share, 2))
