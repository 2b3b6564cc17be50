"""The same seed gives the same bytes in another process, whatever its hash seed is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent

# What a user's script does: one search and one choice from it, on budgets of two kinds,
# with edges that draw random numbers and decisions of every kind.
SCRIPT = """
import sys
from pathlib import Path

import pytest
from tiny import STRIPES_DROPOUT, fabric_of, no_pictures, recipe, settings, stripes

import bsngraph

no_pictures(pytest.MonkeyPatch())  # what they are drawn from is compared, matplotlib is slow

folder = Path(sys.argv[1])
text = STRIPES_DROPOUT.replace("h -> g [key=mix", "h -> g [choice=one, key=mix")
text = text.replace("h -> g [key=drop", "h -> g [choice=one, key=drop")
budgets = ["price=5", "steps:2=2"]
how = settings(finalists=2, finalist_epochs=1, candidates=8)
fabric = fabric_of(text, folder)
bsngraph.search(fabric, stripes(), budgets, out=folder / "run", recipe=recipe(), settings=how)
more = {"finalists": 2, "finetune_epochs": 1, "data": stripes()}
bsngraph.prune_run(folder / "run", ["price=4"], out=folder / "smaller", **more)
"""

BYTES = (
    "model.safetensors", "architecture.dot", "probabilities.dot", "fabric.dot", "incumbent.dot",
    "overlay.dot", "splits.json", "config.json",
)  # fmt: skip


def run(folder: Path, hash_seed: int) -> subprocess.Popen[bytes]:
    folder.mkdir()
    environment = os.environ | {"PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": str(TESTS), "PATH": ""}
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(folder)], cwd=folder, env=environment)


def timeless(value: Any) -> Any:
    """Without what a clock or another file's clock says."""
    if isinstance(value, dict):
        skipped = ("seconds", "date", "seal", "files")
        return {name: timeless(inner) for name, inner in value.items() if name not in skipped}
    return value


def facts(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = {name: (run / name).read_bytes() for name in BYTES if (run / name).exists()}
    for name in ("result.json", "certificate.json"):
        found[name] = timeless(json.loads((run / name).read_text(encoding="utf-8")))
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return found | {"metrics.jsonl": [timeless(json.loads(line)) for line in lines]}


def test_two_processes_with_two_hash_seeds_write_the_same_bytes(tmp_path: Path) -> None:
    folders = {seed: tmp_path / str(seed) for seed in (1, 2)}
    processes = [run(folder, seed) for seed, folder in folders.items()]
    assert [process.wait() for process in processes] == [0, 0]
    for name in ("run", "smaller"):
        one, other = (facts(folder / name) for folder in folders.values())
        assert "model.safetensors" in one
        for file in one:
            assert one[file] == other[file], file
