"""A whole search by its stages: seconds of each, and what its arithmetic alone takes.

The search is that of `make demo`, in one process with one thread, so that processor
time is what each stage needs. The floor of a stage is six times the MACs of the
examples that its steps run (a multiply and an add, forwards and for both gradients), at
the rate of a good convolution here (as in `floors`). Evaluations and all else are above
it. Half of the samples that learn are uniform; their mean cost is that of 4,096 drawn
ones.

    python -m benchmarks stages [--quick]
"""

from __future__ import annotations

import csv
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch

import bsngraph
from benchmarks.shared.keeping import keep
from benchmarks.shared.options import quick_option
from benchmarks.shared.rows import Row
from benchmarks.shared.tables import last_table, table
from benchmarks.speed.floors import convolution_rate
from bsngraph.fabric import live_edges
from bsngraph.searching import search
from bsngraph.settings import resolve_settings

DIGITS = Path(__file__).parents[2] / "fabrics" / "digits.dot"
BUDGET = "macs=25%"
DRAWN = 4096
SHOWN = {"processor (s)": "{:.1f}", "share": "{:.0f} %", "floor (s)": "{:.1f}"}
TABLES = {"stages": last_table(lambda rows: table(rows, SHOWN))}
STAGES = {"search": "learning", "finalists": "finalists", "finetune": "fine-tuning"}


class StageClock:
    """A progress that keeps the processor seconds of every stage; what lies between two
    has a name of its own.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._part, self._since, self._left = "start-up", time.process_time(), 0

    def stage(self, name: str, epochs: int, done: int) -> None:
        self._begin(STAGES[name])
        self._left = epochs - done

    def epoch(self, row: Mapping[str, Any]) -> None:
        self._left -= 1
        if self._left == 0:
            after = {"learning": "candidates", "finalists": "choosing", "fine-tuning": "delivery"}
            self._begin(after[self._part])

    def note(self, text: str) -> None: ...

    def end(self) -> None:
        self._begin("")

    def _begin(self, part: str) -> None:
        now = time.process_time()
        self.seconds[self._part] = self.seconds.get(self._part, 0.0) + now - self._since
        self._part, self._since = part, now


def searched(quick: bool) -> tuple[dict[str, float], dict[str, float], float]:
    """Processor seconds by stage, MACs of the training steps by stage, and the test
    accuracy.
    """
    profile, clock = bsngraph.profile_fabric(bsngraph.read_fabric(DIGITS)), StageClock()
    few = {"finalists": 3, "finalist_epochs": 1, "finetune_epochs": 1} if quick else {}
    recipe, settings = resolve_settings(None, recipe={"epochs": 2} if quick else {}, settings=few)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        result = search(
            profile,
            "digits",
            BUDGET,
            out=out,
            seed=0,
            recipe=recipe,
            settings=settings,
            device="cpu",
            threads=1,
            progress=clock,
        )
        clock.end()
        rows = [row for row in result.run.read_metrics() if row["stage"] == "search"]
        with (out / "trainings.csv").open(encoding="utf-8", newline="") as file:
            trained = [float(row["cost_macs"]) for row in csv.DictReader(file)]
    dataset = bsngraph.load_data("digits")
    examples = len(dataset.train) // recipe.batch_size * recipe.batch_size
    drawn = [float(row["costs"]["macs"]["sampled"]) for row in rows]
    learned = sum((macs + _uniform_macs(profile)) / 2 for macs in drawn)
    macs = {
        "learning": examples * learned,
        "finalists": examples * settings.finalist_epochs * sum(trained),
        "fine-tuning": examples * settings.finetune_epochs * float(result.summary["costs"]["macs"]["value"]),
    }
    return clock.seconds, macs, result.test_accuracy


def _uniform_macs(profile: bsngraph.FabricProfile) -> float:
    """What a uniform sample costs on average."""
    kept = np.random.default_rng(0).random((DRAWN, len(profile.fabric.edges))) < 0.5
    live = live_edges(profile.fabric.sweep, kept | profile.fabric.fixed)
    return float((live @ profile.macs).mean())


def stage_rows(seconds: Mapping[str, float], macs: Mapping[str, float], rate: float) -> Sequence[Row]:
    """A row for each stage, and one for all of them; `rate` in FLOP/s."""
    total = sum(seconds.values())
    floors = {name: 6 * each / rate for name, each in macs.items()}
    rows: list[Row] = [
        {
            "stage": name,
            "processor (s)": spent,
            "share": 100 * spent / total,
            "floor (s)": floors.get(name, 0.0),
        }
        for name, spent in seconds.items()
    ]
    return [
        *rows,
        {"stage": "all", "processor (s)": total, "share": 100.0, "floor (s)": sum(floors.values())},
    ]


@click.command("stages")
@quick_option
def command(quick: bool) -> None:
    """Measure the stages of the demo's search.

    Example: python -m benchmarks stages --quick
    """
    torch.set_num_threads(1)
    rate = convolution_rate(3 if quick else 7)
    seconds, macs, accuracy = searched(quick)
    click.echo(f"test accuracy {100 * accuracy:.2f} %")
    keep("stages", stage_rows(seconds, macs, rate), quick=quick)
