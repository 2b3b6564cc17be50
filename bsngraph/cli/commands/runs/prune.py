"""`bsngraph prune`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bsngraph.cli.data_options import data_from, data_options
from bsngraph.cli.help_groups import GroupedCommand, option
from bsngraph.cli.inputs import open_mode
from bsngraph.cli.setting_options import set_by_hand, setting_options
from bsngraph.cli.shared_options import (
    FILE,
    budget_option,
    device_option,
    format_option,
    latencies_option,
    ops_option,
    out_options,
    quiet_option,
    threads_option,
    workers_option,
)
from bsngraph.settings import CostSettings, Recipe, SearchSettings

_AS_SEARCHED = "as in the search"
_RECIPE = {"batch_size": _AS_SEARCHED}
_SETTINGS = {
    "candidates": "as in the search, without --finalists at most 32",
    "neighbour_rounds": "as in the search, without --finalists at most 2",
    "finalists": "0",
    "pool": _AS_SEARCHED,
    "finalist_epochs": _AS_SEARCHED,
    "finetune_epochs": "0",
    "finetune_rate": _AS_SEARCHED,
}


@click.command(cls=GroupedCommand)
@click.argument("run", type=FILE)
@data_options
@budget_option
@latencies_option
@setting_options(CostSettings)
@setting_options(Recipe, _RECIPE)
@setting_options(SearchSettings, _SETTINGS)
@option(
    "--weights",
    metavar="FILE",
    type=FILE,
    group="learning",
    help="The file of weights that the search began with, if it began with one: finalists that --finalists "
    "trains begin with it, too.",
)
@out_options
@option("--seed", type=int, help="The seed of everything random.  [default: as in the search]")
@ops_option
@device_option
@threads_option
@workers_option
@quiet_option
@format_option
def command(
    run: Path,
    budgets: tuple[str, ...],
    latencies: Path | None,
    out: Path,
    resume: bool,
    overwrite: bool,
    seed: int | None,
    device: str,
    threads: int | None,
    quiet: bool,
    form: str,
    **more: Any,
) -> None:
    """Choose again from the finished search in RUN, under another budget, within
    seconds.

    Nothing is trained unless you ask for it. The network that is best on validation
    data as it is gets measured and written to --out as a search does: one that the
    search delivered, a finalist that it trained, or one with weights inherited from the
    super-network. The result says which. --finetune-epochs trains the network further,
    --finalists trains finalists first. Of a search under a range of limits, any limit
    can be asked for.

    \b
    Example:
      bsngraph prune runs/first --budget macs=15% --out runs/smaller
      bsngraph prune runs/first --budget macs=15% --out runs/tuned --finetune-epochs 20
      bsngraph prune runs/range --budget macs=23% --out runs/one
    """
    mode = open_mode(resume, overwrite)
    from bsngraph.cli.display import progress_display
    from bsngraph.cli.tables.result_table import show_result
    from bsngraph.measure import CostOptions
    from bsngraph.searching import prune_run

    data, costs = data_from(more), CostOptions(**set_by_hand(CostSettings, more), latencies=latencies)
    result = prune_run(
        run,
        budgets,
        out=out,
        seed=seed,
        data=data,
        weights=more.pop("weights"),
        device=device,
        threads=threads,
        workers=more.pop("workers"),
        costs=costs,
        mode=mode,
        progress=progress_display(quiet),
        **set_by_hand(Recipe, more),
        **set_by_hand(SearchSettings, more),
    )
    show_result(result, form)
