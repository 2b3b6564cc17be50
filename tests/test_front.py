"""Fronts: who answers for which limit, the files of a search under a range of limits,
its resumption, and a choice at any limit of the range.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from shuffled_workers import Shuffled, shuffle
from tiny import STRIPES_NORM, fabric_of, no_pictures, recipe, stripes
from tiny import settings as search_settings

import bsngraph
from bsngraph.certificate import verify_certificate
from bsngraph.cli.main import cli
from bsngraph.costs import price
from bsngraph.delivered import evaluate_run
from bsngraph.delivered.network_files import network_from
from bsngraph.errors import InputError
from bsngraph.fabric import read_fabric
from bsngraph.parallel import TaskEnd, WorkerNotReadyError
from bsngraph.profile import profile_fabric
from bsngraph.runs import RunFolder
from bsngraph.runs.rows.front import Front, FrontRow, front_text, parse_front
from bsngraph.searching import Result, fine_tuning, prune_run, search
from bsngraph.searching.fronts.answers import Standing, answers_for
from bsngraph.training import Silent, evaluate_net

DATA = stripes()


class Stopped(Silent):
    """Ctrl-C after so many epochs."""

    def __init__(self, epochs: int) -> None:
        self.left = epochs

    def epoch(self, row: Mapping[str, Any]) -> None:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


def ranged_search(out: Path, **more: Any) -> Result:
    """A range with finalists of one epoch, and two epochs of fine-tuning a network."""
    how = search_settings(finalists=4, finalist_epochs=1, **more.pop("settings", {}))
    fabric = fabric_of(STRIPES_NORM, out.parent)
    usual: dict[str, Any] = {"recipe": recipe(), "settings": how, "threads": 1, "device": "cpu"}
    return search(fabric, DATA, ["price=1..8"], out=out, **usual | more)


@pytest.fixture(scope="module")
def ranged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished search under a range; not to be changed."""
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        out = tmp_path_factory.mktemp("runs") / "ranged"
        ranged_search(out)
    return out


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    no_pictures(monkeypatch)


