"""Hostile command lines, files and run folders: every one ends with 0, 1, 2 or 130 and
a message, never with a traceback; with --format json stdout is empty or JSON.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from tiny import DIGITS, no_pictures, written

from bsngraph.cli.main import COMMANDS, cli
from bsngraph.runs import FILES

HUGE = "9" * 5000
NUMBERS = (
    HUGE,
    f"-{HUGE}",
    f"1e{HUGE}",
    f"0.{HUGE}",
    "nan",
    "inf",
    "-inf",
    "1e308",
    "-1",
    "0",
    "",
    "1_0",
    "٣",
)
TEXTS = (
    "",
    " ",
    "=",
    ":",
    ",",
    "%",
    "[/x]",
    "\udcff",
    "x" * 5000,
    "../..",
    "-",
    "--",
    "nan",
    HUGE,
    "a=b=c",
    "名",
)
LINES = tuple(
    line.split()
    for line in f"""
search F --data digits --out O --threads 1000000
search F --data digits --out O --batch-size 10000000000000000000 --epochs 1
search F --data digits --out O --seed {HUGE}
search F --data digits --out O --seed 99999999999999999999
search F --data digits --out O --cost energy=x.py:f --cost-timeout 1e12
search F --data digits --out O --cost-timeout nan
search F --data digits --out O --latency-batch {HUGE} --budget latency=1ms
search F --data digits --out O --device cuda:{HUGE}
search F --data digits --out O --device hpu
search F --data digits --out O --device mps:0
search F --data digits,size={HUGE} --out O
search F --data digits --out O --set channels={HUGE}
search F --data digits --out O --set channels=1e400
search F --data digits --out O --set classes=0
search F --data digits --out O --drops {HUGE},{HUGE}
search F --data digits --out O --class-weights nan,inf
search F --data digits --out O --warm-start .
search F --data digits --out O --augmentation shift={HUGE}
train F --data digits --out O --batch-size 10000000000000000000 --epochs 1
train F --data digits --out O --threads {HUGE}
check F --budget steps:{HUGE}=12
check F --budget steps:1000000000=12
check F --budget makespan:{HUGE}=8ms
check F --budget macs={HUGE}
check F --budget macs=1e{HUGE}%
check F --budget macs=nan
check F --budget macs=-inf
check F --budget macs={HUGE}..{HUGE}
check F --budget memory={HUGE}MB
check F --threads 1000000 --budget latency=1ms
check F --device cuda:99999999999
check F --set channels={HUGE}
check F --set channels=999999999999
check F.graphml
check F.xyz
render F -o out.xyz
render F -o out.svg --cores {HUGE}
render F -o out.svg --cores 1000000000000
render F -o out.svg --set channels={HUGE}
diff F F -o out.bmp
data digits,size={HUGE}
data digits,size=nan
data fashion-mnist,train={HUGE}
data folder:.,size={HUGE}
data npz:F
data csv:F
data hf:
data cifar10:.
data --data-code F:f
predict R --data digits -o P --limit {HUGE}
predict R --images . -o P
predict R --data digits -o P --threads 1000000
evaluate R --threads 1000000
evaluate R --device {HUGE}
evaluate R --data npz:F
evaluate R --engine onnx
predict R --data digits -o P --engine onnx
measure F --batch {HUGE}
measure F --threads 1000000
measure F --kit R
measure F --kit F
measure F -o F
measure F -o O --latencies F
measure F --latencies R
check F --latencies F --budget latency=1ms
prune R --latencies F --budget latency=1ms --out O
explain R --cost-timeout nan
verify R --cost a=b
prune R --budget macs={HUGE} --out O
prune R --budget steps:{HUGE}=1 --out O
fabric resnet --input {HUGE} -o o.dot
fabric resnet --input 3x{HUGE}x32 -o o.dot
fabric resnet --classes {HUGE} -o o.dot
fabric resnet --blocks {HUGE} -o o.dot
fabric resnet --groups 1000000 -o o.dot
fabric resnet --plain --depth {HUGE} -o o.dot
fabric cnf --layers {HUGE} -o o.dot
fabric cnf --channels {HUGE} -o o.dot
fabric cells --nodes {HUGE} -o o.dot
fabric cells --stages 100000 -o o.dot
fabric chain --stem {HUGE} -o o.dot
fabric chain --layers {HUGE} -o o.dot
fabric transformer --features {HUGE} -o o.dot
fabric transformer --heads {HUGE} -o o.dot
fabric transformer --blocks -1 -o o.dot
fabric resnet --input 3x32x32 -o o.xyz
""".strip().splitlines()
)
WORDS_OF_FILES = (
    ("kernel=3", f"kernel={HUGE}"),
    ("kernel=3", "kernel=999999999999"),
    ("kernel=3", "kernel=nan"),
    ("stride=4", f"stride={HUGE}"),
    ("1x8x8", f"1x{HUGE}x8"),
    ("1x8x8", "99999999999x99999999999x99999999999"),
    ("1x8x8", "0x0"),
    ("1x8x8", ""),
    ("cost_energy=5", f"cost_energy={HUGE}"),
    ("cost_energy=5", "cost_energy=nan"),
    ("cost_energy=5", "cost_energy=1e999"),
    ("channels=4", f"channels={HUGE}"),
    ("channels=4", "channels=1e12"),
    ("format=1", f"format={HUGE}"),
    ("image -> a", "\xff -> a"),
    ("digraph", "[" * 100_000),
    ("{", "{" * 100_000),
    ("a -> b", "[/x] -> b"),
    (DIGITS, ""),
    (DIGITS, "\0" * 100),
)
DAMAGE: tuple[bytes | None, ...] = (
    b"",
    None,
    b"[]",
    b"true",
    b"[" * 100_000,
    '{"ä": "\xe9"}'.encode("latin-1"),
)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative names stand for nothing but what a test makes."""
    monkeypatch.chdir(tmp_path)
    no_pictures(monkeypatch)


