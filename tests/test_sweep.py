"""Sweeps: every combination once, whatever interrupts them; names, tables, fronts."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from tiny import DIGITS, STRIPES, no_pictures, stripes, written

import bsngraph
from bsngraph.cli.main import cli
from bsngraph.cli.tables.sweep_table import sweep_display
from bsngraph.costs.table import COSTS
from bsngraph.errors import InputError, RunFailedError
from bsngraph.measure import LATENCY_ENGINES
from bsngraph.parallel import TaskEnd, WorkerLostError
from bsngraph.runs.lock import locked
from bsngraph.settings import resolve_settings
from bsngraph.sweeping import ahead, running, swept_run
from bsngraph.sweeping import sweep as sweep_stages
from bsngraph.sweeping.axes import Axis, AxisValue, budget_axes, parameter_axes, seed_axis
from bsngraph.sweeping.outcomes.fronts import Spread, SweepPoint, fronts_of, undominated
from bsngraph.sweeping.outcomes.growing_files import draw_fronts
from bsngraph.sweeping.outcomes.sweep_tables import sweep_text
from bsngraph.sweeping.outcomes.swept_runs import Sweep, SweptRun, read_sweep
from bsngraph.sweeping.plan import PlannedRun, SweepRequest, plan_sweep
from bsngraph.sweeping.run_names import run_name
from bsngraph.sweeping.sweep_progress import SilentSweep
from bsngraph.training import Silent

QUICK = {"epochs": 2, "batch_size": 32, "candidates": 2, "finalists": 0, "finetune_epochs": 1}
SAME = ("model.safetensors", "architecture.dot", "probabilities.dot", "fabric.dot", "config.json")
NAMES = ["price-4_seed-0", "price-4_seed-1", "price-5_seed-0", "price-5_seed-1"]


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pictures, and no waiting for another sweep."""
    no_pictures(monkeypatch)
    monkeypatch.setattr(running, "_POLL_S", 0.01)
    monkeypatch.setattr("bsngraph.sweeping.sweep_progress.draw_fronts", lambda sweep: None)


