"""Many searches: eight small ones with one worker against two.

`fabrics/digits.dot` under 20, 30, 40 and 60 % of its MACs with two seeds each, two
epochs and no finalists. The seconds hold the whole of `bsngraph.sweep`: reading,
planning, the start of the processes, tables and pictures.

python -m benchmarks sweeps [--quick] [--repeats 3]
"""

from __future__ import annotations

import resource
import statistics
import tempfile
from pathlib import Path

import click

from benchmarks.shared.keeping import keep
from benchmarks.shared.measuring import in_turn, ratio
from benchmarks.shared.options import quick_option, repeats_of, repeats_option
from benchmarks.shared.rows import Row
from benchmarks.shared.tables import last_table
from bsngraph.sweeping.sweep import sweep

DIGITS = Path(__file__).parents[2] / "fabrics" / "digits.dot"
WORKERS = 2
TABLES = {"sweeps": last_table()}


def swept(budgets: str, seeds: int, epochs: int, workers: int) -> None:
    """Sweep into a new folder."""
    settings = {"epochs": epochs, "finalists": 0, "finetune_epochs": epochs}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "sweep"
        found = sweep(DIGITS, "digits", [budgets], seeds=seeds, settings=settings, out=out, workers=workers)
    assert set(found.counts) == {"finished"}


@click.command("sweeps")
@quick_option
@repeats_option
def command(quick: bool, repeats: int | None) -> None:
    """Measure a sweep with one worker and with two.

    Example: python -m benchmarks sweeps --quick
    """
    asked = ("macs=30%,60%", 1, 1) if quick else ("macs=20%,30%,40%,60%", 2, 2)
    alone, together = in_turn(
        [lambda: swept(*asked, 1), lambda: swept(*asked, WORKERS)],
        repeats_of(1 if quick else repeats, quick=quick, usual=3),
        warm=0,
    )
    row: Row = {
        "searches": 2 if quick else 8,
        "one worker (s)": statistics.median(alone),
        f"{WORKERS} workers (s)": statistics.median(together),
        "ratio": ratio(together, alone),
        "largest worker (MB)": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1000,
    }
    keep("sweeps", [row], quick=quick)
