"""Finalists: trained one after another, each next one from what the others gave; killed
anywhere and resumed to the same bits.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from test_search import Interrupter, bits, untimed
from test_warm_start import Killed
from tiny import STRIPES_DROPOUT, fabric_of, job_of, no_pictures, recipe, settings, stripes

from benchmarks.accuracy.quality.networks import read_ranges
from bsngraph.errors import InputError
from bsngraph.fabric import Architecture, read_fabric
from bsngraph.profile import profile_fabric
from bsngraph.searching import search, train
from bsngraph.searching.choosing import choosing
from bsngraph.searching.choosing.choose import Chosen
from bsngraph.searching.choosing.finalists import train_finalists as training_stage
from bsngraph.searching.choosing.finalists.contenders import Contenders
from bsngraph.searching.choosing.finalists.finalists_state import Finalist, FinalistsState
from bsngraph.searching.choosing.finalists.train_finalists import train_finalists
from bsngraph.searching.choosing.predicting.structure import structure_of
from bsngraph.searching.choosing.shortlist import contenders_inside
from bsngraph.searching.deliverable import deliverable_of
from bsngraph.searching.fine_tuning import FineTuningState
from bsngraph.searching.learning.learning_state import LearningState
from bsngraph.searching.prepare import Job
from bsngraph.settings import SearchSettings
from bsngraph.supernet import SuperNet, compile_fabric, load_named_weights, named_weights, prune
from bsngraph.training import NetTraining, Progress, Silent, TrainingState, derived_seed

DATA = stripes()
FILE = Path("checkpoint.pt")
STATES: dict[str, Any] = {
    "search": LearningState,
    "finalists": FinalistsState,
    "finetune": FineTuningState,
    "training": TrainingState,
}
FINALISTS = settings(finalists=3, finalist_epochs=2, finetune_epochs=1, candidates=8, neighbour_rounds=1)


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    no_pictures(monkeypatch)


def run(
    out: Path, what: SearchSettings = FINALISTS, budgets: Sequence[str] = ("price=5",), **more: Any
) -> Any:
    given = {"recipe": recipe(), "settings": what, "threads": 1, "device": "cpu"} | more
    return search(fabric_of(STRIPES_DROPOUT, out.parent), DATA, list(budgets), out=out, **given)


def rows_of(folder: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        out = tmp_path_factory.mktemp("runs") / "whole"
        run(out)
        yield out


@pytest.fixture
def contest(tmp_path: Path) -> tuple[Job, Contenders, FinalistsState]:
    """A job with its contenders, of which two are decided on."""
    profile = profile_fabric(fabric_of(STRIPES_DROPOUT, tmp_path))
    job = job_of(profile, tmp_path, "price=5", settings=FINALISTS, seed=2)
    contenders = contenders_inside(job, job.budgets)
    first = (Finalist(Architecture.of_mask(row).live, "random") for row in contenders.live[:2])
    return job, contenders, FinalistsState(tuple(first))


def following(contenders: Contenders, state: FinalistsState) -> tuple[Contenders, Finalist | None]:
    return contenders, next(iter(contenders.most_promising(state, 1)), None)


def finished(
    contest: tuple[Job, Contenders, FinalistsState], keep: Any = None, progress: Progress | None = None
) -> FinalistsState:
    """The finalists trained without a stop."""
    job, contenders, state = contest
    kept = keep or (lambda row, state: None)
    return train_finalists(job, contenders, state, following, FILE, kept, progress or Silent())


def test_each_finalist_learns_what_it_would_by_itself_and_the_best_keep_their_weights(
    contest: tuple[Job, Contenders, FinalistsState],
) -> None:
    job, contenders, _ = contest
    state = finished(contest)
    assert [each.chosen_by for each in state.finalists] == ["random", "random", "prediction"]
    losses, learned = [], []
    for finalist in state.finalists:
        architecture = Architecture(len(job.fabric.edges), finalist.live)
        own = compile_fabric(prune(job.profile, architecture), seed=derived_seed(2, "weights"))
        rows: list[dict[str, Any]] = []
        NetTraining(own, DATA, recipe(epochs=2), 2, "finalist").run(Silent(), rows.append)
        losses.append(rows[-1]["validation_loss"])
        learned.append(own.state_dict())
    assert [result.loss for result in state.results] == losses
    assert sorted(state.weights) == ["0", "1", "2"]
    for number, weights in state.weights.items():
        assert all(torch.equal(weights[name], learned[int(number)][name]) for name in weights)
    two = FinalistsState(state.finalists[:2], state.results[:1])
    assert state.finalists[2] == contenders.most_promising(contenders.believing(two), 1)[0]


def test_only_the_weights_of_the_best_are_kept(
    contest: tuple[Job, Contenders, FinalistsState], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_stage, "KEPT", 1)
    state = finished(contest)
    assert list(state.weights) == [str(int(contest[1].believed(state).mean.argmax()))]


def test_finalists_end_when_there_is_nothing_left_to_train(
    contest: tuple[Job, Contenders, FinalistsState],
) -> None:
    job, contenders, state = contest
    job = replace(
        job, method=replace(job.method, settings=replace(FINALISTS, finalists=99, finalist_epochs=1))
    )
    every = finished((job, contenders, state))
    keys = {structure_of(job.profile, row) for row in contenders.live}
    edges = len(job.fabric.edges)
    trained = [structure_of(job.profile, Architecture(edges, each.live).mask) for each in every.finalists]
    assert {*trained} == keys
    assert len(every.results) == len(every.finalists) > 3


def test_the_chosen_network_goes_on_from_the_better_of_the_shared_weights_and_its_own(
    contest: tuple[Job, Contenders, FinalistsState],
) -> None:
    job, contenders, _ = contest
    architecture, shared = Architecture.of_mask(contenders.live[0]), compile_fabric(job.profile, seed=3)

    good, bad = (compile_fabric(prune(job.profile, architecture), seed=seed) for seed in (5, 6))
    NetTraining(good, DATA, recipe(epochs=12), 2, "finalist").run(Silent(), lambda row: None)

    def parameters_chosen(own: SuperNet) -> list[torch.Tensor]:
        ready = deliverable_of(job, shared, Chosen(architecture, own.state_dict()), Silent())
        return list(ready.net.parameters())

    assert all(map(torch.equal, parameters_chosen(good), good.parameters()))
    load_named_weights(shared, named_weights(shared) | named_weights(good))
    assert all(map(torch.equal, parameters_chosen(bad), good.parameters()))


@pytest.mark.parametrize("before", [0, 1, 2, 5])
def test_all_finalists_are_shown_as_one_stage(
    contest: tuple[Job, Contenders, FinalistsState], before: int
) -> None:
    job, contenders, first = contest
    states = [first]
    finished(contest, keep=lambda row, state: states.append(state))
    stages: list[tuple[str, int, int]] = []
    epochs: list[int] = []

    class Told(Silent):
        def stage(self, name: str, epochs: int, done: int) -> None:
            stages.append((name, epochs, done))

        def epoch(self, row: Any) -> None:
            epochs.append(row["epoch"])

    finished((job, contenders, states[before]), progress=Told())
    assert stages == [("finalists", 6, before)]
    assert epochs == list(range(before + 1, 7))


def test_a_search_trains_its_finalists_and_delivers_the_best(whole: Path) -> None:
    rows = rows_of(whole)
    assert [(row["stage"], row.get("finalist"), row["epoch"]) for row in rows] == [
        *(("search", None, epoch) for epoch in (1, 2, 3)),
        *(("finalist", number, epoch) for number in (1, 2, 3) for epoch in (1, 2)),
        ("finetune", None, 1),
    ]
    with (whole / "trainings.csv").open(encoding="utf-8", newline="") as file:
        trained = list(csv.DictReader(file))
    assert [row["chosen_by"] for row in trained] == ["shared weights", "random", "prediction"]
    ends = [row for row in rows if row["stage"] == "finalist" and row["epoch"] == 2]
    assert [float(row["loss"]) for row in trained] == [row["validation_loss"] for row in ends]
    best = min(trained, key=lambda row: float(row["expected_log_loss"]))
    delivered = {edge.name for edge in read_fabric(whole / "architecture.dot").edges}
    names = [edge.name for edge in read_fabric(whole / "fabric.dot").edges]
    assert delivered == {names[number] for number in read_ranges(best["architecture"])}


def test_without_finalists_nothing_else_happens_than_before(tmp_path: Path, whole: Path) -> None:
    run(tmp_path / "none", replace(FINALISTS, finalists=0))
    assert [row for row in rows_of(tmp_path / "none") if row["stage"] == "search"] == rows_of(whole)[:3]
    assert {row["stage"] for row in rows_of(tmp_path / "none")} == {"search", "finetune"}


@pytest.mark.parametrize("epochs", range(3, 10))
def test_a_run_killed_after_any_epoch_of_its_finalists_and_resumed_gives_the_same_bits(
    whole: Path, tmp_path: Path, epochs: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "run", progress=Killed(epochs))
    run(tmp_path / "run", mode="resume")
    assert bits(tmp_path / "run") == bits(whole)


@pytest.mark.parametrize("budget", ["price~=5.5", "price~=2.5"])
def test_a_run_under_a_soft_budget_that_nothing_is_close_to_resumes_to_the_same_bits(
    tmp_path: Path, budget: str
) -> None:
    run(tmp_path / "whole", budgets=[budget])
    run_rows = [row for row in rows_of(tmp_path / "whole") if row["stage"] == "finalist"]
    for epochs in range(3, 3 + len(run_rows)):
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / f"run{epochs}", budgets=[budget], progress=Killed(epochs))
        run(tmp_path / f"run{epochs}", budgets=[budget], mode="resume")
        assert bits(tmp_path / f"run{epochs}") == bits(tmp_path / "whole")


def test_a_run_killed_in_the_middle_of_its_finalists_and_resumed_gives_the_same_bits(
    whole: Path, tmp_path: Path
) -> None:
    """Ctrl-C in a forward pass while finalists are judged, trained and measured."""

    def attempt(out: Path, at: int | None) -> tuple[int, int]:
        """How many passes there were in all, and before the first finalist's last."""
        forward, trained = Interrupter(SuperNet.forward, at), []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(SuperNet, "forward", lambda self, *inputs: forward(self, *inputs))
            run(out, progress=Watched(lambda: trained.append(forward.calls)))
        return forward.calls, trained[2]

    passes, learned = attempt(tmp_path / "counted", None)
    assert passes - learned > 30
    for at in range(learned, passes, 9):
        with pytest.raises(KeyboardInterrupt):
            attempt(tmp_path / f"run{at}", at)
        run(tmp_path / f"run{at}", mode="resume")
        assert bits(tmp_path / f"run{at}") == bits(whole), f"killed in pass {at} of {passes}"