@pytest.fixture(scope="module")
def fabric(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(STRIPES, tmp_path_factory.mktemp("fabric"))


def swept(fabric: Path, out: Path, *budgets: str, **more: Any) -> Sweep:
    usual = {"seeds": 2, "settings": QUICK, "workers": 1}
    return bsngraph.sweep(fabric, stripes(), budgets or ["price=4,5"], out=out, **usual | more)


@pytest.fixture(scope="module")
def whole(fabric: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep that nothing interrupted: three limits, nothing inside one, two seeds."""
    out = tmp_path_factory.mktemp("whole") / "sweep"
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        swept(fabric, out, "price=1%,4,5")
    return out


@pytest.fixture
def half(whole: Path, tmp_path: Path) -> Path:
    """The same where two runs are to be done again."""
    shutil.copytree(whole, tmp_path / "half")
    for name in NAMES[2:]:
        shutil.rmtree(tmp_path / "half" / name)
    return tmp_path / "half"


def content(run: Path) -> dict[str, bytes]:
    return {name: (run / name).read_bytes() for name in SAME}


def states(out: Path) -> dict[str, str]:
    return {row.name: row.state for row in read_sweep(out).rows}


def rows_of(table: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table.read_text(encoding="utf-8"))))


class Failing:
    """A search that fails for one seed."""

    def __init__(self, error: Exception, seed: int) -> None:
        self.error, self.seed = error, seed
        self.search = swept_run.run_search

    def __call__(self, fabric: Any, goal: Any, method: Any, *more: Any) -> Any:
        if method.seed == self.seed:
            raise self.error
        return self.search(fabric, goal, method, *more)


def refuse(*given: Any) -> None:
    raise AssertionError("nothing is to be run")


# --- what is run


def test_every_combination_is_a_run_folder_and_an_infeasible_one_is_told(whole: Path) -> None:
    found = states(whole)
    assert found == {
        **{f"price-1pct_seed-{seed}": "infeasible" for seed in (0, 1)},
        **dict.fromkeys(NAMES, "finished"),
    }
    rows = rows_of(whole / "sweep.csv")
    assert [row["run"] for row in rows] == list(found)
    assert [row["budget_price"] for row in rows] == ["1%", "1%", "4", "4", "5", "5"]
    assert "the cheapest costs 1" in rows[0]["error"]
    assert all(float(row["cost_price"]) <= float(row["budget_price"]) for row in rows[2:])
    assert not [path for path in whole.iterdir() if path.name.startswith(".")]


def test_a_run_has_the_bits_of_the_same_search(fabric: Path, whole: Path, tmp_path: Path) -> None:
    recipe = bsngraph.Recipe(epochs=2, batch_size=32)
    settings = bsngraph.SearchSettings(candidates=2, finalists=0, finetune_epochs=1)
    read = bsngraph.read_fabric(fabric)
    more: dict[str, Any] = {"recipe": recipe, "settings": settings, "threads": 1}
    bsngraph.search(read, stripes(), ["price=5"], out=tmp_path / "run", seed=1, **more)
    assert content(tmp_path / "run") == content(whole / NAMES[3])


def test_what_has_ended_is_not_run_again(fabric: Path, half: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    swept(fabric, half, "price=1%,4,5")
    monkeypatch.setattr(swept_run, "run_search", refuse)
    again = swept(fabric, half, "price=1%,4,5")
    assert again.counts == {"finished": 4, "infeasible": 2}
    assert [row.name for row in swept(fabric, half, "price=4").rows] == NAMES[:2]


def test_two_processes_do_what_one_does(fabric: Path, whole: Path, half: Path) -> None:
    assert swept(fabric, half, "price=1%,4,5", workers=2).counts == {"finished": 4, "infeasible": 2}
    assert [content(half / name) for name in NAMES] == [content(whole / name) for name in NAMES]


def test_of_a_seed_the_longest_run_comes_first(
    fabric: Path, half: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    monkeypatch.setattr(sweep_stages, "run_all", lambda plan, left, *more: begun.extend(map(named, left)))
    swept(fabric, half, "price=1%,4,5", seeds=2)
    swept(fabric, half.with_name("new"), seeds=2, settings=QUICK | {"epochs": [2, 3]})
    assert begun == [
        *("price-5_seed-0", "price-5_seed-1"),
        *("price-5_epochs-3_seed-0", "price-4_epochs-3_seed-0"),
        *("price-5_epochs-2_seed-0", "price-4_epochs-2_seed-0"),
        *("price-5_epochs-3_seed-1", "price-4_epochs-3_seed-1"),
        *("price-5_epochs-2_seed-1", "price-4_epochs-2_seed-1"),
    ]


def named(run: PlannedRun) -> str:
    return run.name


@pytest.mark.parametrize(
    ("workers", "ray", "device", "budgets", "begins"),
    [
        (None, None, "auto", ["macs=25%", "params<=9k"], True),
        (3, None, "cpu", [], True),
        (1, None, "auto", [], False),
        (None, "auto", "auto", [], False),
        (2, None, "cuda", [], False),
        (2, None, "auto", ["macs=25%", "latency~=2ms"], False),
        (2, None, "auto", ["makespan:4=2ms"], False),
    ],
)
def test_workers_begin_while_a_sweep_is_planned_unless_they_disturb(
    monkeypatch: pytest.MonkeyPatch, workers: Any, ray: Any, device: str, budgets: list[str], begins: bool
) -> None:
    begun: list[Any] = []
    monkeypatch.setattr(ahead, "usable_cores", lambda: 2)
    monkeypatch.setattr(ahead, "server_ahead", lambda modules: begun.append(modules) or nullcontext())
    with ahead.workers_ahead(workers, ray, device, budgets):
        assert len(begun) == begins
    needed = {swept_run.run_one.__module__, *ahead.LOADED_LATE}
    assert all(needed <= set(modules) for modules in begun)


def test_a_cost_is_measured_if_an_engine_measures_it_or_its_unit_is_time() -> None:
    measured = {name for name in COSTS if ahead.is_measured(f"{name}=1")}
    assert measured == {*LATENCY_ENGINES, *(name for name in COSTS if name.startswith("makespan"))}


def test_shares_are_all_of_it_and_disjoint(fabric: Path, whole: Path, half: Path) -> None:
    shares = [swept(fabric, half, "price=1%,4,5", only=(number, 3)).rows for number in (1, 2, 3)]
    names = [row.name for share in shares for row in share]
    assert sorted(names) == sorted(states(whole))
    assert states(half) == states(whole)
    with pytest.raises(InputError, match="no share 4 of 3"):
        swept(fabric, half, only=(4, 3))


def test_a_range_has_the_settings_of_a_search_under_a_range(fabric: Path) -> None:
    axes = (*budget_axes(["price=2..5,4"]), seed_axis([0]))
    runs = plan_sweep(SweepRequest(fabric=fabric, data=stripes(), axes=axes), (), print).runs
    usual = [resolve_settings(None, ranged=ranged)[1] for ranged in (True, False)]
    assert [run.method.settings for run in runs] == usual
    assert usual[0] != usual[1]


# --- interrupted


class Interrupting(Silent):
    """Ctrl-C at a random epoch."""

    random = Random(7)

    def epoch(self, row: Any) -> None:
        if self.random.random() < 0.5:
            raise KeyboardInterrupt


def test_a_sweep_interrupted_anywhere_ends_in_the_same_bits(
    fabric: Path, whole: Path, half: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted = 0
    monkeypatch.setattr(swept_run, "Silent", Interrupting)
    while True:
        try:
            swept(fabric, half, "price=1%,4,5")
            break
        except KeyboardInterrupt:
            interrupted += 1
            assert not list(half.glob(".bsngraph*")), "the sweep tidies up"
    assert interrupted > 2
    assert [content(half / name) for name in NAMES] == [content(whole / name) for name in NAMES]


def test_a_killed_sweep_goes_on(fabric: Path, whole: Path, half: Path, tmp_path: Path) -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\nfrom test_sweep import swept\nimport pytest, tiny\n"
        "tiny.no_pictures(pytest.MonkeyPatch())\n"
        "swept(Path(sys.argv[2]), Path(sys.argv[3]), 'price=1%,4,5')\n"
    )
    line = [sys.executable, "-c", script, str(Path(__file__).parent), str(fabric), str(half)]
    with subprocess.Popen(line) as process:
        try:
            for _ in range(600):
                if (half / NAMES[2] / "checkpoint.pt").exists():
                    break
                assert process.poll() is None
                time.sleep(0.05)
        finally:
            os.kill(process.pid, signal.SIGKILL)
    assert swept(fabric, half, "price=1%,4,5").counts == {"finished": 4, "infeasible": 2}
    assert [content(half / name) for name in NAMES] == [content(whole / name) for name in NAMES]


def test_a_run_of_other_versions_begins_again(
    fabric: Path, whole: Path, half: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = half / NAMES[2]
    run.mkdir()
    config = json.loads((whole / NAMES[2] / "config.json").read_text(encoding="utf-8"))
    config["versions"]["machine"] = "another one"
    (run / "config.json").write_text(json.dumps(config), encoding="utf-8")
    told: list[str] = []

    class Told(SilentSweep):
        def note(self, text: str) -> None:
            told.append(text)

    swept(fabric, half, "price=1%,4,5", progress=Told())
    assert told == [f"{NAMES[2]} was begun on another machine or by other versions, and begins again"]
    assert content(run) == content(whole / NAMES[2])


# --- several at once


def test_a_run_that_another_process_holds_is_waited_for(
    fabric: Path, half: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = half / NAMES[2]
    held.mkdir()
    lock = locked(held)
    lock.__enter__()
    waited: list[float] = []

    def let_go(seconds: float) -> None:
        waited.append(seconds)
        if seconds == running._POLL_S and len(waited) < 50:
            assert states(half)[NAMES[3]] == "finished", "the others go on meanwhile"
            lock.__exit__(None, None, None)

    monkeypatch.setattr(running.time, "sleep", let_go)
    assert swept(fabric, half, "price=1%,4,5").counts == {"finished": 4, "infeasible": 2}
    assert waited.count(running._POLL_S) == 1


def test_a_run_whose_worker_died_is_begun_again_and_fails_the_third_time(
    fabric: Path, half: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = running.run_tasks, []

    def dying(function: Any, tasks: list[Any], *more: Any, **named: Any) -> Iterator[TaskEnd[Any]]:
        calls.append([task.name for task in tasks])
        alive = [task for task in tasks if task.name != NAMES[2]]
        yield from (
            TaskEnd(number, WorkerLostError("killed"))
            for number, task in enumerate(tasks)
            if task.name == NAMES[2]
        )
        for end in real(function, alive, *more, **named):
            yield replace(end, number=tasks.index(alive[end.number]))

    monkeypatch.setattr(running, "run_tasks", dying)
    assert swept(fabric, half, "price=1%,4,5").counts == {"finished": 3, "infeasible": 2, "failed": 1}
    assert calls == [[NAMES[2], NAMES[3]], [NAMES[2]], [NAMES[2]]]


def test_files_are_brought_back_where_a_worker_does_not_see_the_folder(
    fabric: Path, whole: Path, half: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = swept_run.run_one

    def elsewhere(shared: Any, run: Any) -> Any:
        ending = real(replace(shared, token="not there"), run)
        assert not (half / run.name / "result.json").exists()
        return ending

    monkeypatch.setattr(running, "run_one", elsewhere)
    assert swept(fabric, half, "price=1%,4,5").counts == {"finished": 4, "infeasible": 2}
    assert [content(half / name) for name in NAMES] == [content(whole / name) for name in NAMES]
    assert {path.name for path in (half / NAMES[2]).iterdir()} == {
        path.name for path in (whole / NAMES[2]).iterdir()
    }


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_a_lost_node_of_a_ray_cluster_loses_nothing(
    fabric: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two nodes, of which one is killed while it runs something."""
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    other = cluster.add_node(num_cpus=1)
    ended: list[str] = []

    class Killing(SilentSweep):
        def run_ended(self, sweep: Sweep, row: SweptRun) -> None:
            ended.append(row.name)
            if len(ended) == 1:
                cluster.remove_node(other, allow_graceful=False)

    longer: dict[str, Any] = {"settings": QUICK | {"epochs": 60}}
    try:
        cluster.wait_for_nodes()
        address: str = cluster.address
        swept(fabric, tmp_path / "ray", **longer, workers=None, ray=address, progress=Killing())
    finally:
        cluster.shutdown()
    assert sorted(ended) == NAMES
    assert swept(fabric, tmp_path / "alone", **longer).counts == {"finished": 4}
    for name in NAMES:
        assert content(tmp_path / "ray" / name) == content(tmp_path / "alone" / name)


# --- failures


@pytest.mark.parametrize("error", [RunFailedError("the loss is not finite"), KeyError("a bug")])
def test_a_failed_run_is_reported_and_stops_no_other(
    error: Exception, fabric: Path, half: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(swept_run, "run_search", Failing(error, seed=0))
        after = swept(fabric, half, "price=1%,4,5")
    assert after.counts == {"finished": 3, "infeasible": 2, "failed": 1}
    (failed,) = (row for row in rows_of(half / "sweep.csv") if row["state"] == "failed")
    assert failed["run"] == NAMES[2]
    assert str(error) in failed["error"]
    assert swept(fabric, half, "price=1%,4,5").counts == {"finished": 4, "infeasible": 2}, "tried again"
    assert "failed" not in (half / "sweep.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"settings": QUICK | {"epochs": 3}}, "fixed.epochs was '2' and is '3'"),
        ({"settings": QUICK | {"aim": 1.0}}, "fixed.aim was None and is '1'"),
        ({"settings": QUICK | {"epochs": [2, 3]}}, "over budget_price, seed, and this one is over"),
        ({"threads": 2}, "threads was 1 and is 2"),
        ({"preset": "paper"}, "preset was None and is 'paper'"),
        ({"budgets": ["macs=50%"]}, "over budget_price, seed, and this one is over budget_macs, seed"),
    ],
)
def test_another_sweep_in_the_same_folder_is_refused(
    more: dict[str, Any], what: str, fabric: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swept_run, "run_search", refuse)
    before = (whole / "sweep.json").read_bytes()
    with pytest.raises(InputError, match=what):
        swept(fabric, whole, *more.pop("budgets", ["price=4"]), **more)
    assert (whole / "sweep.json").read_bytes() == before


def test_another_fabric_other_data_and_a_folder_of_something_else_are_refused(
    fabric: Path, whole: Path, tmp_path: Path
) -> None:
    other = written(STRIPES.replace("cost_price=3", "cost_price=2"), tmp_path)
    with pytest.raises(InputError, match="fabric_sha256 was"):
        swept(other, whole)
    with pytest.raises(InputError, match="data_fingerprint was"):
        bsngraph.sweep(fabric, stripes(noise=0.5), ["price=4"], out=whole, settings=QUICK)
    with pytest.raises(InputError, match="holds a run: give the sweep a folder of its own"):
        swept(fabric, whole / NAMES[0])
    written("mine", tmp_path, "sweep.csv")
    with pytest.raises(InputError, match=r"sweep\.csv would be replaced, and may be yours"):
        swept(fabric, tmp_path)


def test_what_is_wrong_with_a_combination_is_told_before_anything_runs(fabric: Path, tmp_path: Path) -> None:
    for wrong, what in (
        ({"settings": {"epochs": [2, -1]}}, "epochs=-1 must not be negative"),
        ({"settings": {"epochs": [2, 0], "finalists": 1}}, "epochs=0 learns nothing"),
        ({"settings": {"epoch": 2}}, "did you mean 'epochs'"),
        ({"parameters": {"channel": [2, 4]}}, "did you mean 'channels'"),
        ({"seeds": 0}, "seed has no value"),
        ({"seeds": [1, 1]}, "seed has the value 1 twice"),
        ({"budgets": ["price=4,4"]}, "price has the value 4 twice"),
        ({"budgets": ["prize=4"]}, "prize"),
        ({"ray": "auto", "workers": 2}, "exclude each other"),
        ({"settings": {"epochs": [*range(1, 102)]}, "seeds": 100}, "10100 combinations"),
    ):
        with pytest.raises(InputError, match=what):
            swept(fabric, tmp_path / "out", *wrong.pop("budgets", ["price=4"]), **wrong)
    assert not (tmp_path / "out").exists()


# --- names and values

VALUES = st.lists(st.text(max_size=12) | st.from_regex(r"[0-9]{1,3}(%|k|M|\.5|)", fullmatch=True), max_size=6)


@given(VALUES)
def test_names_are_safe_and_differ_as_the_values_do(values: list[str]) -> None:
    axes = [Axis("parameter", "x", (AxisValue(value, value),)) for value in dict.fromkeys(values)]
    (seed,) = seed_axis([3]).choices
    names = [run_name([(axis, axis.choices[0]), (seed_axis([3]), seed)]) for axis in axes]
    assert len({name.casefold() for name in names}) == len(names)
    for name in names:
        assert name.isascii()
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-_")
        assert name.startswith("x-")
        assert name.endswith("_seed-3")
        assert len(name) < 200


@pytest.mark.parametrize(
    ("budget", "name"),
    [
        ("macs=10%", "macs-10pct"),
        ("macs ~= 2.5M", "macs-about2.5M"),
        ("steps:4=12", "steps-4-12"),
        ("macs=10%..60%", "macs-10pct-to-60pct"),
        ("latency=2ms", "latency-2ms"),
    ],
)
def test_a_budget_reads_well_in_a_name(budget: str, name: str) -> None:
    (axis,) = budget_axes([budget])
    assert run_name([(axis, axis.choices[0])]) == name


def test_a_value_that_holds_a_comma_stands_in_quotes() -> None:
    (axis,) = parameter_axes(['x=8,"a,b"', "x=16"])
    assert [choice.text for choice in axis.choices] == ["8", "a,b", "16"]
    for wrong in ("x", "=8", "x=8,,16", "x="):
        with pytest.raises(InputError, match="NAME=VALUE"):
            parameter_axes([wrong])


# --- fronts

NUMBERS = st.integers(0, 4).map(float)


def point(cost: float, metric: float) -> SweepPoint:
    return SweepPoint({}, (), "", Spread(cost, None), Spread(metric, None), Spread(metric, None))


@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=12), st.booleans())
def test_the_front_is_what_no_other_point_beats(pairs: list[tuple[float, float]], high: bool) -> None:
    points = [point(*pair) for pair in pairs]
    sign = 1 if high else -1

    def beats(one: SweepPoint, other: SweepPoint) -> bool:
        better = sign * (one.validation.mean - other.validation.mean)
        cheaper = other.cost.mean - one.cost.mean
        return min(better, cheaper) >= 0 and max(better, cheaper) > 0

    expected = [one for one in points if not any(beats(other, one) for other in points)]
    found = undominated(points, higher_is_better=high)
    assert sorted(map(id, found)) == sorted(map(id, expected))
    assert [one.cost.mean for one in found] == sorted(one.cost.mean for one in found)


