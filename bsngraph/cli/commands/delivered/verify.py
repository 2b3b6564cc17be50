"""`bsngraph verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bsngraph.cli.data_options import data_from, data_options
from bsngraph.cli.help_groups import GroupedCommand
from bsngraph.cli.setting_options import set_by_hand, setting_options
from bsngraph.cli.shared_options import FILE, format_option, ops_option, trust_option
from bsngraph.settings import CostSettings


@click.command(cls=GroupedCommand)
@click.argument("run", type=FILE)
@setting_options(CostSettings)
@data_options
@ops_option
@trust_option
@format_option
@click.pass_context
def command(context: click.Context, /, run: Path, trust: bool, form: str, **more: Any) -> None:
    """Count again everything that the certificate in RUN states: costs on the delivered
    network itself, budgets, files. For a folder that `export` made, prove the export
    again.

    Costs of your own are counted if --cost names their code, and else stated only. The
    metric of an export is measured where its data are, and else stated only. Exits with
    1 if anything is wrong.

    \b
    Example:
      bsngraph verify runs/first
      bsngraph verify runs/first --cost energy=my_costs.py:energy
      bsngraph verify exported
    """
    data = data_from(more)
    costs = CostSettings(**set_by_hand(CostSettings, more))
    from bsngraph.cli.tables.certificate_table import show_verification

    context.exit(0 if show_verification(run, costs, data, form, trusted=trust) else 1)