def invoke(*words: Any) -> Result:
    """What a command line ends in: its exit code and messages, and nothing worse."""
    line = list(map(str, words))
    result = CliRunner().invoke(cli, line)
    shown = [word if len(word) < 60 else f"{word[:20]}… ({len(word)})" for word in line]
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise AssertionError(f"{shown} ends with a traceback") from result.exception
    assert result.exit_code in {0, 1, 2, 130}, (shown, result.exit_code)
    assert "Traceback" not in result.output, shown
    assert result.exit_code == 0 or result.stderr.strip() or result.stdout.strip(), shown
    assert len(result.output) < 50_000, (shown, "tells more than anyone reads")
    if "json" in line and line[line.index("json") - 1] == "--format" and result.stdout:
        json.loads(result.stdout)
    return result


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, as small as can be."""
    folder = tmp_path_factory.mktemp("hostile")
    fast = ("--epochs", 1, "--batch-size", 512, "--finetune-epochs", 0, "--candidates", 1, "--finalists", 0)
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        line = ("search", written(DIGITS, folder), "--data", "digits", "--out", folder / "run", *fast)
        assert invoke(*line).exit_code == 0
    return folder / "run"


@pytest.mark.parametrize("line", LINES, ids=lambda line: " ".join(word[:20] for word in line))
def test_a_hostile_line_ends_with_a_message(line: list[str], run: Path, tmp_path: Path) -> None:
    fabric = written(DIGITS, tmp_path)
    stand_for = {
        "F": str(fabric),
        "R": str(run),
        "O": str(tmp_path / "out"),
        "P": str(tmp_path / "predicted"),
    }
    words = [stand_for.get(word, word.replace(":F", f":{fabric}")) for word in line]
    invoke(*words)
    if line[0] in {"check", "evaluate", "explain", "verify", "data", "prune", "predict"}:
        invoke(*words, "--format", "json")


def commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command, those of groups too, with the words that call it."""
    for name in COMMANDS:
        found = cli.get_command(click.Context(cli), name)
        assert found is not None
        if isinstance(found, click.Group):
            yield from (((name, inner), one) for inner, one in found.commands.items())
        else:
            yield (name,), found


