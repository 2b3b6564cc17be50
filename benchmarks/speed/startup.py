"""Start-up: whole processes of the command line, from `exec` to exit.

python -m benchmarks startup [--quick] [--repeats 7]

Commands that read a run are given one that a short search of the digits left.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import click

from benchmarks.shared.keeping import keep
from benchmarks.shared.options import quick_option, repeats_of, repeats_option
from benchmarks.shared.tables import last_table

COMMAND = (sys.executable, "-c", "from bsngraph.cli.process import main; main()")
DIGITS = str(Path(__file__).parents[2] / "fabrics" / "digits.dot")
SHORT = {"epochs": 2, "finalists": 3, "finalist-epochs": 1, "finetune-epochs": 1}
TABLES = {"startup": last_table()}


class ProcessTime(NamedTuple):
    """Seconds on the wall's clock and of processors."""

    wall: float
    processor: float


def process_time(arguments: list[str]) -> ProcessTime:
    """What a command takes, its bytecode cached as after any first run."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before, started = os.times(), time.perf_counter()
    subprocess.run([*COMMAND, *arguments], check=True, capture_output=True, env=environment)
    wall, after = time.perf_counter() - started, os.times()
    return ProcessTime(
        wall, after.children_user - before.children_user + after.children_system - before.children_system
    )


def median_time(arguments: list[str], rounds: int) -> ProcessTime:
    """The medians of some rounds, after one that warms up."""
    process_time(arguments)
    found = [process_time(arguments) for _ in range(rounds)]
    return ProcessTime(*map(statistics.median, zip(*found, strict=True)))


@click.command("startup")
@quick_option
@repeats_option
def command(quick: bool, repeats: int | None) -> None:
    """Measure whole processes of the command line.

    Example: python -m benchmarks startup --quick
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run, picture, page, pruned = (str(folder / each) for each in ("run", "f.svg", "r.html", "pruned"))
        short = [text for option, value in SHORT.items() for text in (f"--{option}", str(value))]
        process_time(
            [
                "search",
                DIGITS,
                "--data",
                "digits",
                "--budget",
                "macs=25%",
                "--out",
                run,
                "--seed",
                "0",
                *short,
            ]
        )
        cases: dict[str, tuple[list[str], float]] = {
            "--help": (["--help"], 0.1),
            "render digits.dot -o f.svg (33 edges), without torch": (["render", DIGITS, "-o", picture], 0.7),
            "report RUN -o r.html, without torch": (["report", run, "-o", page, "--overwrite"], 1.5),
            "check digits.dot (33 edges)": (["check", DIGITS], 2.0),
            "verify RUN": (["verify", run], 2.5),
            "prune RUN --budget macs=16%": (
                ["prune", run, "--budget", "macs=16%", "--out", pruned, "--overwrite"],
                10.0,
            ),
        }
        rows = []
        for case, (arguments, goal) in cases.items():
            found = median_time(arguments, repeats_of(repeats, quick=quick))
            rows.append(
                {
                    "bsngraph …": case,
                    "seconds": found.wall,
                    "processor seconds": found.processor,
                    "at most": goal,
                }
            )
    keep("startup", rows, quick=quick)
