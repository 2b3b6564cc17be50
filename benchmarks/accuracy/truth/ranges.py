"""How far the answers of one search of a range are from the best networks there are, by
the table of true accuracies.

A search of a small fabric from 20 to 65 % of its MACs, by the defaults of a range;
`prune` answers budgets between, without training, and what it answers is looked up in
the table. A row is kept for each answer; searches that have all rows are not run again.

    python -m benchmarks ranges [--seeds 3] [--limit N]
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click
import torch

import bsngraph
from benchmarks.accuracy.truth.accuracies import FABRICS, edges_text, read_fabric
from benchmarks.accuracy.truth.regret import read_truth
from benchmarks.accuracy.truth.searches import DATA
from benchmarks.shared.options import limit_option
from benchmarks.shared.rows import Row, append_rows, by_key, read_rows, rows_file
from benchmarks.shared.tables import table
from bsngraph.settings import resolve_settings

RANGE = "macs=20%..65%"
ANSWERED = (20, 25, 30, 35, 40, 45, 50, 55, 60, 65)  # % of the MACs
KEY = ("fabric", "budget", "seed")
SHOWN = {"typical": "{:.2f} below", "regret": "{:.2f}", "spent": "{:.0f} %", "an answer's CPU s": "{:.1f}"}


def measure(fabric: str, seed: int, folder: Path) -> list[Row]:
    """The rows of a search; each has the seconds of the whole search."""
    profile = bsngraph.profile_fabric(read_fabric(fabric))
    recipe, settings = resolve_settings(
        None,
        ranged=True,
        recipe={"batch_size": 64, "augment": False},
        settings={"finalist_epochs": 5, "finetune_epochs": 0},
    )
    start = time.process_time()
    bsngraph.search(
        profile,
        DATA,
        [RANGE],
        out=folder / "run",
        seed=seed,
        recipe=recipe,
        settings=settings,
        device="cpu",
        threads=1,
    )
    seconds, rows = time.process_time() - start, []
    for budget in ANSWERED:
        start = time.process_time()
        answer = bsngraph.prune_run(
            folder / "run", f"macs={budget}%", out=folder / str(budget), device="cpu", threads=1
        )
        cost = profile.macs[list(answer.architecture.live)].sum()
        rows.append(
            {
                **dict(zip(KEY, (fabric, budget, seed), strict=True)),
                "edges": edges_text(answer.architecture),
                "share": round(float(100 * cost / budget / profile.macs.sum()), 3),
                "cpu_seconds": round(seconds),
                "answer_cpu_seconds": round(time.process_time() - start, 1),
            }
        )
    return rows


def report(rows: Sequence[Row]) -> str:
    """The regret of each fabric's answers, budget by budget and on average."""
    made: list[Row] = []
    for fabric in FABRICS:
        lines = [
            _line(fabric, budget, here)
            for budget in ANSWERED
            if (here := [row for row in rows if (row["fabric"], row["budget"]) == (fabric, budget)])
        ]
        if lines:
            means = {name: statistics.mean(line[name] for line in lines) for name in SHOWN}
            made += [*lines, {"fabric": fabric, "budget": "all", **means}]
    return table(made, SHOWN)


def _line(fabric: str, budget: int, here: Sequence[Row]) -> Row:
    """A budget's answers, one of each search."""
    truth = read_truth(fabric, budget)
    regrets = [truth.regret(row["edges"]) for row in here]
    return {
        "fabric": fabric,
        "budget": f"{budget} %",
        "networks inside": len(truth.accuracies),
        "typical": truth.best - truth.typical,
        "regret": statistics.mean(regrets),
        "each": ", ".join(f"{regret:.1f}" for regret in regrets),
        "spent": 100 * statistics.mean(row["share"] for row in here),
        "an answer's CPU s": statistics.mean(row["answer_cpu_seconds"] for row in here),
    }


TABLES = {"ranges": report}


@click.command("ranges")
@limit_option
@click.option("--seeds", type=click.IntRange(min=1), default=3, show_default=True, help="Searches of each.")
def command(limit: int | None, seeds: int) -> None:
    """Search two small fabrics for a range of budgets; look up what prune answers.

    Example: python -m benchmarks ranges --limit 0
    """
    torch.set_num_threads(1)
    path = rows_file("ranges")
    wanted = [(fabric, seed) for seed in range(seeds) for fabric in FABRICS]
    there = by_key(read_rows(path), KEY)
    missing = [
        (one, seed) for one, seed in wanted if any((one, each, seed) not in there for each in ANSWERED)
    ]
    for fabric, seed in missing[:limit]:
        with tempfile.TemporaryDirectory() as folder:
            append_rows(path, measure(fabric, seed, Path(folder)), KEY)
        click.echo(f"{fabric}, seed {seed}")
    click.echo(report(read_rows(path)))
