"""`bsngraph search`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from bsngraph.cli.asked.run_options import check_given, run_options
from bsngraph.cli.asked.time_option import in_time, time_option
from bsngraph.cli.data_options import data_options, needed_data_from
from bsngraph.cli.help_groups import GroupedCommand, option
from bsngraph.cli.inputs import load_profile, open_mode
from bsngraph.cli.live.pace import PlannedStage, plan_of_search
from bsngraph.cli.setting_options import set_by_hand, setting_options
from bsngraph.cli.shared_options import (
    FILE,
    budget_option,
    device_option,
    format_option,
    latencies_option,
    ops_option,
    quiet_option,
    seed_option,
    set_option,
    task_option,
    threads_option,
    weights_option,
    workers_option,
)
from bsngraph.errors import InputError
from bsngraph.parallel.launch import launch_here
from bsngraph.settings import PRESETS, WARM_START, CostSettings, Recipe, SearchSettings, resolve_settings

_WARM = ", ".join(
    f"{name.replace('_', '-')} {value:g}"
    for name, value in {**WARM_START.recipe, **WARM_START.settings}.items()
)


@click.command(cls=GroupedCommand)
@click.argument("fabric", type=FILE)
@data_options
@task_option
@budget_option
@latencies_option
@setting_options(CostSettings)
@run_options
@seed_option
@set_option
@ops_option
@option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    help="Start from other settings than the defaults; options given besides go before them. "
    + " ".join(f"{name}: {preset.meaning}." for name, preset in PRESETS.items()),
)
@option(
    "--warm-start",
    metavar="RUN",
    type=FILE,
    help=f"Start from the weights and edge probabilities of another search of this fabric; defaults are then "
    f"{_WARM}.",
)
@weights_option
@setting_options(Recipe)
@setting_options(SearchSettings)
@time_option
@option(
    "--oracle",
    is_flag=True,
    group="choosing",
    help="Judge every sub-network by the shared weights as well, and say what the choice misses (oracle.csv, "
    "oracle.json); for fabrics of at most 14 decisions.",
)
@device_option
@threads_option
@workers_option
@quiet_option
@format_option
def command(
    fabric: Path,
    budgets: tuple[str, ...],
    out: Path,
    resume: bool,
    overwrite: bool,
    quiet: bool,
    form: str,
    **more: Any,
) -> None:
    """Find the best sub-network of FABRIC inside every budget.

    Learns weights and edge probabilities together, chooses the architecture on
    validation data among sub-networks inside the budgets, fine-tunes it, measures it
    once on test data, and writes everything to the run folder --out. Exits with 1 if no
    sub-network is inside the budgets.

    \b
    Example:
      bsngraph search fabrics/digits.dot --data digits --budget macs=25% \\
        --out runs/first --seed 0
      bsngraph search fabrics/digits.dot --data digits --budget latency=2ms \\
        --budget params=40k --out runs/fast
      bsngraph search fabrics/digits.dot --data digits --budget macs=15% \\
        --warm-start runs/first --out runs/smaller
      bsngraph search --resume runs/first
      bsngraph search --config runs/first/config.json --seed 1 --out runs/again
    """
    mode = open_mode(resume, overwrite)
    check_given(fabric, more)
    recipe, settings = _settings(budgets, more)
    from bsngraph.cli.display import progress_display
    from bsngraph.cli.tables.result_table import show_result
    from bsngraph.measure import CostOptions
    from bsngraph.searching import search
    from bsngraph.searching.request import Goal, Method

    profile = load_profile(fabric, more.pop("parameters"))
    data, seconds = needed_data_from(more), more.pop("time")
    costs = CostOptions(latencies=more.pop("latencies"), **set_by_hand(CostSettings, more))
    if seconds is not None:
        goal = Goal(data=data, task=more["task"], budgets=budgets, costs=costs)
        method = Method(recipe=recipe, settings=settings, seed=more["seed"])
        data, recipe, settings = in_time(profile, goal, method, seconds, more, quiet=quiet)
    progress = progress_display(quiet, _planned(budgets, recipe, settings))
    result = search(
        profile,
        data,
        budgets,
        out=out,
        recipe=recipe,
        settings=settings,
        costs=costs,
        mode=mode,
        progress=progress,
        **more,
    )
    progress.finish()
    show_result(result, form, hints=not quiet)


def _planned(budgets: Sequence[str], recipe: Recipe, settings: SearchSettings) -> list[PlannedStage]:
    """The stages of the search; of a range all networks are fine-tuned."""
    from bsngraph.costs import asks_range
    from bsngraph.costs.budgets import FRONT

    return plan_of_search(recipe, settings, FRONT if asks_range(budgets) else 1)


def _check_processes(settings: SearchSettings, *, timed: bool) -> None:
    """Make sure that several processes have something to share."""
    processes = launch_here().size
    if processes == 1:
        return
    if settings.shards == 1:
        raise InputError(
            f"{processes} processes cannot share a batch that is one shard: give --shards {processes}, or a "
            "multiple of it"
        )
    if timed:
        raise InputError("--time measures in one process: search without it, or without torchrun")


def _settings(budgets: Sequence[str], more: dict[str, Any]) -> tuple[Recipe, SearchSettings]:
    """What is set by hand, over a preset or what is usual after a warm start and for a
    range.
    """
    from bsngraph.costs import asks_range

    recipe, settings = set_by_hand(Recipe, more), set_by_hand(SearchSettings, more)
    warm, ranged = more["warm_start"] is not None, asks_range(budgets)
    found = resolve_settings(more["preset"], warm=warm, ranged=ranged, recipe=recipe, settings=settings)
    _check_processes(found[1], timed=more["time"] is not None)
    return found
