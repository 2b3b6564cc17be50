"""The options that benchmarks have in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import torch

Function = Callable[..., Any]


def repeats_of(repeats: int | None, *, quick: bool, usual: int = 7) -> int:
    """How often each way is run: what was asked for, or 3 in a quick run."""
    return repeats or (3 if quick else usual)


quick_option = click.option(
    "--quick",
    is_flag=True,
    help="Run fewer cases and repeats and keep no rows: to see that it runs, not for numbers.",
)
repeats_option = click.option(
    "--repeats",
    type=click.IntRange(min=1),
    help="How often each way is run after warming up; without it a quick run has 3.",
)
threads_option = click.option(
    "--threads",
    type=click.IntRange(min=1),
    default=torch.get_num_threads,
    help="Threads of torch; as many as it takes by itself if not given.",
)
device_option = click.option("--device", default="cpu", show_default=True, help="cpu or cuda.")
limit_option = click.option(
    "--limit",
    type=click.IntRange(min=0),
    help="Make at most so many of the missing rows; 0 makes the table of the kept ones alone.",
)


class Part(click.ParamType):
    """`0/2`: the first of two shares of the work."""

    name = "I/N"

    def convert(
        self, value: str | tuple[int, int], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        number, _, parts = value.partition("/")
        if not (number.isdigit() and parts.isdigit() and int(number) < int(parts)):
            self.fail(f"{value!r} is not a share such as 0/2 or 1/2", param, ctx)
        return int(number), int(parts)


part_option = click.option(
    "--part",
    type=Part(),
    default="0/1",
    show_default=True,
    help="One of N shares of the missing rows, for processes side by side.",
)


def search_options(rows: Path, epochs: int, finetune_epochs: int) -> Callable[[Function], Function]:
    """How long a search is, `epochs` and `finetune_epochs` if not said, and the file of
    its rows, `path` to the function.
    """
    options = (
        click.option(
            "--epochs", type=int, default=epochs, show_default=True, help="Of learning in a search."
        ),
        click.option(
            "--finetune-epochs", type=int, default=finetune_epochs, show_default=True, help="After it."
        ),
        click.option(
            "--rows",
            "path",
            type=click.Path(dir_okay=False, path_type=Path),
            default=rows,
            help="File of kept rows; name another one for other epochs.",
        ),
    )

    def with_options(function: Function) -> Function:
        for option in reversed(options):
            function = option(function)
        return function

    return with_options
