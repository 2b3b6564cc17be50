"""A run folder may come from a stranger: the data that its config.json names are opened
unasked only where they come with bsngraph; a path is told first; what would be fetched
is not opened.
"""

from __future__ import annotations

import json
import shlex
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from tiny import STRIPES, no_pictures, stripes, written

from bsngraph.cli.main import cli
from bsngraph.data import DATA_SOURCES, Dataset
from bsngraph.delivered.named_data import named_data
from bsngraph.runs import RunFolder


def invoke(*words: Any) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A search of stripes in an npz file, and that file."""
    folder = tmp_path_factory.mktemp("stranger")
    parts = {"train": "train", "val": "validation", "test": "test"}
    splits = stripes().splits()
    arrays = {f"x_{name}": splits[part].inputs.numpy() for name, part in parts.items()}
    labels = {f"y_{name}": splits[part].labels.numpy() for name, part in parts.items()}
    np.savez(folder / "stripes.npz", **arrays, **labels)
    small = ("--epochs", 1, "--finalists", 0, "--candidates", 1, "--finetune-epochs", 0, "--threads", 1)
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        found = invoke(
            "search",
            written(STRIPES, folder),
            *("--data", f"npz:{folder / 'stripes.npz'}"),
            *("--out", folder / "run"),
            *small,
        )
    assert found.exit_code == 0, found.output
    return folder / "run", folder / "stripes.npz"


def named(run: Path, folder: Path, name: str) -> Path:
    """A copy of a run whose config.json names other data."""
    shutil.copytree(run, folder / "copy")  # which makes folders on the way
    config = json.loads((run / "config.json").read_text(encoding="utf-8"))
    config["data"]["name"] = name
    (folder / "copy" / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder / "copy"


def commands(run: Path, folder: Path) -> dict[str, tuple[Any, ...]]:
    """Every command that opens a run's data without --data."""
    return {
        "evaluate": ("evaluate", run),
        "prune": ("prune", run, "--out", folder / "pruned", "--quiet"),
        "export": ("export", run, "--format", "torch-export", "-o", folder / "exported"),
    }


def test_a_path_is_named_before_it_is_read(searched: tuple[Path, Path], tmp_path: Path) -> None:
    run, file = searched
    for name, words in commands(run, tmp_path).items():
        found = invoke(*words)
        assert found.exit_code == 0, (name, found.output)
        line = f"{run}: its config.json names the data npz:{file}; reading them"
        assert found.stderr.splitlines()[0] == line, name


def test_the_path_is_said_even_of_data_that_are_not_there(
    searched: tuple[Path, Path], tmp_path: Path
) -> None:
    run = named(searched[0], tmp_path, "folder:/nowhere/\x1b[31mphotos")
    for name, words in commands(run, tmp_path).items():
        found = invoke(*words)
        said, error = found.stderr.splitlines()[0], found.stderr.splitlines()[-1]
        assert found.exit_code == 2, (name, found.output)
        shown = "folder:/nowhere/\N{REPLACEMENT CHARACTER}[31mphotos"
        assert said == f"{run}: its config.json names the data {shown}; reading them"
        assert error.startswith("Error: ")


@pytest.mark.parametrize(
    "name",
    ["hf:someone/some-data", "folder://host/share", r"folder:\\host\share", r"\\host\share", "hf:$(reboot)"],
)
def test_data_of_another_machine_are_not_fetched_unless_they_are_named(
    searched: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def fetched(_: object) -> Dataset:
        raise AssertionError("the data were opened")

    for kind in ("hf", "folder"):
        monkeypatch.setitem(DATA_SOURCES, kind, replace(DATA_SOURCES[kind], load=fetched))
    run = named(searched[0], tmp_path, name)
    for command, words in commands(run, tmp_path).items():
        found = invoke(*words)
        assert found.exit_code == 2, (command, found.output)
        assert found.stderr == (
            f"Error: {run}: its config.json names the data {name}, which would be fetched from another "
            f"machine: name them yourself if you trust that, --data {shlex.quote(name)}\n"
        )


def test_what_the_user_names_is_opened_without_a_word(searched: tuple[Path, Path]) -> None:
    run, file = searched
    found = invoke("evaluate", run, "--data", f"npz:{file}")
    assert (found.exit_code, found.stderr) == (0, "")
    assert "test accuracy" in found.stdout


def test_built_in_data_and_code_say_nothing(
    searched: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert named_data(RunFolder(named(searched[0], tmp_path / "digits", "digits"))) == "digits"
    code = RunFolder(named(searched[0], tmp_path / "code", "code:mine.py:load"))
    assert named_data(code) == "code:mine.py:load"  # which nothing runs
    assert capsys.readouterr() == ("", "")
    assert "--data-code mine.py:load" in invoke("evaluate", code.path).stderr
