"""`bsngraph render`. Imports no torch, unless shapes or steps are to be computed: what
a picture of a fabric says stands in the files.
"""

from __future__ import annotations

from pathlib import Path

import click

from bsngraph.cli.help_groups import GroupedCommand, option
from bsngraph.cli.inputs import graph_file, keep_inputs, load_profile, parse_parameters
from bsngraph.cli.shared_options import FILE, ops_option, set_option
from bsngraph.errors import InputError


@click.command(cls=GroupedCommand)
@click.argument("source", metavar="FABRIC|RUN", type=FILE)
@option("-o", "--output", type=FILE, required=True, help="The picture to write: .svg, .png or .dot.")
@option(
    "--shapes",
    is_flag=True,
    help="Compute a fabric's shapes and MACs first, whatever the file says of them, so that they are drawn.",
)
@option(
    "--cores",
    type=click.IntRange(min=1),
    help="Draw the schedule of all edges on that many cores: which edge runs at which step.",
)
@option(
    "--curves",
    is_flag=True,
    help="Draw a run's curves, as far as it has come, in place of its architecture: loss, metric, costs, λ, "
    "entropy of Γ.",
)
@set_option
@ops_option
def command(
    source: Path, output: Path, shapes: bool, cores: int | None, curves: bool, parameters: tuple[str, ...]
) -> None:
    """Draw a fabric file, or the architecture that a run found, over its fabric.

    A file of learned probabilities (a run's probabilities.dot) is drawn with widths by
    probability. Shapes and costs are drawn where the file carries them, as every file
    written by bsngraph does, or with --shapes. With --cores the schedule behind the
    cost steps:N of all edges of the file, or of the run's architecture, is drawn as a
    Gantt chart (.svg or .png); with --shapes its MACs are counted anew. With --curves
    a run's metrics.jsonl is drawn over its epochs (.svg or .png), while the run goes on
    as well.

    \b
    Example:
      bsngraph render fabrics/digits.dot -o digits.svg --shapes
      bsngraph render runs/first -o first.png
      bsngraph render runs/first --cores 4 -o schedule.svg
      bsngraph render runs/first --curves -o curves.png
    """
    keep_inputs(output, source)
    if curves and cores is not None:
        raise InputError("--curves and --cores exclude each other: draw one after the other")
    if curves:
        _render_curves(source, output)
    elif cores is not None:
        _render_schedule(source, output, cores, parameters, shapes)
    else:
        from bsngraph.draw import render

        if shapes and not source.is_dir():
            render(load_profile(source, parameters).annotated(), output)
        else:
            render(source, output, settings=parse_parameters(parameters))
    click.echo(str(output))


def _render_schedule(
    source: Path, output: Path, cores: int, parameters: tuple[str, ...], count: bool
) -> None:
    """Draw the schedule by the MACs that the file carries, and say so; or count them
    first.
    """
    import numpy as np

    from bsngraph.costs.schedules.schedule_costs import Steps, check_cores, schedule_of
    from bsngraph.draw.charts.gantt import Chart, check_bars, render_gantt
    from bsngraph.fabric import read_fabric

    check_cores(cores)
    file = graph_file(source)
    fabric = read_fabric(file, parse_parameters(parameters))
    written = not count and all("macs" in edge.computed for edge in fabric.edges)
    note = f"by the MACs that {file.name} says: --shapes counts them anew" if written else ""
    if not written:
        fabric = load_profile(file, parameters).annotated()
    cost = Steps(fabric, np.array([edge.computed["macs"] for edge in fabric.edges]), cores)
    check_bars(int(np.count_nonzero(cost.durations)))
    jobs = schedule_of(cost, np.ones(len(fabric.edges), dtype=np.bool_))
    title = f"{fabric.name or source.stem}: {cost.name}"
    render_gantt(fabric, [Chart(title, cost.unit, cores, jobs, cost.total, note)], output)
    if note:
        click.echo(f"{output}: the schedule is drawn {note}", err=True)


def _render_curves(run: Path, output: Path) -> None:
    from bsngraph.draw.charts.curves import render_curves
    from bsngraph.runs import RunFolder

    folder = RunFolder(run)
    rows = folder.read_metrics()
    if not rows:
        raise InputError(f"{run}: there are no epochs in it yet (metrics.jsonl): is it a run folder?")
    render_curves(rows, output)
