"""A search of a range from end to end: what it records, what it trains, and what goes
on from it.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import STRIPES, fabric_of, job_of, no_pictures, recipe, settings, stripes

from bsngraph.errors import InputError
from bsngraph.fabric import read_fabric
from bsngraph.profile import profile_fabric
from bsngraph.runs import RunFolder
from bsngraph.runs.checkpoint import load_checkpoint
from bsngraph.searching import prune_run, search
from bsngraph.searching.choosing.finalists.finalists_state import FinalistsState
from bsngraph.searching.choosing.predicting.pool import masks_of
from bsngraph.searching.choosing.shortlist import contenders_inside

BUDGETS = ("price=1..8", "params=95%")


def searched(out: Path, **more: Any) -> Any:
    how = {"recipe": recipe(), "settings": settings(finalists=6, finalist_epochs=1, adapt_penalty=True)}
    folder = out.parent / "fabric"
    folder.mkdir(exist_ok=True)
    fabric = fabric_of(STRIPES, folder)
    return search(fabric, stripes(), **{"budgets": BUDGETS, "out": out, "threads": 1} | how | more)


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    no_pictures(monkeypatch)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunFolder]:
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        out = tmp_path_factory.mktemp("range") / "run"
        searched(out)
        yield RunFolder(out)


def state_of(run: RunFolder) -> FinalistsState:
    saved, file = load_checkpoint(run).finalists, run.file("checkpoint.pt")
    assert saved is not None, "the trainings stay in the checkpoint to the end"
    return FinalistsState.from_checkpoint(saved, file)


def test_a_range_is_recorded_with_both_ends_and_met_inside_the_upper_one(run: RunFolder) -> None:
    config = json.loads(run.file("config.json").read_text())
    asked, beside = config["budgets"]
    assert (asked["text"], asked["least"], asked["limit"]) == ("price=1..8", 1.0, 8.0)
    assert "least" not in beside
    ranged, other = json.loads(run.file("result.json").read_text())["budgets"]
    assert (ranged["least"], ranged["limit"], ranged["met"]) == (1.0, 8.0, True)
    assert ranged["value"] <= 8
    assert "least" not in other
    rows = [json.loads(line) for line in run.file("metrics.jsonl").read_text().splitlines()]
    last = [row for row in rows if row["stage"] == "search"][-1]
    assert last["limits"]["price"] == 8, "rows show the upper end"


def test_every_limit_of_the_front_has_a_trained_network_inside_it(run: RunFolder, tmp_path: Path) -> None:
    state = state_of(run)
    job = job_of(profile_fabric(read_fabric(run.file("fabric.dot"))), tmp_path, *BUDGETS)
    budgets = job.budgets
    live = masks_of((each.live for each in state.finalists), len(job.fabric.edges))
    assert budgets.inside(live).all()
    assert len(state.results) == 6
    assert {each.chosen_by for each in state.finalists} > {"shared weights", "prediction"}
    chosen = contenders_inside(job, budgets).front(state)
    believed = contenders_inside(job, budgets).believed(state).mean
    for limit, number in zip(budgets.front_limits, chosen, strict=True):
        inside = budgets.at_limit(limit).inside(live)
        assert number is not None
        assert inside[number]
        assert believed[number] == believed[inside].max()


def test_gamma_has_learned_a_vector_for_each_hat(run: RunFolder) -> None:
    saved: Any = load_checkpoint(run).search
    assert saved["logits"].shape == (8, 6)
    assert not np.allclose(saved["logits"][0], saved["logits"][-1])
    assert len(saved["multipliers"]["price"][0]) == 8


def test_a_run_killed_in_its_trainings_and_resumed_gives_the_same_bits(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    started: list[int] = []
    believed = FinalistsState.keeping

    def interrupted(self: FinalistsState, numbers: set[int]) -> FinalistsState:
        started.append(1)
        if len(started) == 4:
            raise KeyboardInterrupt
        return believed(self, numbers)

    with monkeypatch.context() as patch:
        patch.setattr(FinalistsState, "keeping", interrupted)
        with pytest.raises(KeyboardInterrupt):
            searched(out)
    searched(out, mode="resume")
    for name in ("model.safetensors", "architecture.dot", "trainings.csv", "probabilities.dot"):
        assert RunFolder(out).file(name).read_bytes() == run.file(name).read_bytes(), name


def test_resuming_with_another_range_is_refused(run: RunFolder) -> None:
    with pytest.raises(InputError, match="budgets"):
        searched(run.path, mode="resume", budgets=("price=2..8", "params=95%"))


@pytest.mark.parametrize("limit", [1.0, 2.5, 8.0])
def test_prune_answers_any_limit_of_the_range(run: RunFolder, limit: float, tmp_path: Path) -> None:
    result = prune_run(run.path, [f"price={limit}"], out=tmp_path / "pruned", data=stripes(), threads=1)
    assert result.summary["budgets"][0]["value"] <= limit


def test_prune_answers_a_smaller_range(run: RunFolder, tmp_path: Path) -> None:
    result = prune_run(run.path, ["price=1..4"], out=tmp_path / "pruned", data=stripes(), threads=1)
    assert result.summary["budgets"][0]["value"] <= 4


@pytest.mark.parametrize("budget", ["price=4", "price=2..6"])
def test_a_search_starts_from_a_range(run: RunFolder, budget: str, tmp_path: Path) -> None:
    result = searched(tmp_path / "next", budgets=[budget], warm_start=run.path, recipe=recipe(epochs=1))
    assert result.summary["budgets"][0]["met"]


@pytest.mark.parametrize("finalists", [0, 2])
def test_few_or_no_trainings_serve_a_range_as_well(finalists: int, tmp_path: Path) -> None:
    how = settings(finalists=finalists, finalist_epochs=1, finetune_epochs=0)
    result = searched(tmp_path / "run", settings=how, recipe=recipe(epochs=1))
    assert result.summary["budgets"][0]["met"]
    trainings = result.run.file("trainings.csv")
    rows = list(csv.DictReader(trainings.read_text().splitlines())) if trainings.exists() else []
    assert [float(row["cost_price"]) <= 8 for row in rows] == [True] * finalists
    assert min((float(row["cost_price"]) for row in rows), default=1) == 1, "one is inside the lower end"


def test_an_oracle_judges_a_range_by_its_upper_end(tmp_path: Path) -> None:
    result = searched(
        tmp_path / "run",
        budgets=["price=1..4"],
        oracle=True,
        settings=settings(finetune_epochs=0),
        recipe=recipe(epochs=1),
    )
    rows = list(csv.DictReader(result.run.file("oracle.csv").read_text().splitlines()))
    assert {row["inside"] for row in rows if float(row["price"]) <= 4} == {"1"}
    assert {row["inside"] for row in rows if float(row["price"]) > 4} == {"0"}


def test_one_network_inside_answers_for_every_limit(tmp_path: Path) -> None:
    result = searched(tmp_path / "run", budgets=["price=1..1.5", "params=20%"])
    assert result.summary["budgets"][0]["value"] == 1