class Watched(Silent):
    """Calls `after_epoch` after every epoch."""

    def __init__(self, after_epoch: Callable[[], None]) -> None:
        self.after_epoch = after_epoch

    def epoch(self, row: Any) -> None:
        self.after_epoch()


@pytest.mark.parametrize(
    ("epochs", "stages"),
    [
        (2, ["search"]),
        (4, ["search", "finalists"]),
        (5, ["search", "finalists"]),
        (9, ["search", "finalists"]),
        (10, ["search", "finalists", "finetune"]),
    ],
)
def test_the_state_of_every_stage_is_written_again_as_it_was_read(
    tmp_path: Path, epochs: int, stages: list[str]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "run", progress=Killed(epochs))
    assert_read_and_written(tmp_path / "run/checkpoint.pt", stages)


def test_the_state_of_a_training_is_written_again_as_it_was_read(tmp_path: Path) -> None:
    fabric = fabric_of(STRIPES_DROPOUT, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        train(fabric, DATA, out=tmp_path / "run", recipe=recipe(), progress=Killed(2), device="cpu")
    assert_read_and_written(tmp_path / "run/checkpoint.pt", ["training"])


def assert_read_and_written(file: Path, stages: list[str]) -> None:
    """A checkpoint holds the states of these stages, and each is what its type makes of
    it.
    """
    saved = torch.load(file, weights_only=True)
    assert sorted(saved.keys() - {"rows", "seconds"}) == sorted(stages)
    for stage in stages:
        again = STATES[stage].from_checkpoint(saved[stage], file).to_checkpoint()
        assert listed(untimed(again)) == listed(untimed(saved[stage]))


def listed(value: Any) -> Any:
    """The same with lists for tuples: a state has tuples, which are frozen."""
    if isinstance(value, dict):
        return {key: listed(inner) for key, inner in value.items()}
    return [listed(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def with_other_weights(state: dict[str, Any]) -> None:
    state["weights"]["0"] = {name: torch.zeros(1) for name in state["weights"]["0"]}


def with_weights_of_none(state: dict[str, Any]) -> None:
    state["weights"]["7"] = state["weights"]["0"]


def with_too_many_results(state: dict[str, Any]) -> None:
    state["results"] *= 9


def with_too_many_finalists(state: dict[str, Any]) -> None:
    state["finalists"] *= 9


def with_none(state: dict[str, Any]) -> None:
    state.update(finalists=[], results=[], weights={}, training=None)


def with_predictions_alone(state: dict[str, Any]) -> None:
    for each in state["finalists"]:
        each["chosen_by"] = "prediction"


def with_an_unknown_reason(state: dict[str, Any]) -> None:
    state["finalists"][0]["chosen_by"] = "luck"


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (with_other_weights, r"the weights do not fit the network: .* is of shape \(1,\), not "),
        (with_weights_of_none, "its finalists are not those of a search"),
        (with_too_many_results, "its finalists are not those of a search"),
        (with_too_many_finalists, "its finalists are not those of a search"),
        (with_none, "its finalists are not those of a search"),
        (with_predictions_alone, "its finalists are not those of a search"),
        (with_an_unknown_reason, r".*\$\.finalists\[0\]\.chosen_by"),
    ],
)
def test_a_state_that_is_not_one_of_these_finalists_is_an_input_error(
    tmp_path: Path, damage: Callable[[dict[str, Any]], None], words: str
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "run", progress=Killed(6))
    damaged(tmp_path / "run/checkpoint.pt", "finalists", damage)
    with pytest.raises(InputError, match=rf"checkpoint\.pt: {words}"):
        run(tmp_path / "run", mode="resume")


@pytest.mark.parametrize("live", [[], [0], [2, 0], [2, 6], [2, 4, 5], [2, 99]])
@pytest.mark.parametrize(("epochs", "stage", "name"), [(2, "search", "incumbent"), (10, "finetune", "live")])
def test_edges_that_are_no_architecture_are_an_input_error(
    tmp_path: Path, epochs: int, stage: str, name: str, live: list[int]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "run", progress=Killed(epochs))
    damaged(tmp_path / "run/checkpoint.pt", stage, lambda state: state.update({name: live}))
    said = rf"checkpoint\.pt: the edges {re.escape(str(live))} are not those of an architecture"
    with pytest.raises(InputError, match=said):
        run(tmp_path / "run", mode="resume")


def test_a_multiplier_that_is_no_number_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "run", progress=Killed(2))
    wrong = {"price": [float("nan"), 0.0]}
    damaged(tmp_path / "run/checkpoint.pt", "search", lambda state: state.update(multipliers=wrong))
    with pytest.raises(InputError, match=r"checkpoint\.pt: .* at \$\.multipliers\.price\[0\]"):
        run(tmp_path / "run", mode="resume")


def damaged(file: Path, stage: str, damage: Callable[[dict[str, Any]], object]) -> None:
    """Change the state of a stage in a checkpoint."""
    saved = torch.load(file, weights_only=True)
    damage(saved[stage])
    torch.save(saved, file)


def test_finalists_are_not_looked_for_again_on_resume(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "run", progress=Killed(4))
    monkeypatch.setattr(choosing, "shortlist", lambda *_: pytest.fail("candidates are proposed again"))
    run(tmp_path / "run", mode="resume")
    assert rows_of(tmp_path / "run") == rows_of(whole)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"finalists": -1}, "finalists=-1 must not be neg"), ({"finalist_epochs": 0}, "at least 1")],
)
def test_settings_of_finalists_are_checked(wrong: dict[str, int], said: str) -> None:
    with pytest.raises(InputError, match=said):
        SearchSettings(**wrong)
