"""`bsngraph sweep`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bsngraph.cli.data_options import data_options, needed_data_from
from bsngraph.cli.help_groups import GroupedCommand, GroupedOption, option
from bsngraph.cli.setting_options import set_by_hand, setting_options
from bsngraph.cli.several_values import axes_by_hand, several_of, several_values
from bsngraph.cli.shared_options import (
    FILE,
    device_option,
    format_option,
    latencies_option,
    ops_option,
    quiet_option,
    task_option,
)
from bsngraph.errors import InputError
from bsngraph.settings import PRESETS, CostSettings, Recipe, SearchSettings
from bsngraph.sweeping.ahead import workers_ahead

if TYPE_CHECKING:
    from bsngraph.sweeping.outcomes.swept_runs import Sweep
    from bsngraph.sweeping.plan import SweepRequest


def _share(context: click.Context, parameter: click.Parameter, text: str) -> tuple[int, int]:
    """`2/4`: the second of four shares."""
    number, _, shares = text.partition("/")
    try:
        return int(number), int(shares)
    except ValueError:
        raise InputError(f"--only {text} does not read I/N: write e.g. 2/4 for the second of 4") from None


@click.command(cls=GroupedCommand)
@click.argument("fabric", metavar="FABRIC", type=FILE)
@data_options
@task_option
@option(
    "--budget",
    "budgets",
    metavar="NAME=LIMIT,…",
    multiple=True,
    group="budgets",
    help="Limits on a cost, one for each run: macs=10%,25%,50%. `bsngraph search` says how limits read. May "
    "be repeated, for other costs too.",
)
@latencies_option
@setting_options(CostSettings)
@option("--out", type=FILE, help="The folder of the sweep: each run is a run folder in it.")
@option(
    "--seeds",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help="Run with N seeds, from 0 on, or from --seed on.  [default: 1]",
)
@several_of(
    GroupedOption(["--seed", "given_seeds"], type=int, help="The seed of everything random.  [default: 0]")
)
@option(
    "--set",
    "parameters",
    metavar="NAME=VALUE,…",
    multiple=True,
    help="Values of a parameter of the fabric ($NAME in its file), one for each run: channels=8,16. A value "
    "that holds a comma stands in double quotes. May be repeated.",
)
@ops_option
@option("--preset", type=click.Choice(list(PRESETS)), help="Start from other settings than the defaults.")
@option(
    "--warm-start",
    metavar="RUN",
    type=FILE,
    help="Start each search from the weights and edge probabilities of another search of the fabric.",
)
@several_values(Recipe)
@several_values(SearchSettings)
@option("--oracle", is_flag=True, group="choosing", help="Judge every sub-network of each run as well.")
@device_option
@option(
    "--threads",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    group="hardware",
    help="How many CPU threads each run computes with.",
)
@option(
    "--workers",
    type=click.IntRange(min=1),
    group="hardware",
    help="How many runs go on at once, each in a process of this machine.  [default: as many as cores; 1 on "
    "a GPU, or where latencies are measured]",
)
@option(
    "--ray",
    metavar="ADDRESS",
    group="hardware",
    help="Run on the Ray cluster at this address; auto finds the one that this machine is in, local starts "
    "one here.",
)
@option(
    "--only",
    default="1/1",
    callback=_share,
    metavar="I/N",
    group="hardware",
    help="Run the I-th of N shares of the runs, for N machines or jobs over one --out.  [default: all]",
)
@option("--status", is_flag=True, help="Show how the sweep in the folder FABRIC stands, and run nothing.")
@quiet_option
@format_option
def command(fabric: Path, out: Path | None, status: bool, quiet: bool, form: str, **more: Any) -> None:
    """Search once for every combination of budgets, seeds and other values.

    Options under Learning, Choosing and The delivered network, --budget, --set and
    --seed may have several values: repeat the option, or write commas between. What
    `bsngraph search` takes for one value is one value: --drops 0.6,0.85.

    Each combination is a run folder in --out. What has finished is not run again, what
    was interrupted goes on, a failed run is tried again and stops no other. More values
    of what varies add runs. sweep.csv, front.csv and front.svg grow as runs end. Exits
    with 1 if a run failed; a budget that nothing is inside is no failure.

    \b
    Example:
      bsngraph sweep fabrics/digits.dot --data digits --budget macs=10%,25%,50% \\
        --seeds 3 --out runs/sweep
      bsngraph sweep fabrics/digits.dot --data digits --budget macs=25% \\
        --set channels=8,16 --epochs 20,40 --out runs/sizes --workers 2
      bsngraph sweep runs/sweep --status
    """
    from bsngraph.cli.tables.sweep_table import show_sweep
    from bsngraph.sweeping.outcomes.swept_runs import read_sweep

    if status:
        show_sweep(read_sweep(fabric), form)
        return
    if out is None:
        raise InputError("where to? name the folder of the sweep, e.g. --out runs/sweep")
    with workers_ahead(more["workers"], more["ray"], more["device"], more["budgets"]):
        swept = _swept(fabric, out, quiet, more)
    show_sweep(swept, form)
    _exit_if_failed(swept)


def _swept(fabric: Path, out: Path, quiet: bool, more: dict[str, Any]) -> Sweep:
    """Run what the options ask for."""
    from bsngraph.cli.tables.sweep_table import sweep_display
    from bsngraph.sweeping.spreading import Spreading
    from bsngraph.sweeping.sweep import run_sweep

    spreading = Spreading(more.pop("workers"), more.pop("ray"), more.pop("only"))
    request = _request(fabric, more)
    try:
        with sweep_display(quiet) as display:
            return run_sweep(request, out, spreading, display)
    except KeyboardInterrupt:
        click.echo("\nWhat was done is kept: the same command goes on.", err=True)
        raise


def _request(fabric: Path, more: dict[str, Any]) -> SweepRequest:
    """What the options ask for."""
    from bsngraph.measure import CostOptions
    from bsngraph.sweeping.axes import budget_axes, parameter_axes, seed_axis
    from bsngraph.sweeping.plan import SweepRequest

    return SweepRequest(
        fabric=fabric,
        axes=(
            *budget_axes(more.pop("budgets")),
            *parameter_axes(more.pop("parameters")),
            *axes_by_hand(Recipe, more),
            *axes_by_hand(SearchSettings, more),
            seed_axis(_seeds(more.pop("seeds"), more.pop("given_seeds"))),
        ),
        data=needed_data_from(more),
        costs=CostOptions(latencies=more.pop("latencies"), **set_by_hand(CostSettings, more)),
        **more,
    )


def _seeds(count: int | None, read: tuple[tuple[str, int], ...]) -> tuple[int, ...]:
    """So many seeds from the one given on, or those given.

    Raises:
        InputError: a number of seeds, and several of them.
    """
    if count is not None and len(read) > 1:
        raise InputError("--seeds and several --seed exclude each other: say how many, or which")
    given = tuple(seed for _, seed in read)
    first = given[0] if given else 0
    return given if len(given) > 1 else tuple(range(first, first + (count or 1)))


def _exit_if_failed(swept: Sweep) -> None:
    """End with 1 if a run failed."""
    if "failed" in swept.counts:
        click.get_current_context().exit(1)
