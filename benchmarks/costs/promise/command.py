"""The promise: what is chosen is inside every budget, and what cannot be met is said
so, whatever Γ and the weights are.

Nothing is trained: Γ and weights are random, then the choice of a search runs on random
fabrics with random budgets. What it chooses is counted again on the pruned network by
the code of the certificate. What it calls impossible, or does not find, is looked for
by a search of its own: every choice where there are few, else random choices and walks
from the best of them.

    python -m benchmarks promise [--quick] [--fabrics 200] [--seed 0]

The same as a test, with fresh fabrics each time: tests/test_promise_slow.py.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict

import click
import torch

from benchmarks.costs.promise.outcomes import LARGE, SMALL, SMALL_WALKED, trial
from benchmarks.shared.keeping import keep
from benchmarks.shared.options import quick_option
from benchmarks.shared.tables import last_table

TABLES = {"promise": last_table()}


@click.command("promise")
@quick_option
@click.option("--fabrics", type=click.IntRange(min=1), help="How many; without it 200, in a quick run 10.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the fabrics and budgets.")
def command(quick: bool, fabrics: int | None, seed: int) -> None:
    """Count what is delivered inside, impossible or not found on random fabrics.

    Ends with exit code 1 if anything was delivered outside a budget.

    Example: python -m benchmarks promise --quick
    """
    torch.set_num_threads(1)
    began, broken, counts = time.perf_counter(), [], defaultdict[str, Counter[str]](Counter)
    many, sizes, budgets = fabrics or (10 if quick else 200), [], Counter[int]()
    for number in range(many):
        found = trial((seed, number))
        sizes.append(len(found.case.profile.fabric.edges))
        budgets[len(found.case.budgets)] += 1
        broken += [f"fabric {number}, {text}" for text in found.broken]
        for where in found.outcomes:
            counts[where][found.label(where)] += 1
    labels = sorted({label for count in counts.values() for label in count})
    keep(
        "promise",
        [
            {"fabrics with": where, **{label: counts[where][label] for label in labels}}
            for where in (SMALL, SMALL_WALKED, LARGE)
            if where in counts
        ],
        quick=quick,
    )
    by_budgets = ", ".join(f"{count} with {number}" for number, count in sorted(budgets.items()))
    click.echo(f"\n{many} fabrics of {min(sizes)} to {max(sizes)} edges, seed {seed}")
    click.echo(f"by number of budgets: {by_budgets}; {time.perf_counter() - began:.0f} s")
    click.echo("\n".join(["The promise was broken:", *broken]) if broken else "The promise held everywhere.")
    if broken:
        raise SystemExit(1)
