"""One search on one and on two processes: steps a second at equal batch, and searches
of which a process is killed.

`fabrics/digits.dot` under 25 % of its MACs, batches of 128 as four shards, one thread a
process; "1, one shard" is the same batch without shards. The seconds are those of the
epochs after the first one, which metrics.jsonl tells. A killed search runs on two
processes under torchrun, which starts both again; its files must be those of the search
that was left alone.

python -m benchmarks processes [--quick] [--repeats 3]
"""

from __future__ import annotations

import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
from safetensors.torch import load_file

from benchmarks.shared.keeping import keep
from benchmarks.shared.options import quick_option, repeats_of, repeats_option
from benchmarks.shared.rows import Row
from benchmarks.shared.tables import last_table

DIGITS = Path(__file__).parents[2] / "fabrics" / "digits.dot"
BATCH, STEPS = 128, 8  # steps an epoch of the digits' 1,150 training examples
WAYS = {"1, one shard": (1, 1), "1": (1, 4), "2": (2, 4)}
KILLED = 10
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


def bits(run: Path) -> tuple[list[Row], dict[str, bytes]]:
    """What a search left: metrics without their seconds, and weights."""
    rows = [{name: value for name, value in row.items() if name != "seconds"} for row in epochs_of(run)]
    weights = load_file(run / "model.safetensors")
    return rows, {name: tensor.numpy().tobytes() for name, tensor in weights.items()}


def workers_of(agent: int) -> list[int]:
    """The processes that torchrun started."""
    return [int(word) for word in Path(f"/proc/{agent}/task/{agent}/children").read_text().split()]


def searched(run: Path, epochs: int, while_it_runs: Callable[[int], None]) -> bool:
    """Whether a search on two processes came to its end."""
    agent = subprocess.Popen(
        command_line(run, 2, 4, epochs), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while_it_runs(agent.pid)
    return agent.wait(timeout=600) == 0


def killed_once(run: Path, luck: random.Random) -> Callable[[int], None]:
    """Kill one of two processes at a moment of luck while they learn."""

    def kill(agent: int) -> None:
        while not (run / "metrics.jsonl").exists():
            time.sleep(0.05)
        time.sleep(luck.uniform(0, 2))
        os.kill(luck.choice(workers_of(agent)), signal.SIGKILL)

    return kill


def killed_searches(count: int, epochs: int) -> Row:
    """So many searches with a killed process, against one that was left alone."""
    with tempfile.TemporaryDirectory() as folder:
        alone = Path(folder) / "alone"
        assert searched(alone, epochs, lambda agent: None)
        ended, same = 0, 0
        for number in range(count):
            run = Path(folder) / str(number)
            done = searched(run, epochs, killed_once(run, random.Random(number)))
            ended += done
            same += done and bits(run) == bits(alone)
    return {"processes": "2, one killed", "searches": count, "came to their end": ended, "same bits": same}


@click.command("processes")
@quick_option
@repeats_option
def command(quick: bool, repeats: int | None) -> None:
    """Measure a search on one and two processes, and kill some of these.

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
    rows.append(killed_searches(1 if quick else KILLED, 12))
    keep("processes", rows, quick=quick)
