"""A search with `epochs=0` learns neither θ nor Γ: finalists are trained, and nothing
but what they learned is ever chosen by or delivered.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from test_warm_start import Killed
from tiny import STRIPES_DROPOUT, fabric_of, no_pictures, recipe, settings, stripes

from benchmarks.accuracy.quality.networks import read_ranges
from bsngraph.errors import InputError
from bsngraph.fabric import Architecture, read_fabric
from bsngraph.profile import profile_fabric
from bsngraph.searching import prune_run, search, train
from bsngraph.settings import SearchSettings
from bsngraph.supernet import compile_fabric, prune
from bsngraph.training import NetTraining, Silent, derived_seed

DATA = stripes()
TRAINED = settings(finalists=4, finalist_epochs=2, finetune_epochs=0)
RANGE = "price=2..8"


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    no_pictures(monkeypatch)


def run(out: Path, *budgets: str, what: SearchSettings = TRAINED, **more: Any) -> Any:
    given = {"recipe": recipe(epochs=0), "settings": what, "threads": 1, "device": "cpu"} | more
    folder = out.parent / "fabric"
    folder.mkdir(exist_ok=True)
    return search(fabric_of(STRIPES_DROPOUT, folder), DATA, budgets or ["price=6"], out=out, **given)


def pruned(source: Path, budget: str, out: Path, **more: Any) -> Any:
    return prune_run(source, budget, out=out, data=DATA, threads=1, device="cpu", **more)


def table(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


def trainings(folder: Path) -> list[dict[str, str]]:
    return table(folder / "trainings.csv")


def architectures(folder: Path) -> list[Architecture]:
    """Those of the trainings, in their order."""
    edges = len(read_fabric(folder / "fabric.dot").edges)
    return [Architecture(edges, read_ranges(row["architecture"])) for row in trainings(folder)]


def delivered(folder: Path, fabric: Path) -> Architecture:
    """What a run delivered, as a choice from the fabric of the run `fabric`."""
    whole, names = (
        read_fabric(fabric / "fabric.dot"),
        {edge.name for edge in read_fabric(folder / "architecture.dot").edges},
    )
    return Architecture(
        len(whole.edges), tuple(i for i, edge in enumerate(whole.edges) if edge.name in names)
    )


def left_by(folder: Path) -> dict[str, bytes]:
    """What a run left but for its clock."""
    return {
        path.name: path.read_bytes()
        for path in sorted(folder.iterdir())
        if path.suffix in (".csv", ".dot", ".safetensors") or path.name == "answers.json"
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Finished runs by name; both finalists of the dear one have a price of 6."""
    few = settings(finalists=2, finalist_epochs=2, finetune_epochs=0)
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        run(folder / "whole")
        run(folder / "dear", what=few, seed=4)
        run(folder / "ranged", RANGE)
    return {name: folder / name for name in ("whole", "dear", "ranged")}


@pytest.fixture
def whole(made: dict[str, Path]) -> Path:
    return made["whole"]


@pytest.fixture
def dear(made: dict[str, Path]) -> Path:
    return made["dear"]


@pytest.fixture
def ranged(made: dict[str, Path]) -> Path:
    return made["ranged"]


def test_what_is_delivered_has_the_bits_of_a_training_by_itself(whole: Path, tmp_path: Path) -> None:
    rows = trainings(whole)
    assert [row["chosen_by"] for row in rows] == ["random", "random", "prediction", "prediction"]
    best = min(range(4), key=lambda number: float(rows[number]["expected_log_loss"]))
    assert delivered(whole, whole) == architectures(whole)[best]
    profile = profile_fabric(read_fabric(whole / "fabric.dot"))
    own = compile_fabric(prune(profile, architectures(whole)[best]), seed=derived_seed(0, "weights"))
    NetTraining(own, DATA, recipe(epochs=2), 0, "finalist").run(Silent(), lambda row: None)
    found = run(tmp_path / "again").net.state_dict()
    assert all(torch.equal(value, found[name]) for name, value in own.state_dict().items())
    assert left_by(tmp_path / "again") == left_by(whole)


def test_nothing_of_learning_is_recorded(whole: Path) -> None:
    lines = (whole / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["stage"] for line in lines} == {"finalist"}
    assert not {"probabilities.dot", "incumbent.dot"} & {path.name for path in whole.iterdir()}
    result = json.loads((whole / "result.json").read_text(encoding="utf-8"))
    assert result["weights"] == "trained"
    assert not any("Γ" in note for note in result["notes"])
    assert "λ" not in (whole / "overlay.dot").read_text(encoding="utf-8")


