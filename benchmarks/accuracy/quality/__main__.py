"""The command line: `run` fills quality.csv, `report` makes tables and pictures of
it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from .methods import Means
from .problems import METHODS, PROBLEMS
from .report import report
from .rows import read_rows
from .runner import part_of, planned, run

ROOT = Path(__file__).parents[2]


def share(text: str) -> tuple[int, int]:
    """`0/2`: the first of two."""
    part, parts = map(int, text.split("/"))
    if not 0 <= part < parts:
        raise argparse.ArgumentTypeError(f"{text} is none of 0/{parts} to {parts - 1}/{parts}")
    return part, parts


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("--rows", type=Path, default=ROOT / "benchmarks" / "quality.csv", metavar="FILE.csv")
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run", help="train what is not in the file yet")
    running.add_argument(
        "--problem",
        action="append",
        choices=list(PROBLEMS),
        help="again for more; left out: all but fashion-28",
    )
    running.add_argument("--method", action="append", choices=METHODS, help="again for more")
    running.add_argument("--seed", action="append", type=int, help="again for more")
    running.add_argument(
        "--part",
        type=share,
        default=(0, 1),
        metavar="I/N",
        help="one of N shares, for processes side by side",
    )
    running.add_argument("--limit", type=int, help="train at most so many networks")
    running.add_argument(
        "--kept",
        type=Path,
        default=ROOT / "runs" / "quality",
        metavar="FOLDER",
        help="where choices that took long are kept",
    )
    running.add_argument("--threads", type=int, default=1)
    running.add_argument("--device", default="auto")
    running.add_argument("--list", action="store_true", help="print what would be trained")
    commands.add_parser("report", help="print the tables, and draw the pictures into docs/pictures")
    chosen = parser.parse_args()
    if chosen.command == "report":
        report(read_rows(chosen.rows), ROOT)
        return
    torch.set_num_threads(chosen.threads)
    problems = [
        problem
        for problem in PROBLEMS.values()
        if (problem.name in chosen.problem if chosen.problem else problem.usual)
    ]
    keys = part_of(planned(problems, chosen.method or METHODS, chosen.seed), *chosen.part)
    if chosen.list:
        there = read_rows(chosen.rows)
        print("\n".join(str(key) for key in keys if key not in there))
        return
    done = run(keys, Means(chosen.rows, chosen.kept, chosen.threads, chosen.device), chosen.limit)
    print(f"{done} networks trained")


if __name__ == "__main__":
    main()
