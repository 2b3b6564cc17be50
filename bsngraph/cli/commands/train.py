"""`bsngraph train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bsngraph.cli import options


@click.command()
@click.argument("fabric", type=options.FILE)
@options.data_options
@options.task_option
@options.out_options
@click.option("--seed", type=int, default=0, show_default=True, help="Everything random follows from it.")
@options.set_option
@options.ops_option
@options.recipe_options
@options.device_option
@options.threads_option
@options.quiet_option
@options.format_option
def command(
    fabric: Path,
    task: str | None,
    out: Path,
    resume: bool,
    overwrite: bool,
    seed: int,
    settings: tuple[str, ...],
    device: str,
    threads: int | None,
    quiet: bool,
    form: str,
    **more: Any,
) -> None:
    """Train the network of FABRIC with every edge kept, from scratch, by the recipe
    that searches use.

    For a search's architecture.dot and for hand-made networks to compare it with.

    \b
    Example:
      bsngraph train runs/first/architecture.dot --data digits --out runs/from-scratch
    """
    mode = options.open_mode(resume, overwrite)
    recipe = options.recipe_from(more)
    from bsngraph.cli.display import progress_display, show_result
    from bsngraph.searching import train

    profile = options.load_profile(fabric, settings)
    result = train(
        profile,
        options.needed_data_from(more),
        out=out,
        task=task,
        seed=seed,
        recipe=recipe,
        device=device,
        threads=threads,
        mode=mode,
        progress=progress_display(quiet),
    )
    show_result(result, form)
