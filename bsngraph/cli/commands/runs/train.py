"""`bsngraph train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bsngraph.cli.asked.run_options import check_given, run_options
from bsngraph.cli.data_options import data_options, needed_data_from
from bsngraph.cli.help_groups import GroupedCommand
from bsngraph.cli.inputs import load_profile, open_mode
from bsngraph.cli.setting_options import set_by_hand, setting_options
from bsngraph.cli.shared_options import (
    FILE,
    device_option,
    format_option,
    ops_option,
    quiet_option,
    seed_option,
    set_option,
    task_option,
    threads_option,
    weights_option,
)
from bsngraph.settings import Recipe, resolve_recipe


@click.command(cls=GroupedCommand)
@click.argument("fabric", type=FILE)
@data_options
@task_option
@run_options
@seed_option
@set_option
@ops_option
@weights_option
@setting_options(Recipe)
@device_option
@threads_option
@quiet_option
@format_option
def command(
    fabric: Path,
    task: str | None,
    out: Path,
    resume: bool,
    overwrite: bool,
    seed: int,
    parameters: tuple[str, ...],
    device: str,
    threads: int | None,
    quiet: bool,
    form: str,
    **more: Any,
) -> None:
    """Train the network of FABRIC with every edge kept, from scratch or from --weights,
    by the recipe that searches use.

    For a search's architecture.dot and for hand-made networks to compare it with.

    \b
    Example:
      bsngraph train runs/first/architecture.dot --data digits --out runs/from-scratch
      bsngraph train --resume runs/from-scratch
    """
    mode = open_mode(resume, overwrite)
    check_given(fabric, more)
    recipe = resolve_recipe(set_by_hand(Recipe, more))
    from bsngraph.cli.display import progress_display
    from bsngraph.cli.live.pace import PlannedStage
    from bsngraph.cli.tables.result_table import show_result
    from bsngraph.searching import train

    profile = load_profile(fabric, parameters)
    progress = progress_display(quiet, [PlannedStage("training", recipe.epochs)])
    result = train(
        profile,
        needed_data_from(more),
        out=out,
        task=task,
        seed=seed,
        recipe=recipe,
        weights=more["weights"],
        device=device,
        threads=threads,
        mode=mode,
        progress=progress,
    )
    progress.finish()
    show_result(result, form, hints=not quiet)
