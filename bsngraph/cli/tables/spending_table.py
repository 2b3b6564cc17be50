"""What `bsngraph explain` prints: which edges spend a run's budgets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table
from rich.text import Text

from bsngraph.cli.tables.printing import plain_console
from bsngraph.draw.palette import long_label
from bsngraph.wording import percent, quantity

if TYPE_CHECKING:
    from bsngraph.delivered.spent import Spent
    from bsngraph.measure import CostOptions


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
    console = plain_console()
    for part in spent.parts:
        limit = f" of {quantity(part.limit)}" if part.limit is not None else ""
        multiplier = (
            f", λ {part.multiplier:.3g} at the end of the search" if part.multiplier is not None else ""
        )
        unit = "" if part.cost.unit.lower() in ("", part.cost.name) else f" {part.cost.unit}"
        amounts = f": {quantity(part.value)}{limit}{unit}{multiplier}"
        console.print(Text.assemble((part.cost.name, "bold"), amounts))
    table = Table("edge", "operation", *(part.cost.name for part in spent.parts))
    leading = spent.parts[0].per_edge
    for index in sorted(range(len(spent.fabric.edges)), key=lambda index: (-leading[index], index)):
        edge = spent.fabric.edges[index]
        cells = []
        for part in spent.parts:
            value = float(part.per_edge[index])
            cells.append(f"{quantity(value)}  {percent(value / part.value)}" if value and part.value else "")
        table.add_row(edge.name, long_label(edge), *cells)
    console.print(table)
    if any(not part.adds_up for part in spent.parts):
        console.print(
            "The values of edges need not add up: of a cost that is no sum, each is what the network would "
            "save without the edge; of a latency, what the edge took by itself."
        )
