"""Start-up: whole processes of the command line, from `exec` to exit.

python -m benchmarks startup [--quick] [--repeats 7]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from benchmarks.shared.keeping import keep
from benchmarks.shared.options import quick_option, repeats_of, repeats_option
from benchmarks.shared.tables import last_table

COMMAND = (sys.executable, "-c", "from bsngraph.cli.main import main; main()")
DIGITS = str(Path(__file__).parents[2] / "fabrics" / "digits.dot")
TABLES = {"startup": last_table()}


def process_seconds(arguments: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run([*COMMAND, *arguments], check=True, capture_output=True)
    return time.perf_counter() - started


@click.command("startup")
@quick_option
@repeats_option
def command(quick: bool, repeats: int | None) -> None:
    """Measure whole processes of the command line.

    Example: python -m benchmarks startup --quick
    """
    rounds = repeats_of(repeats, quick=quick)
    with tempfile.TemporaryDirectory() as folder:
        cases = {
            "--help": (["--help"], 0.5),
            "render digits.dot -o f.svg (40 edges), without torch": (
                ["render", DIGITS, "-o", str(Path(folder) / "f.svg")],
                1.5,
            ),
            "check digits.dot (40 edges)": (["check", DIGITS], 5.0),
        }
        rows = []
        for name, (arguments, goal) in cases.items():
            process_seconds(arguments)
            found = statistics.median(process_seconds(arguments) for _ in range(rounds))
            rows.append({"bsngraph …": name, "seconds": found, "at most": goal})
    keep("startup", rows, quick=quick)
