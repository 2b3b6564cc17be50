"""What `bsngraph costs` prints: every cost there is."""

from __future__ import annotations

import json

import click
from rich.table import Table

from bsngraph.cli.tables.printing import plain_console


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
        table.add_row(row["name"], row["unit"], row["definition"])
    plain_console().print(table)