NEEDED = {
    "search": "F --data digits --out O", "train": "F --data digits --out O", "prune": "R --out O",
    "predict": "R --data digits -o P", "render": "F -o o.dot", "diff": "F F", "check": "F", "evaluate": "R",
    "verify": "R", "explain": "R", "fabric": "-o o.dot", "data": "digits", "measure": "F",
    "export": "R --format onnx -o O", "sweep": "F --data digits --out O", "log": "R --to tensorboard",
}  # fmt: skip


def needed(name: str, stand_for: dict[str, str]) -> list[str]:
    return [stand_for.get(word, word) for word in NEEDED.get(name, "").split()]


@pytest.mark.parametrize("words", [words for words, _ in commands()], ids=" ".join)
def test_every_option_takes_hostile_values(words: tuple[str, ...], run: Path, tmp_path: Path) -> None:
    """Each is tried with numbers that it cannot mean or texts that mean nothing, in an
    order of its own. What is accepted is answered by the next one, which is not.
    """
    random = Random(" ".join(words))
    stand_for = {
        "F": str(written(DIGITS, tmp_path)),
        "R": str(run),
        "O": str(tmp_path / "out"),
        "P": str(tmp_path / "p"),
    }
    options = [
        one for one in dict(commands())[words].params if isinstance(one, click.Option) and not one.is_flag
    ]
    #: makes every line end before anything is computed
    stop = {
        "search": ["--budget", "nonsense=1"],
        "train": ["--epochs", "0"],
        "fabric": ["--input", "nonsense"],
        "measure": ["--latencies", stand_for["F"]],
        "export": ["--format", "nonsense"],
        "sweep": ["--budget", "nonsense=1"],
    }
    for option in options:
        number = isinstance(option.type, click.types.IntParamType | click.types.FloatParamType)
        for value in random.sample(NUMBERS if number else TEXTS, len(NUMBERS)):
            line = [*words, *needed(words[0], stand_for)]
            line += [option.opts[-1], value] if option.opts[-1] not in line else []
            invoke(*line, *stop.get(words[0], []))


@pytest.mark.parametrize("number", range(len(WORDS_OF_FILES)))
def test_a_hostile_fabric_ends_with_a_message(number: int, tmp_path: Path) -> None:
    old, new = WORDS_OF_FILES[number]
    path = tmp_path / "fabric.dot"
    path.write_bytes(DIGITS.replace(old, new, 1).encode("latin-1"))
    for line in (("check", path), ("check", path, "--format", "json"), ("render", path, "-o", "out.dot")):
        invoke(*line)
    if number % 5 == 0:
        invoke("search", path, "--data", "digits", "--out", "out", "--epochs", 1, "--batch-size", 0)


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_run_folder_ends_with_a_message(name: str, run: Path, tmp_path: Path) -> None:
    """Every file in turn is empty, a folder, of another kind, too deep, not UTF-8."""
    damaged = tmp_path / "damaged"
    shutil.copytree(run, damaged)
    path = damaged / name
    random = Random(name)
    for content in random.sample(DAMAGE, 2):
        if path.is_dir():
            path.rmdir()
        if content is None:
            path.unlink(missing_ok=True)
            path.mkdir()
        else:
            path.write_bytes(content)
        lines: tuple[tuple[Any, ...], ...] = (
            ("evaluate", damaged, "--format", "json"),
            ("verify", damaged, "--format", "json"),
            ("explain", damaged, "--format", "json"),
            ("predict", damaged, "--data", "digits", "--limit", 1, "-o", "predicted"),
            ("prune", damaged, "--budget", "energy=1", "--out", "pruned"),
            ("render", damaged, "-o", "out.dot"),
            ("render", damaged, "--curves", "-o", "out.svg"),
            ("diff", damaged, run, "--no-costs", "--format", "json"),
        )
        for line in random.sample(lines, 4):
            invoke(*line)


@pytest.mark.skipif(os.name == "nt", reason="named pipes of POSIX")
@pytest.mark.parametrize("name", FILES)
def test_a_pipe_in_a_run_folder_is_not_waited_for(name: str, run: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(run, damaged)
    (damaged / name).unlink(missing_ok=True)
    os.mkfifo(damaged / name)
    invoke("verify", damaged)
    invoke("render", damaged, "-o", "out.dot")
