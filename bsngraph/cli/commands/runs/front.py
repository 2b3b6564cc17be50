"""`bsngraph front`. Imports no torch: what is shown stands in the run's files."""

from __future__ import annotations

from pathlib import Path

import click

from bsngraph.cli.help_groups import GroupedCommand, option
from bsngraph.cli.inputs import keep_inputs
from bsngraph.cli.shared_options import FILE, format_option


@click.command(cls=GroupedCommand)
@click.argument("run", type=FILE)
@option("-o", "--output", type=FILE, help="A picture of the front to write as well: .svg or .png.")
@format_option
def command(run: Path, output: Path | None, form: str) -> None:
    """List the networks of RUN, a finished search under a range of limits: for every
    limit the best one inside, its costs and metrics, and its files.

    To use one of them, write a run folder of it by `bsngraph prune RUN`, which also
    answers every limit in between.

    \b
    Example:
      bsngraph front runs/range -o front.png
      bsngraph prune runs/range --budget macs=23% --out runs/one
    """
    from bsngraph.cli.tables.many_runs.front_table import show_front
    from bsngraph.runs.fronts import draw_front, front

    if output is not None:
        keep_inputs(output, run)
    found = front(run)
    if output is not None:
        draw_front(found, output)
        click.echo(str(output), err=form == "json")
    show_front(found, form)
