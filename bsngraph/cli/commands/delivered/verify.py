"""`bsngraph verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bsngraph.cli.help_groups import GroupedCommand
from bsngraph.cli.setting_options import set_by_hand, setting_options
from bsngraph.cli.shared_options import FILE, format_option, ops_option
from bsngraph.settings import CostSettings


@click.command(cls=GroupedCommand)
@click.argument("run", type=FILE)
@setting_options(CostSettings)
@ops_option
@format_option
@click.pass_context
def command(context: click.Context, /, run: Path, form: str, **more: Any) -> None:
    """Count again everything that the certificate in RUN states: costs on the delivered
    network itself, budgets, files.

    Costs of your own are counted if --cost names their code, and else stated only.
    Exits with 1 if anything is wrong.

    \b
    Example:
      bsngraph verify runs/first
      bsngraph verify runs/first --cost energy=my_costs.py:energy
    """
    costs = CostSettings(**set_by_hand(CostSettings, more))
    from bsngraph.cli.tables.certificate_table import show_certificate

    context.exit(0 if show_certificate(run, costs, form) else 1)
