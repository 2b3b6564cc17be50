"""`bsngraph prune`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bsngraph.cli.data_options import data_from, data_options
from bsngraph.cli.help_groups import GroupedCommand
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
)
from bsngraph.settings import CostSettings


@click.command(cls=GroupedCommand)
@click.argument("run", type=FILE)
@data_options
@budget_option
@latencies_option
@setting_options(CostSettings)
@out_options
@ops_option
@device_option
@threads_option
@quiet_option
@format_option
def command(
    run: Path,
    budgets: tuple[str, ...],
    latencies: Path | None,
    out: Path,
    resume: bool,
    overwrite: bool,
    device: str,
    threads: int | None,
    quiet: bool,
    form: str,
    **more: Any,
) -> None:
    """Choose again from the finished search in RUN, under another budget.

    The weights and edge probabilities that the search learned are used as they are; the
    chosen network is fine-tuned, measured and written to --out, as a search does.

    \b
    Example:
      bsngraph prune runs/first --budget macs=15% --out runs/smaller
    """
    mode = open_mode(resume, overwrite)
    from bsngraph.cli.display import progress_display
    from bsngraph.cli.tables.result_table import show_result
    from bsngraph.measure import CostOptions
    from bsngraph.searching import prune_run

    result = prune_run(
        run,
        budgets,
        out=out,
        data=data_from(more),
        device=device,
        threads=threads,
        costs=CostOptions(**set_by_hand(CostSettings, more), latencies=latencies),
        mode=mode,
        progress=progress_display(quiet),
    )
    show_result(result, form)
