"""`bsngraph list`: the runs under folders as a table, whatever state they are in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tiny import DIGITS, no_pictures, written

from bsngraph.cli.main import cli
from bsngraph.runs.lock import locked, run_goes_on
from bsngraph.runs.overview.find_runs import MOST_DEPTH, find_runs
from bsngraph.runs.overview.listed_run import listed_run_of
from bsngraph.wording import quantity

HOSTILE = '<script>alert(1)</script> [/x] "quoted" \'; \u202egnp.exe\x1b[31m\n=1+1'


def listed(*words: Any, width: int = 200) -> str:
    result = CliRunner().invoke(cli, ["list", *map(str, words)], env={"COLUMNS": str(width)})
    assert result.exit_code == 0, result.output
    return result.stdout


def runs_of(*words: Any) -> dict[str, dict[str, Any]]:
    """What --format json says, by the name of the folder."""
    said = json.loads(listed(*words, "--format", "json"))
    assert said["complete"] is True
    return {Path(run["path"]).name: run for run in said["runs"]}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run under a budget, as small as can be."""
    folder = tmp_path_factory.mktemp("listed")
    fast = "--epochs 2 --batch-size 512 --finetune-epochs 0 --candidates 1 --finalists 0 --threads 1 --quiet"
    fabric = str(written(DIGITS, folder))
    line = ["search", fabric, "--data", "digits", "--budget", "energy=8", "--out", str(folder / "first")]
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        result = CliRunner().invoke(cli, [*line, *fast.split()])
    assert result.exit_code == 0, result.output
    return folder / "first"


@pytest.fixture
def runs(first: Path, tmp_path: Path) -> Path:
    """A folder with a run of every state, at different depths, and what is no run."""
    for name in ("done", "deep/er/done2", "stopped", "begun", "broken", "damaged", "gone"):
        shutil.copytree(first, tmp_path / name)
    for name in ("stopped", "begun", "broken"):
        (tmp_path / name / "result.json").unlink()
    (tmp_path / "begun" / "metrics.jsonl").unlink()
    (tmp_path / "broken" / "config.json").write_text('{"command": "sea', encoding="utf-8")
    (tmp_path / "damaged" / "result.json").write_text('{"task": 3}', encoding="utf-8")
    (tmp_path / "gone" / "config.json").unlink()
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text('{"hidden_size": 8}', encoding="utf-8")
    shutil.copytree(first, tmp_path / "export" / "run")
    (tmp_path / "export" / "export.json").write_text("{}", encoding="utf-8")
    return tmp_path


def test_every_run_is_listed_with_its_state(runs: Path) -> None:
    found = runs_of(runs)
    assert {name: run["state"] for name, run in found.items()} == {
        "done": "finished", "done2": "finished", "stopped": "can resume", "begun": "can resume",
        "broken": "broken", "damaged": "broken", "gone": "broken",
    }  # fmt: skip
    assert found["broken"]["why"].startswith("config.json: is not JSON")
    assert found["damaged"]["why"].startswith("result.json: expected `str`, got `int` at $.task")
    assert found["gone"]["why"].startswith("config.json: cannot be read (there is no such file)")
    assert found["damaged"]["fabric"] == "tiny_digits", "what can be read is told"
    assert (found["stopped"]["stage"], found["stopped"]["epochs"]) == ("search", 2)
    assert found["begun"]["epochs"] is None


def test_a_line_says_what_the_files_say(runs: Path, first: Path) -> None:
    done = runs_of(runs)["done"]
    result = json.loads((first / "result.json").read_text(encoding="utf-8"))
    accuracy = result["metrics"]["test"]["accuracy"]
    assert done["metric"] == {"name": "accuracy", "split": "test", "value": accuracy}
    assert {name: cost["value"] for name, cost in done["costs"].items()} == {
        name: cost["value"] for name, cost in result["costs"].items()
    }
    assert done["budgets"] == [{"text": "energy=8", "cost": "energy", "met": True}]
    asked = (done["command"], done["fabric"], done["data"], done["task"], done["seed"])
    assert asked == ("search", "tiny_digits", "digits", "classification", 0)
    assert done["seconds"] == result["seconds"]
    stopped = runs_of(runs)["stopped"]
    rows = [json.loads(line) for line in (first / "metrics.jsonl").read_text().splitlines()]
    assert stopped["metric"]["split"] == "validation"
    assert stopped["metric"]["value"] == rows[-1]["validation_accuracy"]
    assert stopped["seconds"] == pytest.approx(sum(row["seconds"] for row in rows))