def test_points_are_means_over_seeds(whole: Path) -> None:
    sweep = read_sweep(whole)
    (front,) = fronts_of(sweep)
    assert (front.cost, front.infeasible) == ("price", (pytest.approx(0.09),))
    assert [one.values for one in sorted(front.points, key=lambda one: one.runs)] == [
        {"budget_price": "4"},
        {"budget_price": "5"},
    ]
    for one in front.points:
        rows = [row for row in sweep.rows if row.name in one.runs]
        scores = [row.score("accuracy") for row in rows]
        assert len(rows) == 2
        assert one.validation.mean == pytest.approx(sum(score or 0 for score in scores) / 2)
        assert one.validation.deviation == pytest.approx(abs(scores[0] - scores[1]) / 2**0.5)  # type: ignore[operator]
        assert one.best in one.runs
    rows = rows_of(whole / "front.csv")
    assert [float(row["cost_mean"]) for row in rows] == [one.cost.mean for one in front.front]
    assert [row["runs"] for row in rows] == ["2"] * len(front.front)


def test_the_fronts_are_drawn_the_same_each_time(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "copy")
    for folder in (whole, tmp_path / "copy"):
        draw_fronts(read_sweep(folder))
    svg = (whole / "front.svg").read_text(encoding="utf-8")
    assert "no sub-network inside" in svg
    assert svg == (tmp_path / "copy" / "front.svg").read_text(encoding="utf-8")
    assert (whole / "front.png").read_bytes().startswith(b"\x89PNG")


