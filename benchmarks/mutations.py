"""Random mutations of valid files in every format: each must give a FabricError or
InputError with a place in it, or a valid fabric.

    python benchmarks/mutations.py [CASES] [SEED]

Prints a table of what came out for each file; a case that ends otherwise is kept in
./mutations-failed/ and ends the run with 1.
"""

from __future__ import annotations

import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from mutated_files import bases, mutated, outcome


def main() -> int:
    cases, seed = (int(argument) for argument in [*sys.argv[1:3], *["5000", "0"][len(sys.argv) - 1 :]])
    random, files, failed = Random(seed), bases(), 0
    counts: dict[str, Counter[str]] = {name: Counter() for name in files}
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for case in range(cases):
            name = sorted(files)[case % len(files)]
            path = Path(folder) / name
            path.write_bytes(mutated(files[name], random))
            start = time.perf_counter()
            try:
                counts[name][outcome(path)] += 1
            except Exception:
                failed += 1
                counts[name]["FAILED"] += 1
                kept = Path("mutations-failed") / f"{case}-{name}"
                kept.parent.mkdir(exist_ok=True)
                kept.write_bytes(path.read_bytes())
                print(f"{kept}: {traceback.format_exc()}", file=sys.stderr)
            slowest = max(slowest, time.perf_counter() - start)
    print("| file | cases | valid | FabricError | InputError | anything else |\n|---|---|---|---|---|---|")
    for name, count in counts.items():
        print(
            f"| {name} | {count.total()} | {count['valid']} | {count['FabricError']} | "
            f"{count['InputError']} | {count['FAILED']} |"
        )
    print(f"\n{cases} cases, seed {seed}, slowest {slowest:.2f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
