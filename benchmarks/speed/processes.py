"""One search on one and on two processes: steps a second at equal batch.

`fabrics/digits.dot` under 25 % of its MACs, batches of 128 as four shards, one thread a
process; "1, one shard" is the same batch without shards. The seconds are those of the
epochs after the first one, which metrics.jsonl tells.

python -m benchmarks processes [--quick] [--repeats 3]
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from benchmarks.shared.keeping import keep
from benchmarks.shared.options import quick_option, repeats_of, repeats_option
from benchmarks.shared.rows import Row
from benchmarks.shared.tables import last_table

DIGITS = Path(__file__).parents[2] / "fabrics" / "digits.dot"
BATCH, STEPS = 128, 8  # steps an epoch of the digits' 1,150 training examples
WAYS = {"1, one shard": (1, 1), "1": (1, 4), "2": (2, 4)}
TABLES = {"processes": last_table()}


def command_line(out: Path, processes: int, shards: int, epochs: int) -> list[str]:
    """A search that learns and does little else."""
    words = ["search", str(DIGITS), "--data", "digits", "--budget", "macs=25%", "--out", str(out)]
    words += ["--epochs", str(epochs), "--batch-size", str(BATCH), "--shards", str(shards), "--threads", "1"]
    words += ["--finalists", "0", "--finetune-epochs", "0", "--candidates", "0", "--neighbour-rounds", "0"]
    start = [sys.executable]
    if processes > 1:
        start += ["-m", "torch.distributed.run", "--nproc-per-node", str(processes), "--max-restarts", "3"]
    return [*start, "-m", "bsngraph", *words, "--quiet"]


def epochs_of(run: Path) -> list[Row]:
    """What metrics.jsonl says, an object an epoch."""
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


def steps_a_second(processes: int, shards: int, epochs: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        subprocess.run(command_line(run, processes, shards, epochs), check=True, capture_output=True)
        return STEPS / statistics.median(row["seconds"] for row in epochs_of(run)[1:])


@click.command("processes")
@quick_option
@repeats_option
def command(quick: bool, repeats: int | None) -> None:
    """Measure the steps of a search on one and on two processes.

    Example: python -m benchmarks processes --quick
    """
    rounds, epochs = repeats_of(repeats, quick=quick, usual=3), 3 if quick else 8
    times: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(rounds):  # in turn, so that a slow moment meets all
        for name, (processes, shards) in WAYS.items():
            times[name].append(steps_a_second(processes, shards, epochs))
    rows: list[Row] = [
        {
            "processes": name,
            "steps a second": statistics.median(found),
            "ratio": statistics.median(a / b for a, b in zip(found, times["1"], strict=True)),
        }
        for name, found in times.items()
    ]
    keep("processes", rows, quick=quick)