@pytest.mark.parametrize("epochs", range(1, 9))
def test_a_run_killed_after_any_epoch_and_resumed_gives_the_same_bits(
    whole: Path, tmp_path: Path, epochs: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "run", progress=Killed(epochs))
    run(tmp_path / "run", mode="resume")
    assert left_by(tmp_path / "run") == left_by(whole)


def test_the_network_is_fine_tuned_from_what_it_learned_as_a_finalist(tmp_path: Path) -> None:
    notes: list[str] = []

    class Noting(Silent):
        def note(self, text: str) -> None:
            notes.append(text)

    found = run(
        tmp_path / "run", what=settings(finalists=2, finalist_epochs=2, finetune_epochs=1), progress=Noting()
    )
    assert found.summary["weights"] == "fine-tuned"
    assert not any("shared weights" in note for note in notes)


def test_the_only_network_inside_is_trained(tmp_path: Path) -> None:
    run(tmp_path / "run", "price=1", "params=20")
    assert [row["number"] for row in trainings(tmp_path / "run")] == ["1"]
    assert json.loads((tmp_path / "run/result.json").read_text(encoding="utf-8"))["weights"] == "trained"


def test_a_front_is_of_finalists_alone(ranged: Path) -> None:
    assert [row["chosen_by"] for row in trainings(ranged)[:2]] == ["random", "random"]
    front = table(ranged / "front.csv")
    assert {row["weights"] for row in front if row["weights"]} == {"trained"}
    fabric = read_fabric(ranged / "fabric.dot")
    named = {frozenset(fabric.edges[edge].name for edge in each.live) for each in architectures(ranged)}
    for path in (ranged / "front").glob("*.dot"):
        assert frozenset(edge.name for edge in read_fabric(path).edges) in named


@pytest.mark.parametrize("source", ["whole", "dear", "ranged"])
@pytest.mark.parametrize("finetune_epochs", [0, 1])
def test_an_answer_is_a_finalist_inside_or_an_error(
    source: str, finetune_epochs: int, tmp_path: Path, made: dict[str, Path]
) -> None:
    """Whatever the limit: never a network with the weights of the start."""
    searched = made[source]
    prices = [sum(float(edge.costs["price"]) for edge in kept) for kept in edges_of(searched)]
    for limit in (1, 2, 3, 4, 5, 8):
        out = tmp_path / str(limit)
        if min(prices) > limit:
            with pytest.raises(
                InputError, match=rf"trained is inside price={limit}, and it learned no weights"
            ):
                pruned(searched, f"price={limit}", out, finetune_epochs=finetune_epochs)
            assert not (out / "result.json").exists()
            continue
        pruned(searched, f"price={limit}", out, finetune_epochs=finetune_epochs)
        number = architectures(searched).index(delivered(out, searched))
        assert prices[number] <= limit
    assert source != "dear" or prices == [6, 6], "nothing trained is inside most limits"


def edges_of(folder: Path) -> list[list[Any]]:
    fabric = read_fabric(folder / "fabric.dot")
    return [[fabric.edges[edge] for edge in each.live] for each in architectures(folder)]


def test_finalists_are_trained_for_an_answer_where_none_is_inside(dear: Path, tmp_path: Path) -> None:
    pruned(dear, "price=4", tmp_path / "pruned", finalists=3)
    rows = trainings(tmp_path / "pruned")
    assert [row["chosen_by"] for row in rows] == ["random", "random", "prediction"]
    assert delivered(tmp_path / "pruned", dear) in architectures(tmp_path / "pruned")


def test_a_front_asked_for_again_begins_where_something_was_trained(dear: Path, tmp_path: Path) -> None:
    pruned(dear, "price=1..6", tmp_path / "front")
    front = table(tmp_path / "front/front.csv")
    assert front[0]["weights"] == "none inside"
    assert front[-1]["weights"] == "trained"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"settings": settings(finalists=1)}, "epochs=0 learns nothing, so finalists alone can be chosen by"),
        ({"settings": settings(finalists=0)}, "give --finalists 2 or more, or --epochs"),
        ({"oracle": True}, "--oracle judges by learned weights"),
        ({"warm_start": "elsewhere"}, "a warm start has no use"),
    ],
)
def test_what_only_learning_gives_is_refused(tmp_path: Path, more: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        run(tmp_path / "run", **more)
    assert not (tmp_path / "run").exists()


def test_nothing_starts_from_a_search_that_learned_nothing(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"learned nothing \(epochs=0\): choose another run for --warm-start"
    ):
        run(tmp_path / "run", recipe=recipe(), warm_start=whole)


def test_a_training_needs_an_epoch(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="epochs=0 must be at least 1: only a search may learn nothing"):
        train(fabric_of(STRIPES_DROPOUT, tmp_path), DATA, out=tmp_path / "run", recipe=recipe(epochs=0))
    assert not (tmp_path / "run").exists()
