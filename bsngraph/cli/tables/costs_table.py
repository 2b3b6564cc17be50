"""`bsngraph check --costs`: every cost there is; of a fabric or a run, which edges
spend its budgets.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bsngraph.draw.palette import long_label
from bsngraph.wording import percent, quantity

if TYPE_CHECKING:
    from bsngraph.delivered.spent import Spent
    from bsngraph.measure import CostOptions


def show_costs(form: str) -> None:
    """Print the table of costs with units and definitions."""
    from bsngraph.costs import COSTS

    rows = [
        {
            "name": f"{name}:{kind.argument}" if kind.argument else name,
            "unit": kind.unit,
            "definition": kind.definition,
        }
        for name, kind in COSTS.items()
    ]
    rows += [
        {
            "name": "NAME",
            "unit": "",
            "definition": "the sum of cost_NAME over live edges, where the fabric's file annotates every "
            "edge",
        },
        {
            "name": "NAME",
            "unit": "",
            "definition": "your own function from an architecture to a number: --cost NAME=FILE.py:FUNCTION",
        },
    ]
    if form == "json":
        click.echo(json.dumps({"costs": rows}, indent=2, ensure_ascii=False))
        return
    table = Table("cost", "unit", "definition")
    for row in rows:
        table.add_row(row["name"], row["unit"], escape(row["definition"]))
    Console(highlight=False).print(table)


def show_spending(folder: Path, costs: CostOptions, form: str) -> None:
    """Print what each edge of a run's architecture spends of its budgets, and each
    budget's multiplier.

    Raises:
        InputError: there is no finished run, or one of its costs cannot be counted
            without its code.
    """
    from bsngraph.delivered import spending_of_run

    spent = spending_of_run(folder, costs)
    if form == "json":
        click.echo(json.dumps(_facts(spent), indent=2, ensure_ascii=False))
    else:
        _show(spent)


def _facts(spent: Spent) -> dict[str, Any]:
    return {
        "costs": [
            {
                "name": part.cost.name,
                "unit": part.cost.unit,
                "value": part.value,
                "limit": part.limit,
                "multiplier": part.multiplier,
                "edges": {
                    edge.name: float(value)
                    for edge, value in zip(spent.fabric.edges, part.per_edge, strict=True)
                },
            }
            for part in spent.parts
        ]
    }


def _show(spent: Spent) -> None:
    console = Console(highlight=False)
    for part in spent.parts:
        limit = f" of {quantity(part.limit)}" if part.limit is not None else ""
        multiplier = (
            f", λ {part.multiplier:.3g} at the end of the search" if part.multiplier is not None else ""
        )
        unit = "" if part.cost.unit.lower() in ("", part.cost.name) else f" {part.cost.unit}"
        console.print(
            f"[bold]{escape(part.cost.name)}[/bold]: {quantity(part.value)}{limit}{unit}{multiplier}"
        )
    table = Table("edge", "operation", *(escape(part.cost.name) for part in spent.parts))
    leading = spent.parts[0].per_edge
    for index in sorted(range(len(spent.fabric.edges)), key=lambda index: (-leading[index], index)):
        edge = spent.fabric.edges[index]
        cells = []
        for part in spent.parts:
            value = float(part.per_edge[index])
            cells.append(f"{quantity(value)}  {percent(value / part.value)}" if value and part.value else "")
        table.add_row(escape(edge.name), escape(long_label(edge)), *cells)
    console.print(table)
    if any(not part.adds_up for part in spent.parts):
        console.print(
            "Of costs that are no sums it is what the network would save without the edge, of a latency "
            "what was measured of the"
        )
        console.print("edge by itself: neither need add up.")
