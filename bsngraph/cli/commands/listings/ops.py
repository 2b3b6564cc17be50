"""`bsngraph ops`."""

from __future__ import annotations

import click

from bsngraph.cli.shared_options import format_option, ops_option


@click.command()
@ops_option
@format_option
def command(form: str) -> None:
    """List all operations: what each is for, its arguments, their types and defaults.

    \b
    Example:
      bsngraph ops
      bsngraph ops --ops my_ops.py      # yours after bsngraph's own
    """
    from bsngraph.cli.tables.operations_table import show_operations

    show_operations(form)