def left_by(run: Path) -> dict[str, Any]:
    """Every network of a run, its front, and its metrics without the clock."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text("utf-8").splitlines()]
    names = [
        "front.csv",
        "model.safetensors",
        "architecture.dot",
        *sorted(map(str, (run / "front").iterdir())),
    ]
    files = {Path(name).name: (run / name).read_bytes() for name in names}
    return files | {"rows": [{**row, "seconds": 0} for row in rows]}


# --- who answers for which limit

standings = st.lists(
    st.builds(Standing, st.floats(0, 100), st.floats(-1, 1), st.floats(0, 9)), min_size=1, max_size=12
)
some_limits = st.lists(st.floats(0.1, 120), min_size=1, max_size=9, unique=True).map(sorted)


@given(some_limits, standings)
def test_the_best_network_inside_answers_and_none_is_worse_than_a_cheaper_one(
    limits: list[float], networks: list[Standing]
) -> None:
    found = answers_for(limits, networks)
    for limit, number in zip(limits, found, strict=True):
        inside = [each for each in networks if each.cost <= limit * (1 + 1e-9)]
        assert (number is None) == (not inside)
        if number is not None:
            assert networks[number] in inside
            best = max(each.goodness for each in inside)
            assert networks[number].goodness == best
            assert networks[number].cost == min(each.cost for each in inside if each.goodness == best)
    answered = [networks[number] for number in found if number is not None]
    for one, other in itertools.pairwise(answered):
        assert one == other or (one.goodness < other.goodness and one.cost < other.cost)


# --- front.csv

names = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), min_size=1, max_size=8)
figures = st.dictionaries(names, st.floats(0, 1e9), max_size=3)


@st.composite
def fronts(draw: st.DrawFn) -> Front:
    cost, metric = draw(names), draw(names)

    def row(limit: float, number: int | None) -> FrontRow:
        if number is None:
            return FrontRow(limit=limit)
        return FrontRow(
            limit=limit,
            architecture=f"front/{number}.dot",
            weights=draw(st.sampled_from(["trained", "fine-tuned", "inherited"])),
            costs=draw(figures) | {cost: draw(st.floats(0, limit))},
            validation=draw(figures) | {metric: 0.5},
            test=draw(figures) | {metric: 0.25},
        )

    rows = [row(limit, draw(st.none() | st.integers(1, 9))) for limit in draw(some_limits)]
    return Front(cost=cost, unit=draw(st.sampled_from(["", "MACs", "ms"])), metric=metric, rows=tuple(rows))


@settings(max_examples=50)
@given(fronts())
def test_a_front_is_read_as_it_was_written_whatever_its_costs_are_called(front: Front) -> None:
    assume(any(row.architecture for row in front.rows))
    assert parse_front(front_text(front).encode(), "front.csv") == front


@given(fronts())
@settings(max_examples=25)
def test_no_cell_of_a_front_can_be_taken_for_a_formula(front: Front) -> None:
    for line in csv.reader(io.StringIO(front_text(front), newline="")):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in line)


HEADER = "limit_macs,weights,cost_macs,validation_accuracy,test_accuracy,architecture\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "its columns are others"),
        ("a,b\n1,2\n", "its columns are others"),
        (HEADER, r"\$\.rows"),
        (f"{HEADER}1,2\n", "not of one length"),
        (
            f"{HEADER}many,,,,,\n",
            r"got `str` at \$\.rows\[0\]\.limit",
        ),
        (
            f"{HEADER}1,trained,1,1,1,../../model.dot\n",
            r"\$\.rows\[0\]\.architecture",
        ),
        (
            f"{HEADER}2,,,,,\n1,none inside,,,,\n",
            "not in ascending order",
        ),
    ],
)
def test_a_damaged_front_is_an_input_error_that_names_the_file(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "front.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=rf"front\.csv: .*{words}"):
        RunFolder(tmp_path).read_front()


# --- what a search under a range delivers


def test_every_network_of_a_front_is_inside_its_limits_and_is_what_the_table_says(ranged: Path) -> None:
    front = bsngraph.front(ranged)
    assert [row.limit for row in front.rows] == pytest.approx(8 ** (np.arange(9) / 8))
    assert all(row.architecture for row in front.rows)
    assert len(front.networks) > 1
    shown = [row.validation["accuracy"] for row in front.networks]
    assert shown == sorted(set(shown)), "none is worse than a cheaper one"
    for row in front.rows:
        graph, weights = (ranged / name for name in row.files)
        profile = profile_fabric(read_fabric(graph))
        assert all(edge.fixed for edge in profile.fabric.edges)
        for name, value in row.costs.items():
            assert price(profile, name).total == value
        assert row.costs["price"] <= row.limit
        net = network_from(graph, weights)
        whole = np.ones(len(net.fabric.edges), dtype=np.bool_)
        for split, said in ((DATA.validation, row.validation), (DATA.test, row.test)):
            score = evaluate_net(net, DATA, split, whole)
            assert said == {**score.metrics, "loss": pytest.approx(score.loss, rel=1e-5)}
        assert row.weights == "fine-tuned"


def test_the_network_at_the_upper_limit_is_the_one_that_the_run_delivers(ranged: Path) -> None:
    graph, weights = (ranged / name for name in bsngraph.front(ranged).rows[-1].files)
    assert graph.read_bytes() == (ranged / "architecture.dot").read_bytes()
    assert weights.read_bytes() == (ranged / "model.safetensors").read_bytes()
    result = RunFolder(ranged).read_result()
    assert (result.budgets[0].least, result.budgets[0].limit, result.weights) == (1, 8, "fine-tuned")
    assert result.metrics.test["accuracy"] == bsngraph.front(ranged).rows[-1].test["accuracy"]


def test_only_networks_that_answer_are_left_in_the_folder(ranged: Path) -> None:
    files = {name for row in bsngraph.front(ranged).networks for name in row.files}
    assert {f"front/{path.name}" for path in (ranged / "front").iterdir()} == files


def test_the_certificate_covers_the_front_and_verify_counts_it_anew(ranged: Path, tmp_path: Path) -> None:
    found = verify_certificate(ranged)
    assert found.ok
    checked = {check.name for check in found.checks}
    assert {"front/1.dot, price", "front/1.dot, macs", "front/1.dot inside price 1"} <= checked
    for number, change in enumerate(
        (
            lambda run: (run / "front/1.dot").write_bytes((run / "architecture.dot").read_bytes()),
            lambda run: (run / "front/1.safetensors").unlink(),
            lambda run: (run / "front.csv").write_text(
                (run / "front.csv").read_text("utf-8").replace("\n1.0,", "\n0.5,"), "utf-8"
            ),
        )
    ):
        run = Path(shutil.copytree(ranged, tmp_path / str(number)))
        change(run)
        assert not verify_certificate(run).ok
        with pytest.raises(InputError, match="front"):
            prune_run(run, ["price=2"], out=tmp_path / "out", data=DATA, mode="overwrite")


def test_test_data_are_read_once_the_front_is_decided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def watched(net, dataset, split, *more):
        if split is dataset.test:
            seen.append(len(list((tmp_path / "run/front").iterdir())))
        return evaluate_net(net, dataset, split, *more)

    for module in ("fronts.record_front", "delivering.conclude", "deliverable"):
        monkeypatch.setattr(f"bsngraph.searching.{module}.evaluate_net", watched)
    ranged_search(tmp_path / "run", settings={"finetune_epochs": 0})
    front = bsngraph.front(tmp_path / "run")
    assert seen == [2 * len(front.networks)] * len(front.networks)
    assert {row.weights for row in front.rows} <= {"trained", "inherited"}


class Shown(Silent):
    """Keeps the stages and the epochs that are shown."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, int, int]] = []
        self.epochs: list[int] = []

    def stage(self, name: str, epochs: int, done: int) -> None:
        self.stages.append((name, epochs, done))

    def epoch(self, row: Mapping[str, Any]) -> None:
        self.epochs.append(row["epoch"])


