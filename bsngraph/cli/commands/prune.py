"""`bsngraph prune`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bsngraph.cli import options


@click.command()
@click.argument("run", type=options.FILE)
@options.data_options
@options.budget_option
@options.cost_options
@options.out_options
@options.ops_option
@options.device_option
@options.threads_option
@options.quiet_option
@options.format_option
def command(
    run: Path,
    budgets: tuple[str, ...],
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
    mode = options.open_mode(resume, overwrite)
    from bsngraph.cli.display import progress_display, show_result
    from bsngraph.searching import prune_run

    result = prune_run(
        run,
        budgets,
        out=out,
        data=options.data_from(more),
        device=device,
        threads=threads,
        costs=options.costs_from(more),
        mode=mode,
        progress=progress_display(quiet),
    )
    show_result(result, form)
