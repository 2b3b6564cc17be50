"""`bsngraph explain`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bsngraph.cli.help_groups import GroupedCommand
from bsngraph.cli.setting_options import set_by_hand, setting_options
from bsngraph.cli.shared_options import FILE, format_option, ops_option
from bsngraph.errors import InputError
from bsngraph.settings import CostSettings


@click.command(cls=GroupedCommand)
@click.argument("run", type=FILE)
@setting_options(CostSettings)
@ops_option
@format_option
def command(run: Path, form: str, **more: Any) -> None:
    """Say what each edge of the network in RUN spends of its budgets, and each budget's
    multiplier λ at the end of the search.

    \b
    Example:
      bsngraph explain runs/first
    """
    if not run.is_dir():
        raise InputError(f"{run} is no run folder: name the folder of a finished run")
    costs = set_by_hand(CostSettings, more)
    from bsngraph.cli.tables.spending_table import show_spending
    from bsngraph.measure import CostOptions

    show_spending(run, CostOptions(**costs), form)