@pytest.mark.parametrize("epochs", [8, 9, 10])
def test_a_search_killed_in_a_fine_tuning_of_its_front_goes_on_to_the_same_bits(
    ranged: Path, tmp_path: Path, epochs: int
) -> None:
    """Three epochs of search and four of finalists come before."""
    with pytest.raises(KeyboardInterrupt):
        ranged_search(tmp_path / "run", progress=Stopped(epochs))
    saved = torch.load(tmp_path / "run/checkpoint.pt", weights_only=True)
    assert len(saved["finetune"]["ended"]) == (epochs - 8) // 2
    shown = Shown()
    ranged_search(tmp_path / "run", mode="resume", progress=shown)
    assert left_by(tmp_path / "run") == left_by(ranged)
    whole = [row.stage for row in RunFolder(ranged).read_epochs()].count("finetune")
    assert shown.stages[-1] == ("finetune", whole, epochs - 7), "all networks are one stage"
    assert [name for name, _, _ in shown.stages].count("finetune") == 1
    assert shown.epochs == [*range(epochs - 6, whole + 1)]


@pytest.mark.parametrize("epochs", [8, 9, 11])
def test_a_front_fine_tuned_side_by_side_goes_on_alone_to_the_same_bits(
    ranged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epochs: int
) -> None:
    with monkeypatch.context() as patch:
        shuffle(patch, fine_tuning, 3)
        with pytest.raises(KeyboardInterrupt):
            ranged_search(tmp_path / "run", progress=Stopped(epochs))
    ranged_search(tmp_path / "run", mode="resume")
    assert left_by(tmp_path / "run") == left_by(ranged)


