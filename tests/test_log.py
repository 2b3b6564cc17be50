"""`bsngraph log`: what TensorBoard's own reader and MLflow's own client find in what it
writes.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny import DIGITS, no_pictures, written

import bsngraph
from bsngraph.cli.main import cli
from bsngraph.runs import RunFolder
from bsngraph.runs.lock import locked
from bsngraph.tracking.log_run import TRACKERS, LoggedRun, log_run
from bsngraph.tracking.mlflow_names import mlflow_name
from bsngraph.tracking.scalars import result_scalars
from bsngraph.tracking.snapshot import RunSnapshot
from bsngraph.tracking.tracker import TrackerRow
from bsngraph.wording import printable

HOSTILE = "<script>alert(1)</script> [/x] \"q\" 'p' \u202egnp.exe\x1b[31m"


def invoke(*words: Any) -> Result:
    result = CliRunner().invoke(cli, list(map(str, words)))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def logged(run: Path, to: str, *words: Any) -> dict[str, Any]:
    result = invoke("log", run, "--to", to, *words, "--format", "json")
    assert result.exit_code == 0, result.output
    said: dict[str, Any] = json.loads(result.stdout)
    return said


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished search with finalists and fine-tuning, as small as can be."""
    folder = tmp_path_factory.mktemp("logged")
    line = ["search", str(written(DIGITS, folder)), "--data", "digits", "--budget", "energy=8"]
    line += ["--out", str(folder / "first"), "--threads", "1", "--quiet", "--epochs", "3"]
    line += ["--batch-size", "512", "--finetune-epochs", "2", "--candidates", "1"]
    line += ["--finalists", "2", "--finalist-epochs", "1"]
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        assert invoke(*line).exit_code == 0
    picture = io.BytesIO()
    Image.new("RGBA", (3, 2)).save(picture, "PNG")
    (folder / "first" / "architecture.png").write_bytes(picture.getvalue())
    return folder / "first"


@pytest.fixture
def run(first: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(first, tmp_path / "run"))


