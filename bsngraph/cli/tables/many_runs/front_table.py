"""What `bsngraph front` prints: a row a limit."""

from __future__ import annotations

import json

import click
from rich.table import Table

from bsngraph.cli.tables.printing import plain_console
from bsngraph.reporting.facts.metric_words import metric_title, metric_value
from bsngraph.runs.rows.front import Front, FrontRow
from bsngraph.typed_files import plain
from bsngraph.wording import quantity


def show_front(front: Front, form: str) -> None:
    """The rows of a front as a table, or as they are (`form` is text or json)."""
    if form == "json":
        click.echo(json.dumps(plain(front), indent=2, ensure_ascii=False))
        return
    unit = f" ({front.unit})" if front.unit and front.unit.lower() != front.cost else ""
    console = plain_console()
    shown = metric_title(front.metric)
    console.print(f"limits of {front.cost}{unit}, {shown} of the best network inside", soft_wrap=True)
    table = Table("limit", "cost", "validation", "test")
    for heading in ("weights", "network"):
        table.add_column(heading, no_wrap=True)
    for row in front.rows:
        table.add_row(quantity(row.limit), *_cells(front, row))
    console.print(table)


def _cells(front: Front, row: FrontRow) -> tuple[str, ...]:
    if row.architecture is None:
        return "", "", "", "none inside", ""
    figures = (row.validation[front.metric], row.test[front.metric])
    return (
        quantity(row.costs[front.cost]),
        *(metric_value(front.metric, figure) for figure in figures),
        row.weights or "",
        row.architecture,
    )
