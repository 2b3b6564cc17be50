"""Whether λ finds itself: where the expected cost ends when λ starts at 10⁻³, 1 and
10³, on two fabrics and two budgets.

Only the learning of a search runs, by its default recipe, on the digits, seed 0, one
thread. Expected is the mean cost of the last epoch's samples, thresholded the cost of
the edges with Γ over a half, both in shares of the budget. Rows that are kept already
are not run again; each takes one to two minutes.

    python -m benchmarks multipliers [--limit N]
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click

import bsngraph
from benchmarks.shared.options import limit_option
from benchmarks.shared.rows import Row, append_rows, by_key, read_rows, rows_file
from benchmarks.shared.tables import table
from bsngraph.fabric.families import cnf_fabric
from bsngraph.measure import find_hardware
from bsngraph.runs import Json
from bsngraph.searching.learning.learn import new_learning
from bsngraph.searching.prepare import prepare
from bsngraph.searching.request import Destination, Goal, Method
from bsngraph.training import Silent

DIGITS = Path(__file__).parents[2] / "fabrics" / "digits.dot"
FABRICS: Mapping[str, Callable[[], bsngraph.Fabric]] = {
    "digits.dot": lambda: bsngraph.read_fabric(DIGITS),
    "CNF 1x8x8, 4 layers of 8": lambda: cnf_fabric(input_shape=(1, 8, 8), classes=10, layers=4, channels=8),
}
BUDGETS = ("macs=25%", "macs=50%")
STARTS = (0.001, 1.0, 1000.0)
LEAST, MOST = 0.90, 1.02
SEED = 0

Key = tuple[str, str, float]
KEY = ("fabric", "budget", "λ starts at")
SHOWN = {
    "expected / budget": "{:.4f}",
    "thresholded / budget": "{:.4f}",
    "λ ends at": "{:.3g}",
    "entropy of Γ": "{:.3f}",
}


def learn(fabric: bsngraph.Fabric, budget: str, start: float) -> Json:
    """The last epoch's metrics of a search that starts with λ at `start`."""
    goal = Goal(data="digits", budgets=(budget,))
    method = Method(settings=bsngraph.SearchSettings(penalty=start), seed=SEED)
    nowhere = Destination(Path())  # nothing is written, and nothing is resumed
    job = prepare(fabric, goal, method, find_hardware("cpu", 1), nowhere, Silent())
    epochs: list[Json] = []
    with job.hardware.in_use():
        new_learning(job, known=None).run(Silent(), epochs.append)
    return epochs[-1] | {"limit": job.budgets[0].limit}


def row_of(key: Key, last: Json, seconds: float) -> Row:
    """The row of a search by its last epoch's metrics."""
    cost = key[1].partition("=")[0]
    return {
        **dict(zip(KEY, key, strict=True)),
        "expected / budget": round(last["costs"][cost]["sampled"] / last["limit"], 4),
        "thresholded / budget": round(last["costs"][cost]["thresholded"] / last["limit"], 4),
        "λ ends at": float(f"{last['penalty'][cost]:.3g}"),
        "entropy of Γ": round(last["entropy"], 3),
        "validation accuracy": round(last["validation_accuracy"], 4),
        "seconds": round(seconds),
    }


def report(rows: Sequence[Row]) -> str:
    """The rows in the order of their keys."""
    known = by_key(rows, KEY)
    return table(
        [
            {column: known[key][column] for column in (*KEY, *SHOWN)}
            for key in itertools.product(FABRICS, BUDGETS, STARTS)
            if key in known
        ],
        {**SHOWN, KEY[2]: "{:g}"},
    )


TABLES = {"multipliers": report}


@click.command("multipliers")
@limit_option
def command(limit: int | None) -> None:
    """Search from three λ, and see where the expected cost ends.

    Example: python -m benchmarks multipliers --limit 0
    """
    path, keys = rows_file("multipliers"), list(itertools.product(FABRICS, BUDGETS, STARTS))
    there = by_key(read_rows(path), KEY)
    for key in [key for key in keys if key not in there][:limit]:
        began = time.perf_counter()
        row = row_of(key, learn(FABRICS[key[0]](), key[1], key[2]), time.perf_counter() - began)
        append_rows(path, [row], KEY)
        click.echo(f"{key}: {row['expected / budget']} of the budget ({row['seconds']} s)")
    rows = read_rows(path)
    click.echo(report(rows))
    held = sum(LEAST <= row["expected / budget"] <= MOST for row in rows)
    click.echo(f"\n{held} of {len(rows)} end between {100 * LEAST:.0f} and {100 * MOST:.0f} % of the budget")