def test_workers_that_are_not_ready_leave_the_rest_of_a_front_to_this_process(
    ranged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NotReady(Shuffled):
        def ended(self) -> Iterator[TaskEnd[Any]]:
            yield from itertools.islice(super().ended(), 3)
            if self.tasks:
                yield TaskEnd(self.tasks[0][0], WorkerNotReadyError("out of memory"))

    opened, kinds = fine_tuning.open_trainers, iter([NotReady, None])

    @contextmanager
    def open_trainers(ground: Any, engine: Any, ops: Any) -> Iterator[Any]:
        kind = next(kinds)
        if kind is not None:
            yield kind(2, ground)
            return
        with opened(ground, engine, ops) as workers:
            yield workers

    monkeypatch.setattr(fine_tuning, "open_trainers", open_trainers)
    notes: list[str] = []
    monkeypatch.setattr(Shown, "note", lambda self, text: notes.append(text))
    shown = Shown()
    ranged_search(tmp_path / "run", progress=shown)
    assert left_by(tmp_path / "run") == left_by(ranged)
    assert "the front is fine-tuned one after another: out of memory" in notes
    assert shown.epochs[-1] == shown.stages[-1][1]


def test_overwriting_leaves_nothing_of_the_front(ranged: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(ranged, tmp_path / "run"))
    with pytest.raises(KeyboardInterrupt):
        ranged_search(run, mode="overwrite", progress=Stopped(1))
    assert not [path.name for path in run.iterdir() if path.name.startswith("front")]


# --- a choice at any limit


def test_the_finalists_stay_in_the_checkpoint_of_a_finished_run(ranged: Path) -> None:
    saved = torch.load(ranged / "checkpoint.pt", weights_only=True)
    assert len(saved["finalists"]["results"]) == 4
    assert saved["finalists"]["weights"]


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limit=st.floats(1, 8))
def test_a_choice_at_any_limit_of_the_range_is_inside_it_and_trains_nothing(
    ranged: Path, tmp_path: Path, limit: float
) -> None:
    out = tmp_path / "out"
    result = prune_run(ranged, [f"price={limit!r}"], out=out, data=DATA, threads=1, mode="overwrite")
    assert price(profile_fabric(read_fabric(out / "architecture.dot")), "price").total <= limit
    assert not (out / "metrics.jsonl").exists()
    assert result.summary["weights"] in ("inherited", "trained", "fine-tuned")
    assert verify_certificate(out).ok
    answer = next(row for row in reversed(bsngraph.front(ranged).rows) if row.limit <= limit)
    loss = result.summary["metrics"]["validation"]["loss"]
    assert loss <= answer.validation["loss"] * (1 + 1e-6), "the front's network was among the offers"


def test_a_network_of_the_front_is_used_by_way_of_prune(ranged: Path, tmp_path: Path) -> None:
    row = bsngraph.front(ranged).rows[-1]
    budget = f"price={row.costs['price']:g}"
    result = prune_run(ranged, [budget], out=tmp_path / "one", data=DATA, threads=1)
    assert result.summary["weights"] == "fine-tuned"
    weights = ranged / row.files[1]
    assert (tmp_path / "one/model.safetensors").read_bytes() == weights.read_bytes()
    assert evaluate_run(tmp_path / "one", data=DATA).score.accuracy == row.test["accuracy"]


def test_prune_says_where_weights_are_from_and_what_trains_them_further(ranged: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(ranged, tmp_path / "run"))
    saved = torch.load(run / "checkpoint.pt", weights_only=True)
    del saved["finalists"]  # as an older version left a run
    torch.save(saved, run / "checkpoint.pt")
    (run / "result.json").unlink()  # nothing delivered, so all weights are shared
    result = prune_run(run, ["price=4"], out=tmp_path / "out", data=DATA, threads=1)
    assert result.summary["weights"] == "inherited"
    assert any(
        "inherited from the super-network: --finetune-epochs N" in each for each in result.summary["notes"]
    )


