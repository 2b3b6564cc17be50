"""How long it takes to read, check and compile fabrics of 100, 1,000 and 10,000 edges,
and how it grows.

    python -m benchmarks reading [--quick] [--repeats 3]

The fabric is a chain of nodes with three edges between each two (a 3x3 convolution, a
1x1 one, a skip) and long skips. Times are process CPU seconds, the least of the
repeats; the growth exponent is the slope of log time over log edges from 1,000 to
10,000.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click

from benchmarks.shared.keeping import keep
from benchmarks.shared.options import quick_option, repeats_of, repeats_option
from benchmarks.shared.tables import last_table
from bsngraph.costs import cheapest, price
from bsngraph.fabric import Fabric, read_fabric, write_fabric
from bsngraph.ops.counting import operation_profile as operations
from bsngraph.profile import profile_fabric
from bsngraph.supernet import compile_fabric

EDGES = (100, 1_000, 10_000)
WRITTEN = {"DOT": ".dot", "GraphML": ".graphml", "JSON": ".json"}
TABLES = {"reading": last_table()}


def chain_text(edges: int) -> str:
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


def steps_of(path: Path, repeats: int) -> dict[str, float]:
    """The least CPU seconds of every step with the fabric of a file, by the step's
    name.
    """
    fabric, steps = read_fabric(path), {}
    for name, suffix in WRITTEN.items():
        file = path.with_name(f"written{suffix}")
        steps[f"write {name}"] = least(lambda file=file: write_fabric(fabric, file), repeats)
        steps[f"read {name}, as written by us"] = least(lambda file=file: read_fabric(file), repeats)
    steps["**read** DOT with defaults"] = least(lambda: read_fabric(path), repeats)
    steps["**check**: shapes, MACs, parameters"] = least(lambda: fresh_profile(fabric), repeats)
    profile = profile_fabric(fabric)
    steps["cheapest sub-network by MACs"] = least(lambda: cheapest(fabric, price(profile, "macs")), repeats)
    steps["**compile**"] = least(lambda: compile_fabric(profile, seed=0), repeats)
    return steps


@click.command("reading")
@quick_option
@repeats_option
def command(quick: bool, repeats: int | None) -> None:
    """Measure reading, checking and compiling of fabrics of 100 to 10,000 edges.

    Example: python -m benchmarks reading --quick
    """
    sizes = EDGES[:2] if quick else EDGES
    rounds, seconds = repeats_of(repeats, quick=quick, usual=3), []
    with tempfile.TemporaryDirectory() as folder:
        for edges in sizes:
            path = Path(folder) / "f.dot"
            path.write_text(chain_text(edges))
            seconds.append(steps_of(path, rounds))
    rows = [
        {
            "step (CPU seconds)": step,
            **{f"{edges:,} edges": found[step] for edges, found in zip(sizes, seconds, strict=True)},
            "grows as edges to the power": math.log(seconds[-1][step] / seconds[-2][step])
            / math.log(sizes[-1] / sizes[-2]),
        }
        for step in seconds[0]
    ]
    keep("reading", rows, quick=quick)
