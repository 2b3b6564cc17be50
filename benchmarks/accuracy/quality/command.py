"""The command: trains the networks whose rows are missing, then prints the tables and
draws the pictures of all rows.

    python -m benchmarks quality [--problem P] [--method M] [--seed S] [--part I/N]
                                 [--limit N] [--list]
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import torch

from benchmarks.accuracy.quality import fronts
from benchmarks.accuracy.quality.methods import Means
from benchmarks.accuracy.quality.pictures import draw_pictures
from benchmarks.accuracy.quality.problems import METHODS, PROBLEMS
from benchmarks.accuracy.quality.report import report
from benchmarks.accuracy.quality.rows import read_rows
from benchmarks.accuracy.quality.runner import part_of, planned, run
from benchmarks.shared import rows as kept_rows
from benchmarks.shared.options import limit_option, part_option
from benchmarks.shared.rows import Row, rows_file

ROOT = Path(__file__).parents[3]


def every_report(rows: Sequence[Row]) -> str:
    """The tables of all budgets, of each, and of fronts."""
    return "\n\n".join(filter(None, [report(rows), fronts.report(rows)]))


TABLES = {"quality": every_report}


@click.command("quality")
@limit_option
@part_option
@click.option(
    "--problem",
    "problems",
    type=click.Choice(list(PROBLEMS)),
    multiple=True,
    default=tuple(problem.name for problem in PROBLEMS.values() if problem.usual),
    help="What to compare on; again for more. Without it all but fashion-28.",
)
@click.option(
    "--method",
    "methods",
    type=click.Choice(METHODS),
    multiple=True,
    default=METHODS,
    help="A way to choose; again for more. Without it all.",
)
@click.option("--seed", "seeds", type=int, multiple=True, help="Again for more. Without it all.")
@click.option(
    "--kept",
    type=click.Path(file_okay=False, path_type=Path),
    default=ROOT / "runs" / "quality",
    help="Folder of choices that took long.",
)
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="Of the processor.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option("--list", "listed", is_flag=True, help="Print the missing rows, and make none.")
def command(
    limit: int | None,
    part: tuple[int, int],
    problems: tuple[str, ...],
    methods: tuple[str, ...],
    seeds: tuple[int, ...],
    kept: Path,
    threads: int,
    device: str,
    listed: bool,
) -> None:
    """Train what methods choose under one budget; tables and pictures of it.

    Example: python -m benchmarks quality --limit 0
    """
    torch.set_num_threads(threads)
    path = rows_file("quality")
    keys = part_of(planned([PROBLEMS[name] for name in problems], methods, seeds or None), *part)
    if listed:
        there = read_rows(path)
        click.echo("\n".join(str(key) for key in keys if key not in there))
        return
    done = run(keys, Means(path, kept, threads, device), limit)
    click.echo(f"{done} networks trained\n\n{every_report(kept_rows.read_rows(path))}")
    draw_pictures(read_rows(path), ROOT / "docs" / "pictures")
