"""Start-up: whole processes of the command line, from `exec` to exit.

python benchmarks/startup.py [--quick] [--repeats 7]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measuring import keep, options

COMMAND = (sys.executable, "-c", "from bsngraph.cli.main import main; main()")
DIGITS = str(Path(__file__).parents[1] / "fabrics" / "digits.dot")


def process_seconds(arguments: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run([*COMMAND, *arguments], check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    chosen = options(__doc__)
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
            found = statistics.median(process_seconds(arguments) for _ in range(chosen.repeats))
            rows.append({"bsngraph …": name, "seconds": found, "at most": goal})
    keep("startup", rows, quick=chosen.quick)


if __name__ == "__main__":
    main()
