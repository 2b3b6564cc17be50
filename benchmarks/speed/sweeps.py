"""Many searches: one worker against two.

Eight searches of `fabrics/digits.dot`, four budgets and two seeds, by the command
`bsngraph sweep`, from its start to its end: imports, reading, planning, the start of
the processes, tables and pictures. One sweep is as short as can be; the searches of the
other have all that the demo's has, with about a third of its epochs.

python -m benchmarks sweeps [--quick] [--repeats 1] [--sweep short]
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from benchmarks.shared.keeping import keep
from benchmarks.shared.measuring import in_turn, ratio
from benchmarks.shared.options import quick_option, repeats_option
from benchmarks.shared.rows import Row
from benchmarks.shared.tables import newest_table

DIGITS = Path(__file__).parents[2] / "fabrics" / "digits.dot"
WORKERS = 2
SWEEPS = {
    "short": ("of 2 epochs, no finalists", ["--epochs", "2", "--finalists", "0", "--finetune-epochs", "2"]),
    "demo": (
        "of 8 epochs, 6 finalists of 4",
        ["--epochs", "8", "--finalists", "6", "--finalist-epochs", "4", "--finetune-epochs", "8"],
    ),
}
TABLES = {"sweeps": newest_table("eight searches")}


def swept(options: list[str], budgets: str, seeds: int, workers: int) -> None:
    """Sweep into a new folder."""
    line = [sys.executable, "-m", "bsngraph", "sweep", str(DIGITS), "--data", "digits", "--budget", budgets]
    with tempfile.TemporaryDirectory() as folder:
        line += [*options, "--seeds", str(seeds), "--workers", str(workers), "--out", f"{folder}/sweep"]
        subprocess.run([*line, "--quiet"], check=True, capture_output=True)


def row_of(searches: str, options: list[str], asked: tuple[str, int], repeats: int) -> Row:
    alone, together = in_turn(
        [lambda: swept(options, *asked, 1), lambda: swept(options, *asked, WORKERS)], repeats, warm=0
    )
    return {
        "eight searches": searches,
        "one worker (s)": statistics.median(alone),
        f"{WORKERS} workers (s)": statistics.median(together),
        "times as fast": 1 / ratio(together, alone),
        "largest process (MB)": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1000,
    }


@click.command("sweeps")
@quick_option
@repeats_option
@click.option("--sweep", "chosen", type=click.Choice(list(SWEEPS)), help="One of the sweeps alone.")
def command(quick: bool, repeats: int | None, chosen: str | None) -> None:
    """Measure a sweep with one worker and with two.

    Example: python -m benchmarks sweeps --quick
    """
    names = ["short"] if quick else [chosen] if chosen else list(SWEEPS)
    asked = ("macs=30%,60%", 1) if quick else ("macs=20%,30%,40%,60%", 2)
    rows = [row_of(*SWEEPS[name], asked, repeats or 1) for name in names]
    keep("sweeps", rows, quick=quick)
