"""Every benchmark but the searches, one after the other, and the tables of RESULTS.md
made anew from what they found.

    python benchmarks/bench.py [--quick]

`--quick` (under 3 minutes) runs fewer cases and repeats, and leaves RESULTS.md alone.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import tables

SCRIPTS = ("startup", "sampling", "memory", "execution", "hand_written", "floors")


def main() -> None:
    started = time.perf_counter()
    for script in SCRIPTS:
        print(f"\n# {script}", flush=True)
        subprocess.run([sys.executable, Path(__file__).with_name(f"{script}.py"), *sys.argv[1:]], check=True)
    if "--quick" not in sys.argv:
        subprocess.run([sys.executable, Path(__file__).with_name("reading.py")], check=True)
        tables.main()
    print(f"\n{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