def test_no_cell_is_taken_for_a_formula(whole: Path) -> None:
    sweep = read_sweep(whole)
    hostile = replace(sweep.rows[0], values={"budget_price": "=1+1", "seed": "-1"}, error="@x\n=y")
    (row, *_) = csv.DictReader(io.StringIO(sweep_text(replace(sweep, rows=(hostile,)))))
    assert (row["budget_price"], row["seed"], row["error"]) == ("'=1+1", "'-1", "'@x =y")


# --- the command


def invoke(*words: object) -> Result:
    return CliRunner().invoke(cli, ["sweep", *map(str, words)])


@pytest.fixture
def digits(tmp_path: Path) -> list[object]:
    fast = "--epochs 1 --batch-size 512 --candidates 1 --finalists 0 --finetune-epochs 0 --workers 1"
    return [written(DIGITS, tmp_path), "--data", "digits", "--out", tmp_path / "out", *fast.split()]


def test_the_command_reads_several_values_and_tells_the_runs(digits: list[object], tmp_path: Path) -> None:
    line = [*digits, "--budget", "energy=3,90%", "--set", "channels=4", "--seed", "5", "--drops", "0.5,0.8"]
    result = invoke(*line, "--augment", "--no-augment", "--format", "json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["axes"] == ["budget_energy", "augment", "seed"]
    assert said["counts"] == {"finished": 4}
    assert "4/4 " in result.stderr
    config = json.loads((tmp_path / "out" / said["runs"][0]["run"] / "config.json").read_text("utf-8"))
    assert (config["recipe"]["drops"], config["seed"], config["threads"]) == ([0.5, 0.8], 5, 1)
    quiet = invoke(*line, "--no-augment", "--quiet")
    assert (quiet.exit_code, quiet.stderr) == (0, "")
    assert "2 finished" in quiet.stdout


def test_the_status_is_told_without_torch(whole: Path) -> None:
    code = (
        "import sys\nfrom bsngraph.cli.main import cli\n"
        "try:\n    cli(['sweep', sys.argv[1], '--status', '--format', 'json'])\n"
        "except SystemExit as end:\n    assert not end.code\nassert 'torch' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(whole)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["counts"] == {"finished": 4, "infeasible": 2}
    assert {row["run"]: row["state"] for row in said["runs"]} == states(whole)
    table = invoke(whole, "--status")
    assert "4 finished, 2 infeasible" in table.stdout


def test_a_failed_run_ends_the_command_with_1(digits: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swept_run, "run_search", Failing(RunFailedError("[/x] no\x1b"), seed=0))
    result = invoke(*digits)
    assert result.exit_code == 1
    assert "seed-0 failed: [/x] no\N{REPLACEMENT CHARACTER}" in result.stdout
    assert "1/1 seed-0: failed: [/x] no" in result.stderr


def test_ctrl_c_says_that_the_same_command_goes_on(
    digits: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swept_run, "run_search", Failing(KeyboardInterrupt(), seed=0))  # type: ignore[arg-type]
    result = invoke(*digits)
    assert result.exit_code == 130
    assert "the same command goes on" in result.stderr


@pytest.mark.parametrize("damage", ["", "[]", "[" * 10_000, "null", "../", "state"])
def test_a_damaged_sweep_is_told(damage: str, whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "sweep.json"
    text = (whole / "sweep.json").read_text(encoding="utf-8")
    replaced = {"../": text.replace(f'"{NAMES[0]}"', '"../x"'), "state": text.replace('"runs"', '"rums"')}
    path.write_text(replaced.get(damage, damage), encoding="utf-8")
    result = invoke(tmp_path, "--status", "--format", "json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert str(path) in result.stderr


class Terminal(io.StringIO):
    """What standard error is where somebody looks on."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_a_table_while_the_sweep_goes_on(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(whole, tmp_path / "sweep")
    (tmp_path / "sweep" / NAMES[3] / "result.json").unlink()
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("COLUMNS", "80")
    with locked(tmp_path / "sweep" / NAMES[3]), sweep_display(quiet=False) as display:
        display.began(read_sweep(tmp_path / "sweep"), "2 workers", 1)
    shown = terminal.getvalue()
    assert "3 finished, 1 running, 2 infeasible; 2 workers" in shown
    assert "finetune 1" in shown
    assert shown.count("\n") < 20


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("--only 2", "--only 2 does not read I/N"),
        ("--only 0/2", "there is no share 0 of 2"),
        ("--seeds 2 --seed 1,2", "--seeds and several --seed exclude each other"),
        ("--epochs 1,x", "'x' is not a valid integer"),
        ("--penalty 1,auto:x", "--penalty auto:x must be auto"),
        ("--workers 2 --ray auto", "exclude each other"),
        ("--set channels", "--set channels does not read NAME=VALUE"),
        ("--budget macs", "does not read NAME=LIMIT"),
    ],
)
def test_a_wrong_line_is_told_and_nothing_is_written(words: str, what: str, digits: list[object]) -> None:
    result = invoke(*digits[:5], *words.split())
    assert result.exit_code == 2
    assert what in result.output
    assert not Path(str(digits[4])).exists()


def test_a_sweep_needs_a_folder_and_status_one_of_a_sweep(digits: list[object], tmp_path: Path) -> None:
    assert "name the folder of the sweep" in invoke(*digits[:3]).output
    assert "the --out of a sweep?" in invoke(tmp_path, "--status").output
    assert invoke(tmp_path, "--status").exit_code == 2