def test_the_table_has_a_line_for_each_and_says_what_is_broken(runs: Path) -> None:
    text = listed(runs / "done", runs / "stopped", runs / "damaged")
    lines = [line.split() for line in text.splitlines()]
    assert ["run", "fabric", "data", "budgets", "metric", "costs", "state", "time"] in lines
    (line,) = (line for line in lines if line and line[0] == str(runs / "done"))
    assert line[1:5] == ["tiny_digits", "digits", "energy=8", "accuracy"]
    assert line[6:10] == ["%", "energy", "7", "finished"]
    assert f"{runs / 'damaged'} is broken: result.json: expected `str`" in text
    narrow = listed(runs / "done", width=80)
    assert max(map(len, narrow.splitlines())) <= 80


def test_a_run_is_running_while_its_lock_is_held(runs: Path) -> None:
    """Looking disturbs neither the run nor one that is about to begin."""
    folder = runs / "stopped"
    with locked(folder):
        assert runs_of(runs)["stopped"]["state"] == "running"
        assert run_goes_on(folder)
    assert not run_goes_on(folder)
    (folder / ".bsngraph.lock").write_text("process 1 on host\n", encoding="utf-8")
    assert runs_of(runs)["stopped"]["state"] == "can resume", "a killed run's file locks nothing"
    assert (folder / ".bsngraph.lock").read_text(encoding="utf-8") == "process 1 on host\n"


