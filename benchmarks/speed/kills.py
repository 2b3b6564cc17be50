"""Work that is killed and begun again: a sweep with all of its processes, twenty times,
and a search on two processes of which one is killed, ten times.

The sweep is sixteen searches of a fabric of five edges with two workers. It is killed
at moments of chance and begun again until it has been killed as often as asked, then
left to its end. A quarter of the kills come while it begins. The search is the one of
`processes`, under torchrun, which starts both processes again. Files of what was killed
must be those of what was left alone.

python -m benchmarks kills [--quick] [--repeats 20] [--of sweep]
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
from safetensors.torch import load_file

from benchmarks.shared.keeping import keep
from benchmarks.shared.options import quick_option, repeats_option
from benchmarks.shared.rows import Row
from benchmarks.shared.tables import newest_table
from benchmarks.speed.processes import command_line, epochs_of

SMALL = """digraph small {
  graph [source=image, target=scores];
  image [input="1x8x8"]; scores;
  node [activation=relu]; edge [op=conv, channels=16];
  image -> a [fixed=true];
  a -> b; a -> b [op=identity]; a -> c [kernel=1, stride=2]; b -> c [stride=2];
  c -> scores [op=classifier, classes=10, fixed=true];
}
"""
SWEPT = ["--budget", "macs=30%,60%", "--finalist-epochs", "2", "--finetune-epochs", "3", "--workers", "2"]
COMPARED = ("model.safetensors", "architecture.dot", "probabilities.dot", "trainings.csv")
KILLS, SEARCHES, EPOCHS = 20, 10, 12
TABLES = {"kills": newest_table("killed")}


def sweep_command(fabric: Path, out: Path, *, quick: bool) -> list[str]:
    size = ["1", "--epochs", "2", "--finalists", "2"] if quick else ["8", "--epochs", "4", "--finalists", "4"]
    words = ["sweep", str(fabric), "--data", "digits", *SWEPT, "--seeds", *size, "--out", str(out), "--quiet"]
    return [sys.executable, "-m", "bsngraph", *words]


def begun(line: list[str]) -> subprocess.Popen[bytes]:
    """A command with a group of processes of its own."""
    return subprocess.Popen(
        line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def contents(out: Path) -> dict[str, bytes]:
    """The files of a sweep's runs that do not hold times."""
    found = (path for path in sorted(out.rglob("*")) if path.name in COMPARED)
    return {str(path.relative_to(out)): path.read_bytes() for path in found}


def goes_on(out: Path, since: float) -> bool:
    """Whether a run of a sweep has written an epoch since then."""
    return any(file.stat().st_mtime > since for file in out.glob("*/metrics.jsonl"))


def killed(line: list[str], out: Path, luck: random.Random, most: float) -> bool:
    """Begin a sweep and kill it, unless it comes to its end before: one time of four
    within three seconds, while it begins, else up to `most` seconds after it went on.
    """
    process, since = begun(line), time.time()
    if luck.random() < 0.25:
        time.sleep(luck.uniform(0.0, 3.0))
    else:
        while process.poll() is None and not goes_on(out, since):
            time.sleep(0.02)
        time.sleep(luck.uniform(0.0, most))
    ended = process.poll() is not None
    if not ended:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return not ended


def killed_sweep(kills: int, *, quick: bool) -> Row:
    """A sweep killed up to so many times, against one that was left alone."""
    with tempfile.TemporaryDirectory() as name:
        folder, luck = Path(name), random.Random(0)
        fabric = folder / "small.dot"
        fabric.write_text(SMALL, encoding="utf-8")
        started = time.monotonic()
        assert begun(sweep_command(fabric, folder / "alone", quick=quick)).wait() == 0
        most = (time.monotonic() - started) / kills
        count, line = 0, sweep_command(fabric, folder / "killed", quick=quick)
        while count < kills and killed(line, folder / "killed", luck, most):
            count += 1
        ended = begun(line).wait() == 0
        same = ended and contents(folder / "killed") == contents(folder / "alone")
    return {
        "killed": "a sweep, whole",
        "kills": count,
        "came to their end": int(ended),
        "same bits": int(same),
    }


def bits(run: Path) -> tuple[list[Row], dict[str, bytes]]:
    """What a search left: metrics without their seconds, and weights."""
    rows: list[Row] = [{name: row[name] for name in row if name != "seconds"} for row in epochs_of(run)]
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


def killed_ranks(count: int) -> Row:
    """So many searches on two processes of which one is killed, against one that was
    left alone.
    """
    with tempfile.TemporaryDirectory() as name:
        alone = Path(name) / "alone"
        assert searched(alone, EPOCHS, lambda agent: None)
        runs = [Path(name) / str(number) for number in range(count)]
        ended = [searched(run, EPOCHS, killed_once(run, random.Random(run.name))) for run in runs]
        same = [done and bits(run) == bits(alone) for run, done in zip(runs, ended, strict=True)]
    row: Row = {"killed": "a search's process", "kills": count}
    return {**row, "came to their end": sum(ended), "same bits": sum(same)}


@click.command("kills")
@quick_option
@repeats_option
@click.option("--of", "chosen", type=click.Choice(["sweep", "search"]), help="One of the two alone.")
def command(quick: bool, repeats: int | None, chosen: str | None) -> None:
    """Kill a sweep, and processes of searches, and compare what comes of them.

    Example: python -m benchmarks kills --quick
    """
    kills = repeats or (2 if quick else KILLS)
    rows = [] if chosen == "search" else [killed_sweep(kills, quick=quick)]
    rows += [] if chosen == "sweep" else [killed_ranks(1 if quick else SEARCHES)]
    keep("kills", rows, quick=quick)
