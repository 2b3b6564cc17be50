"""`bsngraph costs`."""

from __future__ import annotations

import click

from bsngraph.cli.shared_options import format_option


@click.command()
@format_option
def command(form: str) -> None:
    """List all costs that a budget can limit, with units and definitions.

    \b
    Example:
      bsngraph costs
    """
    from bsngraph.cli.tables.costs_table import show_costs

    show_costs(form)