@pytest.mark.skipif(os.name == "nt", reason="locks that two look at")
def test_a_run_begins_though_somebody_looks(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    folder = runs / "stopped"
    (folder / ".bsngraph.lock").write_text("", encoding="utf-8")
    looker = os.open(folder / ".bsngraph.lock", os.O_RDONLY)
    fcntl.flock(looker, fcntl.LOCK_SH)
    monkeypatch.setattr("bsngraph.runs.lock.time.sleep", lambda seconds: os.close(looker))
    with locked(folder):
        assert run_goes_on(folder)


def test_runs_are_sorted_by_a_column_or_a_cost(runs: Path) -> None:
    result = json.loads((runs / "done" / "result.json").read_text(encoding="utf-8"))
    result["seconds"], result["costs"]["energy"]["value"] = 1e6, 1e-3
    (runs / "done" / "result.json").write_text(json.dumps(result), encoding="utf-8")

    def order(*words: str) -> list[str]:
        return [name for name in runs_of(runs, *words) if name.startswith("done") or name == "gone"]

    assert order() == ["done2", "done", "gone"], "by path"
    assert order("--sort", "seconds") == ["done2", "done", "gone"]
    assert order("--sort", "seconds", "--reverse") == ["done", "done2", "gone"], "without a value comes last"
    assert order("--sort", "energy") == ["done", "done2", "gone"]
    result = CliRunner().invoke(cli, ["list", str(runs), "--sort", "metrc"])
    assert result.exit_code == 2
    assert "no such column: did you mean 'metric'?" in result.stderr


def test_runs_are_compared_by_the_costs_that_are_asked_for(runs: Path) -> None:
    result = json.loads((runs / "done" / "result.json").read_text(encoding="utf-8"))
    costs = result["costs"]
    costs["latency"] = costs["energy"] | {"value": 0.25, "unit": "ms"}
    (runs / "done" / "result.json").write_text(json.dumps(result), encoding="utf-8")
    names = ["done", "deep/er/done2", "stopped"]
    text = listed(*(runs / name for name in names), "--costs", "latency,params,macs", "--sort", "time")
    lines = [line.split() for line in text.splitlines()]
    assert [
        "run",
        "fabric",
        "data",
        "budgets",
        "metric",
        "latency",
        "params",
        "macs",
        "state",
        "time",
    ] in lines
    done, other = (next(line for line in lines if line and line[0] == str(runs / name)) for name in names[:2])
    numbers = [word for name in ("params", "macs") for word in quantity(costs[name]["value"]).split()]
    assert done[7:-3] == ["0.25", "ms", *numbers]
    assert other[7:-3] == numbers, "what a run does not have is empty"
    refused = CliRunner().invoke(cli, ["list", str(runs), "--costs", "params,mac"])
    assert refused.exit_code == 2
    assert "--costs mac: no run has such a cost: did you mean 'macs'?" in refused.stderr
    said = CliRunner().invoke(cli, ["compare", str(runs / "done"), str(runs / "stopped")])
    assert said.exit_code == 2
    assert "'list' prints runs beside each other" in said.stderr


def test_a_folder_is_the_current_one_and_must_be_there(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(runs)
    assert {run["path"] for run in runs_of().values()} >= {"done", "deep/er/done2"}
    assert runs_of("done", "./done", runs).keys() == runs_of(runs).keys(), "each is named once"
    result = CliRunner().invoke(cli, ["list", "nowhere"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "nowhere: cannot be looked into (No such file or directory)" in result.stderr
    (tmp_path / "empty").mkdir()
    assert listed("empty") == "there are no runs\n"


def test_loops_hidden_and_very_many_folders_end(runs: Path) -> None:
    (runs / "deep" / "loop").symlink_to(runs, target_is_directory=True)
    (runs / "done" / "itself").symlink_to(".", target_is_directory=True)
    shutil.copytree(runs / "done", runs / ".hidden" / "run", symlinks=True)
    assert len(runs_of(runs)) == 7
    assert not find_runs([runs], most=3).complete
    deep = runs.joinpath(*["d"] * (MOST_DEPTH + 1))
    deep.mkdir(parents=True)
    assert not find_runs([runs]).complete
    assert len(find_runs([runs]).folders) == 7


def test_hostile_names_stay_text(runs: Path) -> None:
    config = json.loads((runs / "done" / "config.json").read_text(encoding="utf-8"))
    config["fabric"] = config["data"]["name"] = config["budgets"][0]["text"] = HOSTILE
    (runs / "done" / "config.json").write_text(json.dumps(config), encoding="utf-8")
    result = json.loads((runs / "done" / "result.json").read_text(encoding="utf-8"))
    result["costs"][HOSTILE] = result["costs"]["energy"]
    result["metrics"]["test"] = {HOSTILE: 0.5} | result["metrics"]["test"]
    (runs / "done" / "result.json").write_text(json.dumps(result), encoding="utf-8")
    hostile = runs / "[b]<b>\u202e\x1b[2J"
    (runs / "done").rename(hostile)
    text = listed(runs)
    assert "<script>alert(1)</script> [/x]" in text, "markup is text"
    assert not {"\u202e", "\x1b"}.intersection(text)
    assert "\n=1+1" not in text
    (found,) = (run for run in runs_of(runs).values() if run["fabric"] == HOSTILE)
    assert found["path"] == str(hostile)


@pytest.mark.skipif(os.name == "nt", reason="named pipes of POSIX")
@pytest.mark.parametrize("name", ["config.json", "result.json", "metrics.jsonl", ".bsngraph.lock"])
def test_a_pipe_is_not_waited_for(name: str, runs: Path) -> None:
    folder = runs / "stopped"
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    expected = "can resume" if name == ".bsngraph.lock" else "broken"
    assert runs_of(runs)["stopped"]["state"] == expected


def test_a_thousand_runs_are_listed_fast(first: Path, tmp_path: Path) -> None:
    """Of three files each: what else is in a run is not opened."""
    for number in range(1000):
        folder = tmp_path / f"{number // 100}" / f"{number}"
        folder.mkdir(parents=True)
        for name in ("config.json", "result.json", "metrics.jsonl"):
            os.link(first / name, folder / name)
    began = time.perf_counter()
    found = [listed_run_of(folder).state for folder in find_runs([tmp_path]).folders]
    assert found == ["finished"] * 1000
    assert time.perf_counter() - began < 10


def test_listing_imports_no_torch(runs: Path) -> None:
    code = (
        "import sys\nfrom bsngraph.cli.main import cli\n"
        "try:\n    cli(['list', sys.argv[1]])\nexcept SystemExit as end:\n    assert not end.code\n"
        "assert 'torch' not in sys.modules\nassert 'sklearn' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(runs)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "can resume" in done.stdout
