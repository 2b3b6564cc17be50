"""How long it takes to read, check and compile fabrics of 100, 1,000 and 10,000 edges,
and how it grows.

    python benchmarks/reading.py [REPEATS]

The fabric is a chain of nodes with three edges between each two (a 3x3 convolution, a
1x1 one, a skip) and long skips. Times are process CPU seconds, the least of the
repeats; the growth exponent is the slope of log time over log edges from 1,000 to
10,000.
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from measuring import keep

from bsngraph.costs import cheapest, price
from bsngraph.fabric import Fabric, read_fabric, write_fabric
from bsngraph.ops.counting import operation_profile as operations
from bsngraph.profile import profile_fabric
from bsngraph.supernet import compile_fabric

EDGES = (100, 1_000, 10_000)


def text(edges: int) -> str:
    """DOT of a fabric of so many edges, written as a person or a program writes it."""
    lines = [
        "digraph chain {",
        "  graph [format=1, source=n0, target=end];",
        '  n0 [input="3x16x16"];',
        "  edge [op=conv, channels=4, kernel=3];",
    ]
    lines += ["  n0 -> n1 [fixed=true];"]
    node, count = 1, 2
    while count < edges:
        group = [
            f"  n{node} -> n{node + 1};",
            f"  n{node} -> n{node + 1} [kernel=1, probability=0.5];",
            f"  n{node} -> n{node + 1} [op=identity, cost_energy=0.5];",
            *([f"  n{node - 3} -> n{node + 1} [op=identity];"] if node > 4 else []),
        ][: edges - count]
        lines, node, count = lines + group, node + 1, count + len(group)
    return "\n".join([*lines, f"  n{node} -> end [op=classifier, classes=10, fixed=true];", "}"])


def least(action: Callable[[], object], repeats: int) -> float:
    """The least CPU seconds of an action."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return min(times)


def fresh_profile(fabric: Fabric) -> object:
    """Profile without what earlier profiles left in the cache."""
    operations._profile.cache_clear()
    return profile_fabric(fabric)


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    rows: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for edges in EDGES:
            path = Path(folder) / "f.dot"
            path.write_text(text(edges))
            fabric = read_fabric(path)
            assert len(fabric.edges) == edges
            for suffix in (".dot", ".graphml", ".json"):
                file = Path(folder) / f"written{suffix}"
                name = {".dot": "DOT", ".graphml": "GraphML", ".json": "JSON"}[suffix]
                rows.setdefault(f"write {name}", []).append(
                    least(lambda fabric=fabric, file=file: write_fabric(fabric, file), repeats)
                )
                rows.setdefault(f"read {name}, as written by us", []).append(
                    least(lambda file=file: read_fabric(file), repeats)
                )
            rows.setdefault("**read** DOT with defaults", []).append(
                least(lambda path=path: read_fabric(path), repeats)
            )
            rows.setdefault("**check**: shapes, MACs, parameters", []).append(
                least(lambda fabric=fabric: fresh_profile(fabric), repeats)
            )
            profile = profile_fabric(fabric)
            rows.setdefault("cheapest sub-network by MACs", []).append(
                least(lambda profile=profile: cheapest(profile.fabric, price(profile, "macs")), 1)
            )
            rows.setdefault("**compile**", []).append(
                least(lambda profile=profile: compile_fabric(profile, seed=0), repeats)
            )
    table = []
    for step, seconds in rows.items():
        growth = math.log(seconds[-1] / seconds[-2]) / math.log(EDGES[-1] / EDGES[-2])
        by_size = {f"{edges:,} edges": second for edges, second in zip(EDGES, seconds, strict=True)}
        table.append({"step (CPU seconds)": step, **by_size, "grows as edges to the power": growth})
    keep("reading", table, quick=False)


if __name__ == "__main__":
    main()
