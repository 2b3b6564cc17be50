"""How far searches are from the best network there is, by the table of true accuracies.

Each search chooses inside a share of the MACs of a small fabric, a smaller and a larger
one; what it chose is looked up in the table. A row is kept for each search; what is
kept already is not run again.

    python -m benchmarks searches [--variant default …] [--seeds 3] [--limit N]
"""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import torch

import bsngraph
from benchmarks.accuracy.truth.accuracies import edges_text, read_fabric
from benchmarks.accuracy.truth.regret import BUDGETS, problems, report
from benchmarks.accuracy.truth.variants import VARIANTS, Variant
from benchmarks.shared.options import limit_option
from benchmarks.shared.rows import Row, append_rows, by_key, read_rows, rows_file
from bsngraph.settings import resolve_settings

DATA = "fashion-mnist,size=14,train=6000,validation=2000"
RECIPE: Mapping[str, Any] = {"epochs": 20, "batch_size": 64, "augment": False}
KEY = ("variant", "fabric", "budget", "seed")
TABLES = {"searches": report}


def search(
    profile: bsngraph.FabricProfile,
    variant: Variant,
    budget: int,
    seed: int,
    out: Path,
    warm_start: Path | None = None,
) -> bsngraph.Result:
    recipe, settings = resolve_settings(
        variant.preset,
        warm=warm_start is not None,
        recipe={**RECIPE, **variant.recipe},
        settings={"finalist_epochs": 5, "finetune_epochs": 0, **variant.settings},
    )
    return bsngraph.search(
        profile,
        DATA,
        [f"macs={budget}%"],
        out=out,
        seed=seed,
        recipe=recipe,
        settings=settings,
        warm_start=warm_start,
        device="cpu",
        threads=1,
    )


def measure(variant: Variant, fabric: str, budget: int, seed: int) -> Row:
    """The row of a search; its seconds are without those of the search that it starts
    from.
    """
    profile = bsngraph.profile_fabric(read_fabric(fabric))
    with tempfile.TemporaryDirectory() as folder:
        before = None
        if variant.warm:
            (other,) = set(BUDGETS[fabric]) - {budget}
            before = search(profile, VARIANTS["default"], other, seed, Path(folder) / "before").run.path
        start = time.process_time()
        with variant.change(profile):
            result = search(profile, variant, budget, seed, Path(folder) / "run", before)
        last = [row for row in result.run.read_metrics() if row["stage"] == "search"][-1]
    limit = budget / 100 * float(profile.macs.sum())
    return {
        "edges": edges_text(result.architecture),
        "share": round(float(profile.macs[list(result.architecture.live)].sum() / limit), 3),
        "expected": round(last["costs"]["macs"]["sampled"] / limit, 3),
        "entropy": round(last["entropy"], 3),
        "cpu_seconds": round(time.process_time() - start),
    }


@click.command("searches")
@limit_option
@click.option(
    "--variant",
    "variants",
    type=click.Choice(list(VARIANTS)),
    multiple=True,
    default=tuple(VARIANTS),
    help="A way to search; again for more. Without it all of them.",
)
@click.option("--seeds", type=click.IntRange(min=1), default=3, show_default=True, help="Searches of each.")
def command(limit: int | None, variants: tuple[str, ...], seeds: int) -> None:
    """Search two small fabrics, and look up how good the choices are.

    Example: python -m benchmarks searches --limit 0
    """
    torch.set_num_threads(1)
    path = rows_file("searches")
    wanted = [
        (variant, fabric, budget, seed)
        for variant, seed, (fabric, budget) in itertools.product(variants, range(seeds), problems())
    ]
    there = by_key(read_rows(path), KEY)
    for key in [key for key in wanted if key not in there][:limit]:
        if key in by_key(read_rows(path), KEY):  # by a process beside this one
            continue
        variant, fabric, budget, seed = key
        row = measure(VARIANTS[variant], fabric, budget, seed)
        append_rows(path, [dict(zip(KEY, key, strict=True)) | row], KEY)
        click.echo(f"{key}: {row}")
    click.echo(report(read_rows(path)))