@pytest.mark.parametrize(
    ("changes", "stages"),
    [
        ({"finetune_epochs": 1}, ["finetune"]),
        ({"finalists": 2, "finalist_epochs": 2}, ["finalist"] * 4),
        ({"finalists": 2, "finalist_epochs": 1, "finetune_epochs": 1}, ["finalist"] * 2 + ["finetune"]),
    ],
)
def test_prune_trains_what_it_is_asked_to(
    ranged: Path, tmp_path: Path, changes: dict[str, Any], stages: list[str]
) -> None:
    out = tmp_path / "out"
    result = prune_run(ranged, ["price=4"], out=out, data=DATA, threads=1, batch_size=32, seed=3, **changes)
    assert [row.stage for row in RunFolder(out).read_epochs()] == stages
    config = RunFolder(out).read_config()
    assert (config.recipe.batch_size, config.seed) == (32, 3)
    if "finetune" in stages:
        assert result.summary["weights"] == "fine-tuned"


def test_prune_under_a_range_writes_a_front_of_its_own(ranged: Path, tmp_path: Path) -> None:
    prune_run(ranged, ["price=1..5"], out=tmp_path / "out", data=DATA, threads=1)
    front = bsngraph.front(tmp_path / "out")
    assert (front.rows[0].limit, front.rows[-1].limit) == (1, 5)
    assert all(row.costs["price"] <= row.limit for row in front.rows)
    assert verify_certificate(tmp_path / "out").ok


def test_prune_killed_in_the_fine_tuning_of_a_front_goes_on_to_the_same_bits(
    ranged: Path, tmp_path: Path
) -> None:
    def pruned(name: str, **more: Any) -> Path:
        how = {"data": DATA, "threads": 1, "finetune_epochs": 1}
        prune_run(ranged, ["price=1..8"], out=tmp_path / name, **how, **more)
        return tmp_path / name

    whole = pruned("whole")
    assert len(RunFolder(whole).read_epochs()) > 1
    with pytest.raises(KeyboardInterrupt):
        pruned("killed", progress=Stopped(1))
    assert left_by(pruned("killed", mode="resume")) == left_by(whole)


def test_a_setting_that_prune_does_not_take_is_refused_and_the_nearest_named(ranged: Path) -> None:
    with pytest.raises(
        InputError, match=r"prune has no setting 'finetune_epoch': did you mean 'finetune_epochs'"
    ):
        prune_run(ranged, ["price=4"], out="out", data=DATA, finetune_epoch=3)


# --- bsngraph front


def printed(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(cli, list(map(str, words)), env={"COLUMNS": "80"})
    assert result.exit_code == code, result.output
    return result.output


def test_front_lists_every_limit_and_draws_it(ranged: Path, tmp_path: Path) -> None:
    text = printed("front", ranged, "-o", tmp_path / "front.svg")
    assert text.count("front/") == 9
    assert "fine-tuned" in text
    assert b"<svg" in (tmp_path / "front.svg").read_bytes()
    told = json.loads(printed("front", ranged, "--format", "json"))
    assert [row["limit"] for row in told["rows"]] == [row.limit for row in bsngraph.front(ranged).rows]


def test_front_of_another_run_says_how_one_is_made(ranged: Path, tmp_path: Path) -> None:
    prune_run(ranged, ["price=4"], out=tmp_path / "one", data=DATA, threads=1)
    assert "search under a range of limits for one" in printed("front", tmp_path / "one", code=2)
    assert "is" in printed("front", tmp_path / "nowhere", code=2)
    assert "give it one of these endings" in printed("front", ranged, "-o", tmp_path / "f.pdf", code=2)
    assert "is read by this command" in printed("front", ranged, "-o", ranged / "front.svg", code=2)


def test_listing_and_drawing_a_front_imports_no_torch(ranged: Path, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom click.testing import CliRunner\nfrom bsngraph.cli.main import cli\n"
        "assert not CliRunner().invoke(cli, ['front', sys.argv[1], '-o', sys.argv[2]]).exit_code\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code, ranged, tmp_path / "front.png"], check=True)
