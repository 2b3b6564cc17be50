"""What `bsngraph check` prints of a fabric: nodes, edges, costs, the cheapest
sub-network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from bsngraph.cli.tables.printing import plain_console, share
from bsngraph.costs import AdditiveCost
from bsngraph.draw.palette import long_label
from bsngraph.draw.parts.decision_texts import decision_lines, edge_decision
from bsngraph.wording import quantity, shape_text

if TYPE_CHECKING:
    from bsngraph.costs import Cheapest, Cost
    from bsngraph.fabric import Fabric
    from bsngraph.profile import FabricProfile


_MOST_DECISIONS = 100


def fabric_facts(
    profile: FabricProfile, costs: Sequence[Cost], least: Mapping[str, Cheapest]
) -> dict[str, Any]:
    """What `--format json` prints."""
    fabric = profile.fabric
    nodes = [
        {"name": node.name, "shape": list(shape)}
        for node, shape in zip(fabric.nodes, profile.node_shapes, strict=True)
    ]
    edges = [
        {
            "source": edge.source,
            "target": edge.target,
            "key": edge.key,
            "op": edge.op,
            "arguments": dict(edge.arguments),
            "fixed": edge.fixed,
            "probability": edge.probability,
            "gate": edge.gate,
            "choice": edge.choice,
            "costs": {
                cost.name: float(cost.per_edge[index]) for cost in costs if isinstance(cost, AdditiveCost)
            },
        }
        for index, edge in enumerate(fabric.edges)
    ]
    totals = {
        cost.name: {
            "unit": cost.unit,
            "fabric": cost.total,
            "cheapest": least[cost.name].value,
            "proved": least[cost.name].proved,
        }
        for cost in costs
    }
    return {
        "name": fabric.name,
        "nodes": nodes,
        "edges": edges,
        "decisions": _decisions(fabric),
        "costs": totals,
        "uncounted": _uncounted(profile),
    }


def _decisions(fabric: Fabric) -> list[dict[str, Any]]:
    """Everything there is to decide: the options of a choice, of which exactly one is
    kept; or edges, one or those of a gate, that are kept or dropped.
    """
    edges_of, choices = fabric.decisions.edges_of, fabric.decisions.choices

    def option(variable: int) -> dict[str, Any]:
        edges = [fabric.edges[edge] for edge in edges_of[variable]]
        return {"gate": edges[0].gate, "edges": [edge.name for edge in edges]}

    chosen = [
        {"choice": fabric.edges[edges_of[options[0]][0]].choice, "options": list(map(option, options))}
        for options in choices
    ]
    free = [{"choice": None, "options": [option(variable)]} for variable in fabric.decisions.free]
    return [*chosen, *free]


def _uncounted(profile: FabricProfile) -> list[dict[str, Any]]:
    """The torch operators that MACs do not hold, each with the operation and the edges
    it ran in.
    """
    places: dict[tuple[str, str], list[str]] = {}
    for edge, operators in zip(profile.fabric.edges, profile.uncounted, strict=True):
        for operator in operators:
            places.setdefault((operator, edge.op), []).append(edge.name)
    return [
        {"operator": operator, "op": op, "edges": edges} for (operator, op), edges in sorted(places.items())
    ]


def show_fabric(facts: dict[str, Any], profile: FabricProfile, least: Cheapest) -> None:
    """The same for people."""
    fabric = profile.fabric
    console = plain_console()
    console.print(
        Text.assemble(
            (fabric.name or "fabric", "bold"),
            f": {len(fabric.nodes)} nodes, {len(fabric.edges)} edges, {len(fabric.searchable)} searchable",
        )
    )
    console.print(_nodes(profile))
    console.print(_edges(facts, profile))
    for line in decision_lines(fabric, _MOST_DECISIONS):
        console.print(line, soft_wrap=True)
    console.print(_totals(facts))
    console.print(
        "cheapest by macs: " + ", ".join(fabric.edges[edge].name for edge in least.architecture.live),
        soft_wrap=True,
    )
    for gap in facts["uncounted"]:
        text = (
            f"not counted: {gap['operator']} in {gap['op']} on {', '.join(gap['edges'])}: the macs of "
            "these edges may be too small"
        )
        console.print(text, soft_wrap=True)


def _nodes(profile: FabricProfile) -> Table:
    fabric = profile.fabric
    table = Table("node", "shape", "merge", "activation")
    for node, shape in zip(fabric.nodes, profile.node_shapes, strict=True):
        merge = node.merge if node.name not in fabric.sources else ""
        table.add_row(node.name, shape_text(shape), merge, node.activation)
    return table


def _edges(facts: dict[str, Any], profile: FabricProfile) -> Table:
    names = [name for name in facts["edges"][0]["costs"] if name not in ("flops", "bytes")]
    table = Table("edge", "operation", "", *names)
    for edge, row in zip(profile.fabric.edges, facts["edges"], strict=True):
        costs = (quantity(row["costs"][name]) for name in names)
        table.add_row(edge.name, long_label(edge), edge_decision(edge), *costs)
    return table


def _totals(facts: dict[str, Any]) -> Table:
    table = Table("cost", "whole fabric", "cheapest sub-network", "share")
    for name, cost in facts["costs"].items():
        sure = "" if cost["proved"] else " (best found)"
        table.add_row(
            name,
            quantity(cost["fabric"]),
            quantity(cost["cheapest"]) + sure,
            share(cost["cheapest"], cost["fabric"]),
        )
    return table
