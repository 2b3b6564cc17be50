"""What a run is asked by a file or by another run: `--config`, `--resume RUN`. The same
words give the same run, wherever they stand.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from tiny import DIGITS, no_pictures, written

from bsngraph.cli.main import cli
from bsngraph.runs import RunFolder
from bsngraph.training import Silent

FAST = ("--epochs", 2, "--batch-size", 256, "--finetune-epochs", 1, "--candidates", 2, "--finalists", 0)
WORDS = ("--data", "digits", "--budget", "energy=8", "--threads", 1, "--seed", 3, *FAST)


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    no_pictures(monkeypatch)


def invoke(*words: object) -> Result:
    result = CliRunner().invoke(cli, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def succeeded(*words: object) -> Result:
    result = invoke(*words)
    assert result.exit_code == 0, result.output
    return result


def refused(*words: object) -> str:
    result = invoke(*words)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    return " ".join(result.stderr.split())


@pytest.fixture(scope="module")
def fabric(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(DIGITS, tmp_path_factory.mktemp("asked"), "tiny.dot")


@pytest.fixture(scope="module")
def run(fabric: Path) -> Path:
    """A run that was never stopped."""
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        succeeded(
            "search", fabric, *WORDS, "--set", "channels=3", "--out", fabric.parent / "whole", "--quiet"
        )
    return fabric.parent / "whole"


def bits(run: Path) -> tuple[bytes, str]:
    config = json.loads((run / "config.json").read_text(encoding="utf-8"))
    return (run / "model.safetensors").read_bytes(), json.dumps(config)


class Stops(Silent):
    """Ctrl-C after so many epochs."""

    def __init__(self, after: int) -> None:
        self.left = after

    def epoch(self, row: Any) -> None:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


def stopped(patch: pytest.MonkeyPatch, after: int, *words: object) -> Result:
    with patch.context() as here:
        here.setattr("bsngraph.cli.display.progress_display", lambda quiet, plan: Stops(after))
        result = invoke(*words)
    assert result.exit_code == 130
    return result


# --- going on


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_the_command_that_ctrl_c_prints_ends_in_the_same_bits(
    fabric: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epochs: int
) -> None:
    out = tmp_path / "it's stopped"
    words = ("search", fabric, *WORDS, "--set", "channels=3", "--out", out)
    said = stopped(monkeypatch, epochs, *words).stderr
    command = shlex.split(said.splitlines()[-1])
    assert command == ["bsngraph", "search", "--resume", str(out)]
    succeeded(*command[1:], "--quiet")
    assert bits(out) == bits(run)


def test_a_training_goes_on_from_its_folder_alone(
    fabric: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("train", fabric, "--data", "digits", "--threads", 1, *FAST[:4], "--seed", 2)
    succeeded(*words, "--out", tmp_path / "whole", "--quiet")
    said = stopped(monkeypatch, 1, *words, "--out", tmp_path / "stopped").stderr
    succeeded(*shlex.split(said.splitlines()[-1])[1:], "--quiet")
    assert bits(tmp_path / "stopped") == bits(tmp_path / "whole")


def test_what_is_given_beside_must_agree(run: Path, fabric: Path, tmp_path: Path) -> None:
    agreeing = ("--seed", 3, "--budget", "energy=8", "--epochs", 2, "--out", run)
    assert "had ended already" in succeeded("search", "--resume", run, *agreeing).stderr
    assert "recipe.epochs was 2 and is 5" in refused("search", "--resume", run, "--epochs", 5)
    assert "budgets was" in refused("search", "--resume", run, "--budget", "energy=7")
    assert "leave out --out" in refused("search", "--resume", run, "--out", tmp_path / "other")
    assert "is not the fabric given" in refused("search", fabric, "--resume", run)
    assert "exclude each other" in refused("search", "--resume", run, "--config", run / "config.json")
    assert "exclude each other" in refused("search", "--resume", run, "--overwrite")


def test_a_folder_that_holds_no_such_run_is_refused(run: Path, tmp_path: Path) -> None:
    assert "holds no run" in refused("search", "--resume", tmp_path)
    assert "holds a search run, not a train run" in refused("train", "--resume", run)
    (tmp_path / "config.json").write_text("{}")
    assert "config.json" in refused("search", "--resume", tmp_path)


def test_a_fabric_may_stand_behind_resume_as_before(fabric: Path, run: Path, tmp_path: Path) -> None:
    words = (*WORDS, "--set", "channels=3", "--out", run)
    assert "had ended already" in succeeded("search", "--resume", fabric, *words).stderr
    other = written(DIGITS, tmp_path, "other.dot")
    assert "is no run: it is a file" in refused("search", other, "--resume", fabric, *words)


def test_data_of_a_run_that_is_a_path_is_opened_after_a_word(
    fabric: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = np.random.default_rng(0)
    arrays = {
        f"{kind}_{part}": generator.random((40, 1, 8, 8), dtype=np.float32)
        if kind == "x"
        else np.arange(40) % 10
        for kind in "xy"
        for part in ("train", "test")
    }
    np.savez(tmp_path / "some.npz", **arrays)
    data = f"npz:{tmp_path / 'some.npz'}"
    words = ("train", fabric, "--data", data, "--threads", 1, "--epochs", 2, "--out", tmp_path / "run")
    stopped(monkeypatch, 1, *words)
    said = succeeded("train", "--resume", tmp_path / "run").stderr
    assert f"its config.json names the data {data}; reading them" in said
    again = succeeded("train", "--resume", tmp_path / "run", "--data", data).stderr
    assert "names the data" not in again


# --- repeating


def test_a_run_is_repeated_from_its_config(run: Path, tmp_path: Path) -> None:
    succeeded("search", "--config", run / "config.json", "--out", tmp_path / "again", "--quiet")
    assert bits(tmp_path / "again") == bits(run)
    succeeded("search", "--config", run, "--seed", 4, "--out", tmp_path / "other", "--quiet")
    assert RunFolder(tmp_path / "other").read_config().seed == 4
    assert "Missing option '--out'" in refused("search", "--config", run)


def test_a_preset_is_repeated_with_what_no_option_gives(fabric: Path, tmp_path: Path) -> None:
    quick = (
        "--epochs",
        1,
        "--batch-size",
        256,
        "--threads",
        1,
        "--penalty",
        "auto:2",
        "--penalty-form",
        "relative",
    )
    words = ("search", fabric, "--data", "digits", "--preset", "paper", "--budget", "energy=12", *quick)
    succeeded(*words, "--out", tmp_path / "run", "--quiet")
    succeeded("search", "--config", tmp_path / "run", "--out", tmp_path / "again", "--quiet")
    assert bits(tmp_path / "again") == bits(tmp_path / "run")


def altered(run: Path, folder: Path, change: Callable[[Any], object]) -> Path:
    """Its config.json and fabric, with a change."""
    config = json.loads((run / "config.json").read_text(encoding="utf-8"))
    change(config)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "fabric.dot").write_bytes((run / "fabric.dot").read_bytes())
    return folder


def test_what_options_cannot_say_is_refused(run: Path, tmp_path: Path) -> None:
    folder = altered(run, tmp_path, lambda config: config["recipe"].update(nesterov=False))
    said = refused("search", "--config", folder, "--out", tmp_path / "out")
    assert "its nesterov=False is no option's: the run was made from Python" in said


def test_code_and_files_that_only_a_hash_tells_are_named_again(run: Path, tmp_path: Path) -> None:
    def change(config: Any) -> None:
        config["costs"] |= {"own": ["price=evil.py:f"], "latencies": "0" * 64}

    said = refused("search", "--config", altered(run, tmp_path, change), "--out", tmp_path / "out")
    assert "does not run or open these by itself: give --cost price=evil.py:f --latencies FILE" in said
    assert not (tmp_path / "out").exists()


def test_the_run_that_a_config_starts_from_is_named_before_it_is_read(
    fabric: Path, run: Path, tmp_path: Path
) -> None:
    words = ("search", fabric, *WORDS, "--set", "channels=3", "--warm-start", run, "--quiet")
    succeeded(*words, "--out", tmp_path / "warm")
    repeated = succeeded("search", "--config", tmp_path / "warm", "--out", tmp_path / "again", "--quiet")
    assert f"its config.json starts from the run {run}; reading it" in repeated.stderr
    assert bits(tmp_path / "again") == bits(tmp_path / "warm")
    (tmp_path / "far").mkdir()
    distant = altered(
        tmp_path / "warm", tmp_path / "far", lambda config: config["warm_start"].update(path="//host/run")
    )
    assert "on another machine: name it yourself" in refused(
        "search", "--config", distant, "--out", tmp_path / "out"
    )


# --- files of settings


TOML = """\
fabric = "{fabric}"
data = "digits"
budget = ["energy=8"]
threads = 1
seed = 3
epochs = 2
batch-size = 256
finetune_epochs = 1
candidates = 2
finalists = 0
drops = [0.6, 0.85]
augment = true
[set]
channels = 3
"""


def test_a_file_of_settings_gives_the_same_run_as_the_options(
    run: Path, fabric: Path, tmp_path: Path
) -> None:
    (tmp_path / "run.toml").write_text(TOML.format(fabric=fabric), encoding="utf-8")
    words = ("search", "--config", tmp_path / "run.toml", "--quiet")
    succeeded(*words, "--out", tmp_path / "again")
    assert bits(tmp_path / "again") == bits(run)
    succeeded(*words, "--seed", 5, "--no-augment", "--out", tmp_path / "other")
    config = RunFolder(tmp_path / "other").read_config()
    assert (config.seed, config.recipe.augment, config.recipe.epochs) == (5, False, 2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("epoch = 3", "epoch: there is no such option: did you mean 'epochs'?"),
        ("epochs = 'many'", "epochs: 'many' is not a valid integer"),
        ("epochs = 1.5", "epochs: '1.5' is not a valid integer"),
        ("augment = 'yes'", "augment: must be true or false"),
        ("epochs = true", "epochs: must be a text or a number, not true or false"),
        ("[learning]\nepochs = 3", "learning: there is no such option"),
        ("[epochs]\na = 3", "epochs: must be a text or a number, not a table"),
        ("ops = 'mine.py'", "ops: names code to run: give --ops on the command line, each time"),
        ("cost = 'a=b.py:f'", "cost: names code to run"),
        ("data_code = 'b.py:f'", "data_code: names code to run"),
        ("resume = true", "resume: give --resume on the command line"),
        ("format = 'xml'", "format: 'xml' is not one of"),
        ("penalty = 'cheap'", "--penalty cheap must be auto"),
        ("epochs = 3\nepochs = 4", "is not TOML (Cannot overwrite a value"),
        ("epochs: 3", "is not TOML"),
        ("\ufeff\x00", "is not TOML"),
    ],
)
def test_a_wrong_file_of_settings_is_refused_with_its_cure(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(text, encoding="utf-8")
    assert said in refused("search", "f.dot", "--config", tmp_path / "run.toml", "--out", tmp_path / "out")


def test_all_that_is_wrong_with_a_file_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text("epoch = 3\nsede = 1\ndevice = 'cpu'\n", encoding="utf-8")
    said = refused("train", "f.dot", "--config", tmp_path / "run.toml", "--out", tmp_path / "out")
    assert "run.toml: cannot be used - epoch: there is no such option: did you mean 'epochs'?" in said
    assert "- sede: there is no such option: did you mean 'seed'?" in said
    assert "cannot be read" in refused("train", "f.dot", "--config", tmp_path / "none.toml", "--out", "out")