def rows_of(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


def events_of(folder: Path) -> Any:
    """The one event file of a folder, read whole."""
    assert len(list(folder.iterdir())) == 1
    unbounded = {"scalars": 0, "histograms": 0, "images": 0, "tensors": 0}
    accumulator = EventAccumulator(str(folder), size_guidance=unbounded)
    accumulator.Reload()
    return accumulator


def expected_scalars(run: Path) -> dict[str, list[tuple[int, float]]]:
    """A few curves, taken from metrics.jsonl without our reader."""
    found: dict[str, list[tuple[int, float]]] = {}
    names = {"search": "search", "finetune": "finetune"}
    for row in rows_of(run):
        stage = names.get(row["stage"], f"finalists/{row.get('finalist', 0):02d}")
        for name in ("train_loss", "validation_accuracy", "learning_rate", "entropy"):
            if name in row:
                found.setdefault(f"{stage}/{name}", []).append((row["epoch"], row[name]))
        for name, cost in row.get("costs", {}).items():
            found.setdefault(f"{stage}/costs/{name}/sampled", []).append((row["epoch"], cost["sampled"]))
        for group in ("limits", "penalty", "excess"):
            for name, value in row.get(group, {}).items():
                found.setdefault(f"{stage}/{group}/{name}", []).append((row["epoch"], value))
    return found


def assert_has_every_epoch_once(events: Any, run: Path) -> None:
    for tag, points in expected_scalars(run).items():
        assert [(event.step, pytest.approx(event.value)) for event in events.Scalars(tag)] == points, tag


# --- TensorBoard


def test_tensorboard_reads_every_curve_by_stage(run: Path) -> None:
    said = logged(run, "tensorboard")
    assert (said["folder"], said["epochs"], said["finished"]) == (str(run / "tensorboard"), 7, True)
    assert said["viewer"] == f"tensorboard --logdir {run / 'tensorboard'}"
    events = events_of(run / "tensorboard")
    assert_has_every_epoch_once(events, run)
    tags = expected_scalars(run).keys()
    assert {
        "search/entropy",
        "search/limits/energy",
        "finalists/02/train_loss",
        "finetune/train_loss",
    } <= tags
    walls = [event.wall_time for event in events.Scalars("search/train_loss")]
    assert walls == sorted(walls)
    assert walls[0] == pytest.approx((run / "config.json").stat().st_mtime, abs=600)


def test_tensorboard_reads_the_result_the_picture_and_gamma(run: Path) -> None:
    logged(run, "tensorboard")
    events = events_of(run / "tensorboard")
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    (accuracy,) = events.Scalars("result/test/accuracy")
    assert accuracy.value == pytest.approx(result["metrics"]["test"]["accuracy"])
    assert events.Scalars("result/costs/energy")[0].value == result["costs"]["energy"]["value"]
    (picture,) = events.Images("architecture")
    assert (picture.width, picture.height) == (3, 2)
    assert picture.encoded_image_string == (run / "architecture.png").read_bytes()
    (gamma,) = events.Histograms("search/probabilities")
    learned = [
        edge.probability
        for edge in bsngraph.read_fabric(run / "probabilities.dot").edges
        if edge.probability is not None
    ]
    held = gamma.histogram_value
    assert (held.num, held.sum) == (len(learned), pytest.approx(sum(learned)))
    for limit, count in zip(held.bucket_limit, held.bucket, strict=True):
        assert count == sum(limit - 0.05 <= value + 1e-12 < limit for value in learned)


def test_tensorboard_reads_the_settings_and_what_they_led_to(run: Path) -> None:
    from tensorboard.plugins.hparams import metadata

    logged(run, "tensorboard")
    content = events_of(run / "tensorboard").PluginTagToContent("hparams")
    start = metadata.parse_session_start_info_plugin_data(content[metadata.SESSION_START_INFO_TAG])
    assert start.hparams["epochs"].number_value == 3
    assert start.hparams["budgets"].string_value == "energy=8"
    assert start.hparams["nesterov"].bool_value is True
    told = metadata.parse_experiment_plugin_data(content[metadata.EXPERIMENT_TAG])
    metrics = {info.name.tag for info in told.metric_infos}
    assert {"result/test/accuracy", "result/costs/macs", "result/seconds"} <= metrics
    assert metadata.parse_session_end_info_plugin_data(content[metadata.SESSION_END_INFO_TAG]).status == 1


def test_logging_again_replaces_the_event_file(run: Path, tmp_path: Path) -> None:
    logged(run, "tensorboard")
    (before,) = (run / "tensorboard").iterdir()
    logged(run, "tensorboard")
    (after,) = (run / "tensorboard").iterdir()
    assert before.name < after.name, "a TensorBoard that reads the old one goes on to the new one"
    assert_has_every_epoch_once(events_of(run / "tensorboard"), run)
    moved = run.rename(tmp_path / "moved")
    logged(moved, "tensorboard")
    assert_has_every_epoch_once(events_of(moved / "tensorboard"), moved)


def test_event_files_of_something_else_are_left_alone(run: Path, first: Path, tmp_path: Path) -> None:
    out = tmp_path / "events"
    logged(run, "tensorboard", "-o", out)
    (ours,) = out.iterdir()
    result = invoke("log", first, "--to", "tensorboard", "-o", out)
    assert result.exit_code == 2
    assert f"holds event files of something else ({ours.name})" in result.stderr
    assert list(out.iterdir()) == [ours]


class Scripted:
    """A run that goes on while its log is followed: each pause is its next moment.

    A moment is a number of epochs; `end` has result.json, `stop` is a killed run, and
    `resumed` one that a process works on again. An epoch that comes again, after a
    resume, says the same and took another time.
    """

    def __init__(self, run: Path) -> None:
        self.run = run
        self.rows = rows_of(run)
        self.result = (run / "result.json").read_text(encoding="utf-8")
        self.clock: list[float] = []
        self.ticks = self.looks = 0

    def follow(self, to: str, out: Path | None, *moments: int | str) -> LoggedRun:
        """Follow the run through its moments."""
        coming = iter(moments)
        with ExitStack() as lock:
            lock.enter_context(locked(self.run))
            self.at(next(coming), lock)

            def pause() -> None:
                self.looks += 1
                self.at(next(coming, "stop"), lock)

            return log_run(RunFolder(self.run), to, out, follow=True, pause=pause)

    def at(self, moment: int | str, lock: ExitStack) -> None:
        if moment == "stop":
            lock.close()
            return
        if moment == "resumed":
            lock.enter_context(locked(self.run))
            return
        count = len(self.rows) if moment == "end" else int(moment)
        del self.clock[count:]
        while len(self.clock) < count:
            self.ticks += 1
            self.clock.append(self.ticks / 7)
        rows = [row | {"seconds": seconds} for row, seconds in zip(self.rows, self.clock, strict=False)]
        text = "".join(f"{json.dumps(row)}\n" for row in rows)
        (self.run / "metrics.jsonl").write_text(text, encoding="utf-8")
        (self.run / "result.json").unlink(missing_ok=True)
        if moment == "end":
            (self.run / "result.json").write_text(self.result, encoding="utf-8")
            lock.close()


@pytest.mark.parametrize(
    "moments", [[0, 2, 5, "end"], [4, 4, 2, 3, "end"], [7, "stop", "resumed", 1, "end"], ["end"]], ids=str
)
def test_following_has_every_epoch_once_though_the_run_is_resumed(moments: list[Any], run: Path) -> None:
    assert Scripted(run).follow("tensorboard", None, *moments).finished
    events = events_of(run / "tensorboard")
    assert_has_every_epoch_once(events, run)
    assert len(events.Scalars("result/test/accuracy")) == 1


def test_following_ends_with_a_run_that_is_stopped(run: Path) -> None:
    script = Scripted(run)
    said = script.follow("tensorboard", None, 1, 3, "stop")
    assert (said.epochs, said.finished) == (3, False)
    assert script.looks == 31, "it may be resumed"
    events = events_of(run / "tensorboard")
    assert [event.step for event in events.Scalars("search/train_loss")] == [1, 2, 3]
    assert "result/test/accuracy" not in events.Tags()["scalars"]
    assert "has not ended: log it again" in invoke("log", run, "--to", "tensorboard").stdout


def replaced(script: Scripted) -> None:
    """Another run in the same folder, of which nothing is written yet."""
    config = json.loads((script.run / "config.json").read_text(encoding="utf-8"))
    (script.run / "config.json").write_text(json.dumps(config | {"seed": 7}), encoding="utf-8")
    script.rows = [row | {"train_loss": row["train_loss"] + 1} for row in script.rows]
    script.clock.clear()


def test_following_goes_over_to_the_run_that_replaces_another(run: Path) -> None:
    class Replaced(Scripted):
        def at(self, moment: int | str, lock: ExitStack) -> None:
            if moment == 1:
                replaced(self)
            super().at(moment, lock)

    Replaced(run).follow("tensorboard", None, 3, 1, 2, "end")
    assert_has_every_epoch_once(events_of(run / "tensorboard"), run)


def test_following_a_search_that_runs_ends_with_it(
    first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_pictures(monkeypatch)
    out = tmp_path / "live"
    recipe = bsngraph.Recipe(epochs=4, batch_size=256)
    settings = bsngraph.SearchSettings(finalists=0, finetune_epochs=1, candidates=1)
    searching = threading.Thread(
        target=bsngraph.search,
        args=(bsngraph.read_fabric(first.parent / "fabric.dot"), "digits", ["energy=8"]),
        kwargs={"out": out, "recipe": recipe, "settings": settings, "threads": 1},
    )
    searching.start()
    while searching.is_alive() and not (out / "config.json").exists():
        time.sleep(0.005)
    looks = 0

    def pause() -> None:
        nonlocal looks
        looks += 1
        time.sleep(0.02)
        (out / "architecture.png").unlink(missing_ok=True)  # the stand-in, which is no PNG

    said = log_run(RunFolder(out), "tensorboard", follow=True, pause=pause)
    searching.join()
    assert said.finished
    assert looks
    assert_has_every_epoch_once(events_of(out / "tensorboard"), out)


# --- MLflow


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mlflow store")


class Mlflow:
    """What MLflow's own client finds."""

    def __init__(self, store: Path) -> None:
        from mlflow.tracking import MlflowClient

        self.client = MlflowClient(f"sqlite:///{store / 'mlflow.db'}")
        self.experiment = self.client.get_experiment_by_name("bsngraph")

    def runs_of(self, run: Path) -> list[Any]:
        """The runs of a folder that are not deleted."""
        runs = self.client.search_runs([self.experiment.experiment_id])
        return [one for one in runs if one.data.tags["bsngraph.folder"] == str(run.resolve())]

    def run_of(self, run: Path) -> Any:
        """The one of them."""
        (found,) = self.runs_of(run)
        return found

    def points(self, one: Any, name: str) -> list[tuple[int, float]]:
        history = self.client.get_metric_history(one.info.run_id, name)
        return [(point.step, point.value) for point in sorted(history, key=lambda point: point.step)]

    def assert_has_every_epoch_once(self, one: Any, run: Path) -> None:
        for name, points in expected_scalars(run).items():
            assert self.points(one, name) == points, name


@pytest.fixture
def mlflow(store: Path, run: Path) -> Mlflow:
    """MLflow's client, after the run was logged once."""
    logged(run, "mlflow", "-o", store)
    return Mlflow(store)


warns = pytest.mark.filterwarnings("ignore")  # MLflow itself uses what SQLAlchemy deprecates


@warns
def test_mlflow_has_metrics_settings_and_files(mlflow: Mlflow, run: Path, tmp_path: Path) -> None:
    one = mlflow.run_of(run)
    mlflow.assert_has_every_epoch_once(one, run)
    assert one.info.status == "FINISHED"
    assert one.info.run_name == "run"
    assert (one.data.params["epochs"], one.data.params["budgets"]) == ("3", "energy=8")
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    assert one.data.metrics["result/test/accuracy"] == result["metrics"]["test"]["accuracy"]
    names = {file.path for file in mlflow.client.list_artifacts(one.info.run_id)}
    assert names == {"architecture.png", "result.json"}
    kept = Path(mlflow.client.download_artifacts(one.info.run_id, "result.json", str(tmp_path)))
    assert kept.read_bytes() == (run / "result.json").read_bytes()


@warns
def test_a_run_is_logged_to_mlflow_once_wherever_it_lies(
    mlflow: Mlflow, run: Path, store: Path, tmp_path: Path
) -> None:
    before = mlflow.run_of(run)
    said = logged(run, "mlflow", "-o", store)
    assert said["viewer"].endswith(f"'sqlite:///{store / 'mlflow.db'}'"), "quoted for a shell"
    assert mlflow.run_of(run).info.run_id == before.info.run_id
    mlflow.assert_has_every_epoch_once(before, run)
    count = len(mlflow.client.search_runs([mlflow.experiment.experiment_id]))
    moved = run.rename(tmp_path / "moved")
    logged(moved, "mlflow", "-o", store)
    assert mlflow.run_of(moved).info.run_id == before.info.run_id
    assert len(mlflow.client.search_runs([mlflow.experiment.experiment_id])) == count


@warns
def test_mlflow_follows_a_run_that_is_stopped_resumed_replaced_and_ends(run: Path, store: Path) -> None:
    script = Scripted(run)
    script.follow("mlflow", store, 0, 4, "stop")
    mlflow = Mlflow(store)
    stopped = mlflow.run_of(run)
    assert stopped.info.status == "KILLED"
    assert [step for step, _ in mlflow.points(stopped, "search/train_loss")] == [1, 2, 3]
    assert script.follow("mlflow", store, 4, 6, 5, "end").finished
    ended = mlflow.run_of(run)
    assert (ended.info.status, ended.info.run_id) == ("FINISHED", stopped.info.run_id)
    mlflow.assert_has_every_epoch_once(ended, run)
    script.follow("mlflow", store, 2, "end")
    mlflow.assert_has_every_epoch_once(mlflow.run_of(run), run)
    replaced(script)
    script.follow("mlflow", store, 1, "end")
    (new,) = (one for one in mlflow.runs_of(run) if one.data.params["seed"] == "7")
    mlflow.assert_has_every_epoch_once(new, run)
    assert len(mlflow.runs_of(run)) == 2, "a run that was replaced stays"


@pytest.mark.parametrize(
    "name", ["search/train_loss", "a/b c.d-e:1", HOSTILE, "a//b", "../x", "./x", "x/.", "/x", "é", "x" * 500]
)
def test_mlflow_takes_every_name(name: str) -> None:
    from mlflow.utils.validation import _validate_metric_name

    _validate_metric_name(mlflow_name(name))
    assert (mlflow_name(name) == name) == (name in ("search/train_loss", "a/b c.d-e:1", "é"))
    assert mlflow_name("a<b") != mlflow_name("a>b")


# --- both


@warns
@pytest.mark.parametrize("to", TRACKERS)
def test_hostile_names_are_logged_as_text(to: str, run: Path, tmp_path: Path, store: Path) -> None:
    for file in ("metrics.jsonl", "result.json"):
        text = (run / file).read_text(encoding="utf-8").replace('"energy"', json.dumps(HOSTILE))
        (run / file).write_text(text, encoding="utf-8")
    config = json.loads((run / "config.json").read_text(encoding="utf-8"))
    config["fabric"] = config["data"]["name"] = config["budgets"][0]["text"] = HOSTILE
    (run / "config.json").write_text(json.dumps(config), encoding="utf-8")
    hostile = run.rename(tmp_path / "[b]<script>'\u202e\x1b[31m")
    result = invoke("log", hostile, "--to", to, *(["-o", store] if to == "mlflow" else []))
    assert result.exit_code == 0, result.output
    assert not {"\u202e", "\x1b"}.intersection(result.output)
    if to == "mlflow":
        mlflow = Mlflow(store)
        one = mlflow.run_of(hostile)
        assert one.data.params["fabric"] == HOSTILE
        points = mlflow.points(one, mlflow_name(f"search/costs/{printable(HOSTILE)}/sampled"))
    else:
        events = events_of(hostile / "tensorboard")
        tag = f"search/costs/{printable(HOSTILE)}/sampled"
        points = [(event.step, event.value) for event in events.Scalars(tag)]
    assert [step for step, _ in points] == [1, 2, 3]


@pytest.mark.parametrize(("to", "module"), [("tensorboard", "tensorboard"), ("mlflow", "mlflow")])
def test_what_is_not_installed_gets_the_command_that_installs_it(
    to: str, module: str, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    result = invoke("log", run, "--to", to)
    assert result.exit_code == 1
    assert f"pip install 'bsngraph[{to}]'" in result.stderr
    assert not (run / "tensorboard").exists()


def test_mistakes_end_with_a_message(run: Path, tmp_path: Path) -> None:
    def refused(*words: Any) -> str:
        result = invoke("log", *words)
        assert (result.exit_code, result.stdout) == (2, ""), result.output
        return result.stderr

    assert "tensorbord is no tracker: did you mean 'tensorboard'?" in refused(run, "--to", "tensorbord")
    assert "config.json: cannot be read" in refused(tmp_path, "--to", "tensorboard")
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert "give another -o" in refused(run, "--to", "tensorboard", "-o", tmp_path / "file")
    assert "give another -o" in refused(run, "--to", "mlflow", "-o", tmp_path / "file")
    (tmp_path / "mlflow.db").write_text("no database", encoding="utf-8")
    assert "is no database of SQLite" in refused(run, "--to", "mlflow", "-o", tmp_path)
    assert "takes no path with ?" in refused(run, "--to", "mlflow", "-o", tmp_path / "a#b")
    (run / "architecture.png").write_text("<svg/>", encoding="utf-8")
    assert "architecture.png: is no PNG: draw it again" in refused(run, "--to", "tensorboard")
    (run / "metrics.jsonl").write_text("{}\n", encoding="utf-8")
    assert "metrics.jsonl, line 1" in refused(run, "--to", "tensorboard")


def test_a_run_that_was_not_searched_is_logged(run: Path) -> None:
    """`train` writes no Γ, and a run without Graphviz no picture."""
    (run / "probabilities.dot").unlink()
    (run / "architecture.png").unlink()
    (run / "metrics.jsonl").unlink()
    assert logged(run, "tensorboard")["epochs"] == 0
    assert events_of(run / "tensorboard").Tags()["histograms"] == []


def test_logging_imports_no_torch(run: Path) -> None:
    code = (
        "import sys\nfrom bsngraph.cli.main import cli\n"
        "try:\n    cli(['log', sys.argv[1], '--to', 'tensorboard'])\n"
        "except SystemExit as end:\n    assert not end.code\n"
        "assert not {'torch', 'sklearn', 'tensorflow'}.intersection(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(run)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_tracker_is_a_row(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Dummy:
        def __init__(self) -> None:
            self.shown: list[int] = []
            self.scores: dict[str, float] = {}

        def show(self, now: RunSnapshot) -> None:
            self.shown.append(len(now.rows))

        def conclude(self, now: RunSnapshot) -> None:
            assert now.result is not None
            self.scores = result_scalars(now.result)

    dummy = Dummy()
    row = TrackerRow(
        lambda run, folder: nullcontext(dummy), lambda run: run.path, lambda folder: ("see", "it")
    )
    monkeypatch.setitem(TRACKERS, "dummy", row)
    assert "see them by: see it" in invoke("log", run, "--to", "dummy").stdout
    assert dummy.shown == [7]
    assert dummy.scores["result/edges_kept"] == 2
