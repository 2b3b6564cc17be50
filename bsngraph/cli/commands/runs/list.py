"""`bsngraph list`. Imports no torch."""

from __future__ import annotations

from pathlib import Path

import click

from bsngraph.cli.help_groups import GroupedCommand, option
from bsngraph.cli.shared_options import FILE, format_option


@click.command(cls=GroupedCommand)
@click.argument("folders", metavar="[FOLDER]...", nargs=-1, type=FILE)
@option(
    "--sort",
    metavar="COLUMN",
    default="run",
    show_default=True,
    help="Order the runs by run, fabric, data, budgets, metric, state, time, or by the name of a cost. "
    "Runs that have no such value come last.",
)
@option("--reverse", is_flag=True, help="Put the largest value first.")
@option(
    "--costs",
    metavar="NAMES",
    help="Show these costs of every run, a column for each, e.g. macs,params,latency.  [default: those that "
    "each run has a budget for, else macs]",
)
@format_option
def command(folders: tuple[Path, ...], sort: str, reverse: bool, costs: str | None, form: str) -> None:
    """List the runs in each FOLDER, at any depth: what they were asked, what they
    found, whether they ended.

    A FOLDER may be a run itself, so several runs can be compared by name; without one
    the current folder is looked into. A run that is damaged is listed with what is
    wrong. Hidden folders and links to folders are left out.

    \b
    Example:
      bsngraph list runs
      bsngraph list runs --sort metric --reverse
      bsngraph list runs/first runs/second --costs macs,params --sort params
    """
    from bsngraph.cli.tables.many_runs.runs_table import asked_costs, show_runs, sorted_runs
    from bsngraph.runs.overview.find_runs import MOST_FOLDERS, find_runs
    from bsngraph.runs.overview.listed_run import listed_run_of

    found = find_runs(folders or (Path(),))
    runs = sorted_runs([listed_run_of(folder) for folder in found.folders], sort, reverse=reverse)
    show_runs(runs, form, asked_costs(runs, costs), complete=found.complete)
    if not found.complete:
        click.echo(
            f"not all is listed: there are more than {MOST_FOLDERS:,} folders, or very deep ones: name a "
            "smaller FOLDER",
            err=True,
        )
