"""`bsngraph report`. Imports no torch: what the page says stands in the runs' files."""

from __future__ import annotations

from pathlib import Path

import click

from bsngraph.cli.help_groups import GroupedCommand, option
from bsngraph.cli.shared_options import FILE, ops_option


@click.command(cls=GroupedCommand)
@click.argument("runs", metavar="RUN...", type=FILE, nargs=-1, required=True)
@option("-o", "--output", type=FILE, required=True, help="The page to write: an .html file.")
@option("--overwrite", is_flag=True, help="Replace the page that -o names.")
@ops_option
def command(runs: tuple[Path, ...], output: Path, overwrite: bool) -> None:
    """Write a page about one run, or about several side by side, to send to someone.

    It is one HTML file that needs no other and asks for none: the verdict, the
    architecture as an interactive picture, costs against budgets, curves, where the
    budgets went, trainings, front, schedules, what the network answered, settings and
    the command that makes the run again. A run that is unfinished has a page that says
    so.

    \b
    Example:
      bsngraph report runs/first -o report.html
      bsngraph report runs/first runs/smaller -o both.html
    """
    from bsngraph.reporting import report

    click.echo(str(report(runs, output, overwrite=overwrite)))
