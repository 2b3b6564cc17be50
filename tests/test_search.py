"""The search end to end on tiny fabrics: against enumeration, inside its budgets,
killed anywhere and resumed to the same bits.
"""

from __future__ import annotations

import copy
import itertools
import json
import math
import os
import pickle
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from tiny import STRIPES, STRIPES_DROPOUT, STRIPES_NORM, fabric_of, no_pictures, recipe, settings, stripes
from torch.nn import functional

from bsngraph.costs import Budgets, cheapest, parse_budget, price, resolve_budgets
from bsngraph.data import Dataset, Split
from bsngraph.delivered import evaluate_run, load_net
from bsngraph.errors import BsngraphError, InfeasibleBudgetError, InputError, RunFailedError
from bsngraph.fabric import Architecture, Fabric, architecture_of, read_fabric
from bsngraph.measure import LatencyTable, Timing, conditions_here
from bsngraph.profile import FabricProfile, profile_fabric
from bsngraph.runs import FILES as EVERY_FILE
from bsngraph.runs.rows.latencies import Calibration
from bsngraph.searching import prune_run, search, train
from bsngraph.searching.choosing.propose import propose
from bsngraph.searching.choosing.rank import neighbours, rank
from bsngraph.searching.learning.gamma.gamma import Gamma
from bsngraph.settings import SearchSettings
from bsngraph.supernet import SuperNet, compile_fabric, prune, prune_net
from bsngraph.training import Progress, Silent, evaluate_net, recompute_batch_norm

DATA = stripes()
# which only a cost in milliseconds, or --oracle, needs
NOT_ALWAYS = ("latencies.json", "trainings.csv", "oracle.csv", "oracle.json")
FILES = [name for name in EVERY_FILE if name not in NOT_ALWAYS]
DRAWN = ("architecture.svg", "architecture.png")
CURVES = ("curves.svg", "curves.png")


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Graphviz and matplotlib take longer than a whole search here; one test draws."""
    no_pictures(monkeypatch)


def run_search(
    out: Path, text: str = STRIPES_DROPOUT, budgets: tuple[str, ...] = ("price=5",), **more: Any
) -> Any:
    fabric = fabric_of(text, out.parent)
    given = {"seed": 0, "recipe": recipe(), "settings": settings(), "threads": 1, "device": "cpu"} | more
    return search(fabric, given.pop("data", DATA), budgets, out=out, **given)


def every_architecture(fabric: Fabric) -> list[Architecture]:
    """By trying all 2^searchable choices."""
    found = {}
    for bits in itertools.product([False, True], repeat=len(fabric.searchable)):
        kept = np.array([edge.fixed for edge in fabric.edges])
        kept[list(fabric.searchable)] = bits
        try:
            found[architecture_of(fabric, kept)] = None
        except BsngraphError:
            continue
    return list(found)


def inside(architecture: Architecture, budgets: Budgets) -> bool:
    return all(
        sum(budget.cost.per_edge[edge] for edge in architecture.live) <= budget.limit * (1 + 1e-12)
        for budget in budgets
    )


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


def untimed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: untimed(inner) for key, inner in value.items() if key != "seconds"}
    if isinstance(value, list):
        return [untimed(inner) for inner in value]
    return (
        (value.dtype, tuple(value.shape), value.numpy().tobytes())
        if isinstance(value, torch.Tensor)
        else value
    )


def bits(folder: Path) -> dict[str, Any]:
    """Everything that a run leaves, without its clock."""
    left: dict[str, Any] = {"files": sorted(path.name for path in folder.iterdir())}
    for name in (
        "model.safetensors",
        "probabilities.dot",
        "architecture.dot",
        "fabric.dot",
        "overlay.dot",
        "config.json",
        *DRAWN,
        *CURVES,
    ):
        left[name] = (folder / name).read_bytes()
    left["metrics"] = untimed(rows_of(folder))
    left["result"] = untimed(json.loads((folder / "result.json").read_text(encoding="utf-8")))
    left["checkpoint"] = untimed(torch.load(folder / "checkpoint.pt", weights_only=True))
    return left


class Killed(Silent):
    """Ctrl-C after so many epochs."""

    def __init__(self, after: int) -> None:
        self.left = after

    def epoch(self, row: Mapping[str, Any]) -> None:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


class Interrupter:
    """Ctrl-C before or after the call number `at` (from 0) of what it stands in for;
    with None it only counts.
    """

    def __init__(self, original: Callable[..., Any], at: int | None = None, *, after: bool = False) -> None:
        self.original, self.at, self.after, self.calls = original, at, after, 0

    def __call__(self, *arguments: Any, **more: Any) -> Any:
        here = self.calls == self.at
        self.calls += 1
        if here and not self.after:
            raise KeyboardInterrupt
        result = self.original(*arguments, **more)
        if here:
            raise KeyboardInterrupt
        return result


# --- the files of a run


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A finished search with BatchNorm and dropout, nothing stopped."""
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        out = tmp_path_factory.mktemp("runs") / "finished"
        run_search(out)
        yield out


def copied(finished: Path, to: Path) -> Path:
    shutil.copytree(finished, to)
    return to


def unended(finished: Path, to: Path) -> Path:
    """A run as it is just before it writes its result."""
    (copied(finished, to) / "result.json").unlink()
    return to


def test_search_writes_every_file_and_nothing_else(finished: Path) -> None:
    assert sorted(path.name for path in finished.iterdir()) == sorted(FILES)


def test_result_json_holds_what_the_design_names_and_agrees_with_itself(finished: Path) -> None:
    result = json.loads((finished / "result.json").read_text(encoding="utf-8"))
    assert set(result) == {
        "task",
        "metrics",
        "costs",
        "budgets",
        "edges",
        "seconds",
        "seed",
        "notes",
        "weights",
    }
    assert result["task"] == "classification"
    assert result["seed"] == 0
    assert result["seconds"] > 0
    assert set(result["metrics"]) == {"validation", "test"}
    assert all(0 <= result["metrics"][split]["accuracy"] <= 1 for split in result["metrics"])
    assert set(result["costs"]) == {"macs", "flops", "params", "bytes", "memory", "price"}
    profile = profile_fabric(read_fabric(finished / "fabric.dot"))
    delivered = profile_fabric(read_fabric(finished / "architecture.dot"))
    for name, cost in result["costs"].items():
        whole = price(profile, name)
        least = cheapest(profile.fabric, whole)
        assert cost == {
            "value": price(delivered, name).total,
            "unit": whole.unit,
            "fabric": whole.total,
            "cheapest": least.value,
            "proved": True,
        }
        assert cost["cheapest"] <= cost["value"] <= cost["fabric"]
    value = result["costs"]["price"]["value"]
    assert result["budgets"] == [
        {"cost": "price", "relation": "<=", "limit": 5.0, "value": value, "met": True}
    ]
    kept = len(delivered.fabric.edges) - result["edges"]["fixed"]
    assert result["edges"] == {"kept": kept, "searchable": 6, "fixed": 1}


def test_probabilities_dot_is_the_fabric_with_the_learned_probabilities(finished: Path) -> None:
    fabric, learned = read_fabric(finished / "fabric.dot"), read_fabric(finished / "probabilities.dot")
    logits = torch.load(finished / "checkpoint.pt", weights_only=True)["search"]["logits"]
    assert [edge.name for edge in learned.edges] == [edge.name for edge in fabric.edges]
    for edge, logit in zip(learned.edges, logits.tolist(), strict=True):
        if edge.fixed:
            assert edge.probability is None
        else:
            assert 0 <= edge.probability <= 1
            assert edge.probability == pytest.approx(1 / (1 + math.exp(-logit)), abs=1e-9)


def test_probabilities_dot_is_a_start_for_another_search(finished: Path, tmp_path: Path) -> None:
    again = search(
        read_fabric(finished / "probabilities.dot"),
        DATA,
        ["price=5"],
        out=tmp_path / "again",
        recipe=recipe(),
        settings=settings(),
    )
    assert again.summary["budgets"][0]["met"]


def test_architecture_dot_is_a_fabric_of_the_live_edges_all_fixed(finished: Path) -> None:
    fabric, found = read_fabric(finished / "fabric.dot"), read_fabric(finished / "architecture.dot")
    assert all(edge.fixed for edge in found.edges)
    assert {edge.name for edge in found.edges} <= {edge.name for edge in fabric.edges}
    whole = architecture_of(found, np.ones(len(found.edges), dtype=np.bool_))
    assert len(whole.live) == len(found.edges)


def test_fabric_dot_is_the_fabric_as_searched(finished: Path, tmp_path: Path) -> None:
    assert read_fabric(finished / "fabric.dot") == fabric_of(STRIPES_DROPOUT, tmp_path)


def test_model_safetensors_names_weights_by_edge_and_carries_normalisation_and_classes(
    finished: Path,
) -> None:
    with safe_open(finished / "model.safetensors", framework="pt") as model:
        metadata, names = model.metadata(), set(model.keys())
    assert json.loads(metadata["classes"]) == ["rows", "columns"]
    assert json.loads(metadata["mean"]) == [0.0]
    assert json.loads(metadata["std"]) == [1.0]
    assert metadata["task"] == "classification"
    edges = {edge.name for edge in read_fabric(finished / "architecture.dot").edges}
    assert {name.partition("/")[0] for name in names} <= edges
    assert "g->scores#0/linear.weight" in names


def test_checkpoint_loads_with_weights_only(finished: Path) -> None:
    state = torch.load(finished / "checkpoint.pt", weights_only=True)
    assert set(state) == {"rows", "seconds", "search", "finetune"}
    assert state["rows"] == 5


def test_metrics_have_one_row_an_epoch_with_every_measure(finished: Path) -> None:
    rows = rows_of(finished)
    assert [(row["stage"], row["epoch"]) for row in rows] == [
        ("search", 1),
        ("search", 2),
        ("search", 3),
        ("finetune", 1),
        ("finetune", 2),
    ]
    for row in rows:
        assert {
            "train_loss",
            "validation_loss",
            "train_accuracy",
            "validation_accuracy",
            "learning_rate",
            "seconds",
        } <= set(row)
    for row in rows[:3]:
        assert set(row["costs"]) == {"macs", "flops", "params", "bytes", "memory", "price"}
        assert all(set(cost) == {"sampled", "thresholded"} for cost in row["costs"].values())
        assert 0 <= row["entropy"] <= 1
        assert set(row["penalty"].values()) == {3.0}
        assert row["excess"]["price"] >= 0
        assert row["limits"]["price"] >= 5
        assert row["disconnected"] >= 0
    assert rows[2]["limits"]["price"] == 5


def test_config_json_records_every_setting(finished: Path) -> None:
    config = json.loads((finished / "config.json").read_text(encoding="utf-8"))
    assert config["command"] == "search"
    assert config["recipe"]["epochs"] == 3
    assert config["settings"]["finetune_epochs"] == 2
    assert config["budgets"] == [{"text": "price=5", "cost": "price", "relation": "<=", "limit": 5.0}]
    assert config["data"] == {
        "name": "stripes",
        "task": "classification",
        "ignore_label": None,
        "classes": ["rows", "columns"],
        "mean": [0.0],
        "std": [1.0],
        "fingerprint": DATA.fingerprint(),
        "examples": {"train": 64, "validation": 64, "test": 64},
    }
    assert {"python", "torch", "numpy", "bsngraph"} <= set(config["versions"])
    assert (config["seed"], config["device"], config["threads"]) == (0, "cpu", 1)


def test_pictures_are_drawn_over_the_fabric(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bsngraph.draw import render_dot
    from bsngraph.draw.graphviz import find_graphviz

    if find_graphviz() is None:
        pytest.skip("no Graphviz here")
    monkeypatch.setattr("bsngraph.searching.delivering.pictures.render_dot", render_dot)
    run_search(tmp_path / "run", STRIPES, settings=settings(finetune_epochs=0))
    assert (tmp_path / "run/architecture.png").read_bytes().startswith(b"\x89PNG")
    picture = (tmp_path / "run/architecture.svg").read_text(encoding="utf-8")
    assert "<svg" in picture
    assert "price" in picture


def test_without_graphviz_the_dot_is_written_and_one_line_says_how_to_get_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bsngraph.draw import render_dot

    notes = []

    class Notes(Silent):
        def note(self, text: str) -> None:
            notes.append(text)

    monkeypatch.setattr("bsngraph.searching.delivering.pictures.render_dot", render_dot)
    monkeypatch.setattr("bsngraph.draw.graphviz.find_graphviz", lambda: None)
    run_search(tmp_path / "run", STRIPES, settings=settings(finetune_epochs=0), progress=Notes())
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == sorted(set(FILES) - set(DRAWN))
    assert len([note for note in notes if "pip install 'bsngraph[draw]'" in note]) == 1


# --- the best inside the budget


def test_search_finds_the_architecture_that_enumeration_with_training_from_scratch_finds(
    tmp_path: Path,
) -> None:
    """Eight architectures are inside price=4; each is trained on its own, and one is
    best by a clear margin.
    """
    fabric = fabric_of(STRIPES, tmp_path)
    profile, data = profile_fabric(fabric), stripes(train=128)
    how = recipe(epochs=20, augment=False)
    budgets = resolve_budgets(profile, [parse_budget("price=4")])
    losses = {}
    for number, architecture in enumerate(every_architecture(fabric)):
        if inside(architecture, budgets):
            alone = train(prune(profile, architecture), data, out=tmp_path / f"alone{number}", recipe=how)
            losses[architecture] = alone.summary["metrics"]["validation"]["loss"]
    (best, first), (_, second) = sorted(losses.items(), key=lambda pair: pair[1])[:2]
    assert len(losses) == 8
    assert first < 0.1 < 0.5 < second
    for seed in range(2):
        found = search(
            fabric,
            data,
            ["price=4"],
            out=tmp_path / f"search{seed}",
            seed=seed,
            recipe=how,
            settings=settings(),
        )
        assert found.architecture == best
        assert found.test_accuracy > 0.95
        learned = read_fabric(tmp_path / f"search{seed}" / "probabilities.dot")
        kept = {edge.name for edge in learned.edges if not edge.fixed and edge.probability > 0.5}
        assert {"image->h#wide", "h->g#skip"} <= kept, "Γ itself points there, not the choice alone"


def test_choice_is_the_best_by_validation_loss_of_all_that_is_inside(tmp_path: Path) -> None:
    """With more candidates than architectures nothing is missed: each is scored on its
    own, pruned from the same weights.
    """
    fabric = fabric_of(STRIPES_NORM, tmp_path)
    net = compile_fabric(fabric, seed=4)
    budgets = resolve_budgets(net.profile, [parse_budget("price=5")])
    logits = Gamma(fabric, 0.5).at(budgets.limits[:, None])
    found = propose(logits, net, budgets, 64, torch.Generator().manual_seed(0))
    feasible = [architecture for architecture in every_architecture(fabric) if inside(architecture, budgets)]
    assert set(found) == set(feasible)
    scores = {}
    for architecture in feasible:
        alone = prune_net(net, architecture)
        everything = np.ones(len(alone.fabric.edges), dtype=np.bool_)
        recompute_batch_norm(alone, DATA, everything, batches=4)
        scores[architecture] = evaluate_net(alone, DATA, DATA.validation, everything).loss
    chosen, *others = rank(copy.deepcopy(net), DATA, found, budgets)
    assert chosen.architecture == min(scores, key=lambda architecture: scores[architecture])
    for candidate in (chosen, *others):
        assert candidate.score.loss == pytest.approx(scores[candidate.architecture], abs=1e-5)


def test_neighbours_are_inside_the_budgets_and_differ_by_one_edge_or_an_exchange(tmp_path: Path) -> None:
    fabric = fabric_of(STRIPES, tmp_path)
    net = compile_fabric(fabric, seed=0)
    budgets = resolve_budgets(net.profile, [parse_budget("price=5")])
    for architecture in every_architecture(fabric):
        near = neighbours(net, architecture, budgets)
        assert architecture not in near
        assert len(set(near)) == len(near)
        assert all(inside(other, budgets) for other in near)
        assert all(len(set(architecture.live) ^ set(other.live)) <= 2 for other in near)


def test_proposals_are_inside_budgets_far_under_the_one_searched_for(tmp_path: Path) -> None:
    """Γ near 1 on every edge: hardly a sample is inside, and still there are
    candidates, all of them inside.
    """
    fabric = fabric_of(STRIPES, tmp_path)
    net = compile_fabric(fabric, seed=0)
    for text in ("price=1", "price=2", "macs=10%"):
        budgets = resolve_budgets(net.profile, [parse_budget(text)])
        logits = Gamma(fabric, 0.999).at(budgets.limits[:, None])
        found = propose(logits, net, budgets, 16, torch.Generator().manual_seed(0))
        assert found
        assert all(inside(architecture, budgets) for architecture in found)


def test_a_certain_distribution_still_has_all_that_is_inside_to_choose_from(tmp_path: Path) -> None:
    """At the end of a search hardly two samples of Γ differ; hotter ones, and cheaper
    ones, make up the number asked for.
    """
    fabric = fabric_of(STRIPES, tmp_path)
    net = compile_fabric(fabric, seed=0)
    gamma = Gamma(fabric, 0.5)
    gamma.logits.copy_(
        torch.where(
            torch.rand(len(fabric.edges), generator=torch.Generator().manual_seed(1)) < 0.5, 5.0, -5.0
        )
    )
    budgets = resolve_budgets(net.profile, [parse_budget("price=5")])
    found = propose(gamma.at(budgets.limits[:, None]), net, budgets, 512, torch.Generator().manual_seed(0))
    assert set(found) == {
        architecture for architecture in every_architecture(fabric) if inside(architecture, budgets)
    }


@pytest.fixture(scope="module")
def prunable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished search without fine-tuning, to choose from again."""
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        out = tmp_path_factory.mktemp("runs") / "prunable"
        run_search(out, STRIPES_NORM, (), settings=settings(finetune_epochs=0))
    return out


class SeenError(Exception):
    """What a test looked for was seen: the rest need not run."""


@pytest.mark.parametrize("budget", ["macs=100%", "price=4", "price=1"])
def test_prune_has_what_was_delivered_or_is_known_to_be_inside_among_its_candidates(
    prunable: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, budget: str
) -> None:
    fabric = read_fabric(prunable / "fabric.dot")
    names = {edge.name for edge in read_fabric(prunable / "architecture.dot").edges}
    budgets = resolve_budgets(profile_fabric(fabric), [parse_budget(budget)])

    def look(job, searched, log, progress):
        held = searched.learned.incumbent.architecture
        assert inside(held, budgets)
        if budget == "macs=100%":
            assert {fabric.edges[edge].name for edge in held.live} == names
        raise SeenError

    monkeypatch.setattr("bsngraph.searching.pruning.choose_again", look)
    with pytest.raises(SeenError):
        prune_run(prunable, [budget], out=tmp_path / "out", data=DATA)


def test_delivered_network_is_inside_random_budgets_or_none_is(prunable: Path, tmp_path: Path) -> None:
    fabric = read_fabric(prunable / "fabric.dot")
    profile = profile_fabric(fabric)
    everything = every_architecture(fabric)
    random = np.random.default_rng(7)
    outcomes = []
    for number in range(30):
        names = random.choice(["macs", "params", "price", "flops"], size=random.integers(1, 4), replace=False)
        texts = []
        for name in names:
            cost = price(profile, name)
            least = cheapest(fabric, cost).value
            texts.append(f"{name}={random.uniform(0.9 * max(least, 1), cost.total):.3f}")
        budgets = resolve_budgets(profile, [parse_budget(text) for text in texts])
        feasible = any(inside(architecture, budgets) for architecture in everything)
        outcomes.append(feasible)
        out = tmp_path / f"pruned{number}"
        if not feasible:
            with pytest.raises(InfeasibleBudgetError):
                prune_run(prunable, texts, out=out, data=DATA)
            assert not out.exists()
            continue
        result = prune_run(prunable, texts, out=out, data=DATA)
        assert inside(result.architecture, budgets)
        delivered = profile_fabric(read_fabric(out / "architecture.dot"))
        for budget, summary in zip(budgets, result.summary["budgets"], strict=True):
            assert price(delivered, budget.cost.name).total <= budget.limit
            assert summary["met"]
    assert 5 < sum(outcomes) < 30, "both cases occur"


@pytest.mark.parametrize("budget", ["price=1", "price=2.5", "macs=20%", "params=45%"])
def test_search_delivers_inside_any_budget_however_little_it_learns(tmp_path: Path, budget: str) -> None:
    result = run_search(
        tmp_path / "run",
        STRIPES_NORM,
        (budget,),
        recipe=recipe(epochs=1),
        settings=settings(finetune_epochs=0, penalty=0.0),
    )
    assert result.summary["budgets"][0]["value"] <= result.summary["budgets"][0]["limit"]


def test_infeasible_budget_says_what_the_cheapest_costs_and_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(InfeasibleBudgetError) as caught:
        run_search(tmp_path / "run", STRIPES, ("price=0.5",))
    assert (
        str(caught.value)
        == "no sub-network meets price=0.5 (0.5): the cheapest costs 1, 11.11 % of the fabric"
    )
    assert not (tmp_path / "run").exists()


def test_slack_budget_is_accepted_and_said_to_be(tmp_path: Path) -> None:
    notes = []

    class Notes(Silent):
        def note(self, text: str) -> None:
            notes.append(text)

    run_search(
        tmp_path / "run", STRIPES, ("price=100",), settings=settings(finetune_epochs=0), progress=Notes()
    )
    assert "budget price=100 is slack: the whole fabric costs 9" in notes


# --- corners of what can be searched


def test_search_of_a_fabric_with_nothing_to_search_delivers_it_whole(tmp_path: Path) -> None:
    result = run_search(tmp_path / "run", STRIPES.replace("edge  [", "edge  [fixed=true, "), ())
    assert result.summary["edges"] == {"kept": 0, "searchable": 0, "fixed": 6}
    assert len(result.fabric.edges) == 6


def test_search_of_a_fabric_without_weights_works(tmp_path: Path) -> None:
    text = (
        'digraph { graph [source=x, target=y]; x [input="2"]; x -> y [op=identity]; x -> y '
        "[op=dropout, rate=0.5]; }"
    )
    how = recipe(augment=False)
    result = search(
        fabric_of(text, tmp_path), VECTORS, [], out=tmp_path / "run", recipe=how, settings=settings()
    )
    assert result.summary["costs"]["params"]["value"] == 0
    assert result.test_accuracy > 0.9
    result = train(fabric_of(text, tmp_path), VECTORS, out=tmp_path / "trained", recipe=how)
    assert result.test_accuracy > 0.9


def _vectors() -> Dataset:
    generator = torch.Generator().manual_seed(1)

    def split(count: int) -> Split:
        labels = torch.arange(count) % 2
        return Split(
            functional.one_hot(labels, 2) * 2.0 + 0.3 * torch.randn(count, 2, generator=generator), labels
        )

    return replace(
        DATA,
        name="vectors",
        mean=(0.0, 0.0),
        std=(1.0, 1.0),
        train=split(64),
        validation=split(64),
        test=split(64),
    )


VECTORS = _vectors()


def test_search_that_starts_with_no_edge_at_all_never_crashes_and_delivers(tmp_path: Path) -> None:
    text = STRIPES.replace("edge  [", "edge  [probability=0, ")
    result = run_search(tmp_path / "run", text)
    rows = rows_of(tmp_path / "run")
    assert rows[0]["disconnected"] > 30  # of the 32 rows that are Γ's own
    assert rows[0]["train_loss"] == pytest.approx(math.log(2), abs=0.02)
    assert result.summary["budgets"][0]["met"]


def test_fabric_that_does_not_fit_the_data_is_refused_and_the_cure_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gives 3, but stripes has 2 classes: use --set classes=2"):
        run_search(tmp_path / "run", STRIPES.replace("classes=2", "classes=3"))
    with pytest.raises(InputError, match='takes 1x6x6, but stripes has 1x4x4: write input="1x4x4" on it'):
        run_search(tmp_path / "run", STRIPES.replace("1x4x4", "1x6x6"))
    assert not (tmp_path / "run").exists()


def test_probabilities_stay_where_they_start_while_only_the_weights_learn(tmp_path: Path) -> None:
    burning = run_search(
        tmp_path / "burning", STRIPES, settings=settings(burn_in=1.0, settle=1.0, finetune_epochs=0)
    )
    rows = rows_of(burning.run.path)
    assert all(row["burn_in"] for row in rows)
    assert rows[0]["train_loss"] != rows[2]["train_loss"]
    gammas = [
        edge.probability
        for edge in read_fabric(burning.run.path / "probabilities.dot").edges
        if not edge.fixed
    ]
    assert gammas == pytest.approx([settings().initial_probability] * 5, abs=1e-8)
    learning = run_search(tmp_path / "learning", STRIPES, settings=settings(burn_in=0.5, finetune_epochs=0))
    assert [row["burn_in"] for row in rows_of(learning.run.path)] == [True, True, False]
    assert [row["entropy"] for row in rows_of(learning.run.path)][:2] == [rows[0]["entropy"]] * 2
    assert rows_of(learning.run.path)[2]["entropy"] != rows[0]["entropy"]


# --- bit for bit


def test_same_seed_gives_the_same_bits_and_another_seed_others(finished: Path, tmp_path: Path) -> None:
    run_search(tmp_path / "again")
    assert bits(tmp_path / "again") == bits(finished)
    run_search(tmp_path / "other", seed=1)
    other, first = bits(tmp_path / "other"), bits(finished)
    assert other["metrics"] != first["metrics"]
    assert other["model.safetensors"] != first["model.safetensors"]


def test_result_does_not_depend_on_the_global_generators_and_leaves_them_alone(
    finished: Path, tmp_path: Path
) -> None:
    torch.manual_seed(123)
    before = torch.random.get_rng_state()
    run_search(tmp_path / "again")
    assert torch.equal(torch.random.get_rng_state(), before)
    assert bits(tmp_path / "again") == bits(finished)


@pytest.mark.parametrize("epochs", range(1, 6))
def test_run_killed_after_any_of_its_epochs_and_resumed_gives_the_same_bits(
    finished: Path, tmp_path: Path, epochs: int
) -> None:
    """Three epochs of search, two of fine-tuning; with BatchNorm and dropout."""
    with pytest.raises(KeyboardInterrupt):
        run_search(tmp_path / "run", progress=Killed(epochs))
    assert len(rows_of(tmp_path / "run")) == epochs
    run_search(tmp_path / "run", mode="resume")
    assert bits(tmp_path / "run") == bits(finished)


def test_run_killed_after_every_epoch_in_turn_gives_the_same_bits(finished: Path, tmp_path: Path) -> None:
    for number in range(5):
        with pytest.raises(KeyboardInterrupt):
            run_search(tmp_path / "run", mode="resume" if number else "new", progress=Killed(1))
    run_search(tmp_path / "run", mode="resume")
    assert bits(tmp_path / "run") == bits(finished)


#: Every stage and every file of a run, in few epochs of two steps each.
SHORTEST: dict[str, Any] = {
    "recipe": recipe(epochs=2, batch_size=32), "settings": settings(candidates=2, finetune_epochs=1)
}  # fmt: skip


def test_run_killed_before_or_after_any_of_its_writes_and_resumed_gives_the_same_bits(
    tmp_path: Path,
) -> None:
    from bsngraph.whole_files import write_whole

    homes = (
        "bsngraph.runs.run_folder",
        "bsngraph.runs.checkpoint",
        "bsngraph.searching.delivering.pictures",
        "bsngraph.searching.delivering.weights_file",
        "bsngraph.fabric.formats",
    )

    def attempt(out: Path, at: int | None, after: bool, mode: str) -> int:
        counter = Interrupter(write_whole, at, after=after)
        with pytest.MonkeyPatch.context() as patch:
            for home in homes:
                patch.setattr(f"{home}.write_whole", counter)
            run_search(out, mode=mode, **SHORTEST)
        return counter.calls

    writes = attempt(tmp_path / "counted", None, False, "new")
    assert writes > 15
    whole = bits(tmp_path / "counted")
    for at, after in itertools.product(range(writes), (False, True)):
        out = tmp_path / f"run{at}{after}"
        with pytest.raises(KeyboardInterrupt):
            attempt(out, at, after, "new")
        run_search(out, mode="resume" if (out / "config.json").exists() else "new", **SHORTEST)
        assert bits(out) == whole, f"killed at write {at}, after it: {after}"


def test_run_killed_in_the_middle_of_anything_and_resumed_gives_the_same_bits(tmp_path: Path) -> None:
    """Ctrl-C in a forward pass: in epochs, in evaluations, while architectures are
    compared and measured.
    """

    def attempt(out: Path, at: int | None) -> int:
        forward = Interrupter(SuperNet.forward, at)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(SuperNet, "forward", lambda self, *inputs: forward(self, *inputs))
            run_search(out, **SHORTEST)
        return forward.calls

    passes = attempt(tmp_path / "counted", None)
    whole = bits(tmp_path / "counted")
    assert passes > 30
    for at in range(1, passes, 4):
        with pytest.raises(KeyboardInterrupt):
            attempt(tmp_path / f"run{at}", at)
        run_search(tmp_path / f"run{at}", mode="resume", **SHORTEST)
        assert bits(tmp_path / f"run{at}") == whole, f"killed in pass {at} of {passes}"


@pytest.mark.parametrize("at", [0, 2])
def test_run_killed_while_it_chooses_and_resumed_gives_the_same_bits(
    finished: Path, tmp_path: Path, at: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bsngraph.searching.choosing.candidate.evaluate_net", Interrupter(evaluate_net, at))
        with pytest.raises(KeyboardInterrupt):
            run_search(tmp_path / "run")
    assert len(rows_of(tmp_path / "run")) == 3
    run_search(tmp_path / "run", mode="resume")
    assert bits(tmp_path / "run") == bits(finished)


def test_resuming_a_finished_run_leaves_everything_as_it_is(finished: Path, tmp_path: Path) -> None:
    out = copied(finished, tmp_path / "run")
    run_search(out, mode="resume")
    assert bits(out) == bits(finished)


def test_seconds_of_a_resumed_run_include_those_before(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_search(tmp_path / "run", progress=Killed(2))
    state = torch.load(tmp_path / "run/checkpoint.pt", weights_only=True)
    torch.save(state | {"seconds": 1000.0}, tmp_path / "run/checkpoint.pt")
    assert run_search(tmp_path / "run", mode="resume").summary["seconds"] > 1000


def test_training_killed_after_any_of_its_epochs_and_resumed_gives_the_same_bits(tmp_path: Path) -> None:
    fabric = fabric_of(STRIPES_DROPOUT, tmp_path)

    def run(name: str, **more: Any) -> None:
        train(fabric, DATA, out=tmp_path / name, recipe=recipe(), threads=1, **more)

    def left(name: str) -> Any:
        folder = tmp_path / name
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        return (folder / "model.safetensors").read_bytes(), untimed(rows_of(folder)), untimed(result)

    run("whole")
    for epochs in (1, 2, 3):
        with pytest.raises(KeyboardInterrupt):
            run(f"killed{epochs}", progress=Killed(epochs))
        run(f"killed{epochs}", mode="resume")
        assert left(f"killed{epochs}") == left("whole")


def test_prune_killed_while_it_fine_tunes_and_resumed_gives_the_same_bits(
    finished: Path, tmp_path: Path
) -> None:
    how: dict[str, Any] = {"data": DATA, "threads": 1, "finetune_epochs": 2}
    prune_run(finished, ["price=2"], out=tmp_path / "whole", **how)
    with pytest.raises(KeyboardInterrupt):
        prune_run(finished, ["price=2"], out=tmp_path / "killed", progress=Killed(1), **how)
    prune_run(finished, ["price=2"], out=tmp_path / "killed", mode="resume", **how)
    assert bits(tmp_path / "killed") == bits(tmp_path / "whole")


# --- folders that hold a run, or should


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"seed": 1}, "seed was 0 and is 1"),
        ({"recipe": recipe(epochs=5)}, "recipe.epochs was 3 and is 5"),
        ({"recipe": recipe(learning_rate=0.01)}, "recipe.learning_rate was 0.1 and is 0.01"),
        ({"settings": settings(penalty=1.0)}, "settings.penalty was 3.0 and is 1.0"),
        ({"budgets": ("price=4",)}, "budgets was"),
        ({"threads": 2}, "threads was 1 and is 2"),
    ],
)
def test_resuming_with_other_settings_is_refused_and_names_them(
    finished: Path, tmp_path: Path, changed: dict[str, Any], words: str
) -> None:
    out = copied(finished, tmp_path / "run")
    before = bits(out)
    with pytest.raises(InputError) as caught:
        run_search(out, mode="resume", **changed)
    assert words in str(caught.value)
    assert "cannot resume with other settings" in str(caught.value)
    assert bits(out) == before


@pytest.mark.parametrize(
    "text",
    [
        STRIPES_DROPOUT.replace("channels=6", "channels=5"),
        STRIPES_DROPOUT.replace("rate=0.3", "rate=0.4"),
        STRIPES_DROPOUT.replace("cost_price=3", "cost_price=2"),
    ],
)
def test_resuming_with_another_fabric_is_refused_and_leaves_the_run_alone(
    finished: Path, tmp_path: Path, text: str
) -> None:
    out = copied(finished, tmp_path / "run")
    before = bits(out)
    with pytest.raises(InputError, match=r"fabric"):
        run_search(out, text, mode="resume")
    assert bits(out) == before


def test_folder_that_holds_a_run_is_refused_and_left_alone(finished: Path, tmp_path: Path) -> None:
    out = copied(finished, tmp_path / "run")
    with pytest.raises(
        InputError, match=r"already holds a run: go on with it by --resume, replace it by --overwrite"
    ):
        run_search(out)
    with pytest.raises(InputError, match="already holds a run"):
        train(fabric_of(STRIPES, tmp_path), DATA, out=out)
    with pytest.raises(InputError, match="already holds a run"):
        prune_run(finished, ["price=2"], out=out, data=DATA)
    assert bits(out) == bits(finished)


def test_overwriting_replaces_the_run_and_leaves_other_files(finished: Path, tmp_path: Path) -> None:
    out = copied(finished, tmp_path / "run")
    (out / "notes.txt").write_text("mine")
    run_search(out, mode="overwrite", seed=1)
    run_search(tmp_path / "fresh", seed=1)
    assert (out / "notes.txt").read_text() == "mine"
    (out / "notes.txt").unlink()
    assert bits(out) == bits(tmp_path / "fresh")


def test_overwriting_run_killed_after_its_first_epoch_holds_nothing_of_the_old_one(
    finished: Path, tmp_path: Path
) -> None:
    out = copied(finished, tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        run_search(out, mode="overwrite", seed=1, progress=Killed(1))
    assert sorted(path.name for path in out.iterdir()) == [
        "checkpoint.pt",
        "config.json",
        "fabric.dot",
        "incumbent.dot",
        "metrics.jsonl",
        "splits.json",
    ]


def test_resuming_where_there_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no run to resume: leave out --resume to start one"):
        run_search(tmp_path / "run", mode="resume")


def test_output_folder_that_cannot_be_made_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made"):
        search(fabric_of(STRIPES, tmp_path), DATA, [], out=tmp_path / "file" / "run")


# --- runs that fail


def test_loss_that_is_not_finite_stops_the_search_and_says_what_to_try(tmp_path: Path) -> None:
    with pytest.raises(RunFailedError) as caught:
        run_search(tmp_path / "run", STRIPES, recipe=recipe(learning_rate=1e20))
    text = str(caught.value)
    assert text.startswith("the loss is ")
    assert "in epoch 1 of the search" in text
    assert "try a smaller --learning-rate" in text
    assert not (tmp_path / "run/result.json").exists()
    assert not (tmp_path / "run/checkpoint.pt").exists()


def test_loss_that_stops_being_finite_later_keeps_the_checkpoint_of_the_epoch_before(tmp_path: Path) -> None:
    kept = {}

    class Watch(Silent):
        def epoch(self, row: Mapping[str, Any]) -> None:
            kept["checkpoint"] = (tmp_path / "run/checkpoint.pt").read_bytes()

    with pytest.raises(RunFailedError, match="in epoch 1 of the finetune"):
        run_search(tmp_path / "run", STRIPES, settings=settings(finetune_rate=1e20), progress=Watch())
    assert (tmp_path / "run/checkpoint.pt").read_bytes() == kept["checkpoint"]
    assert len(rows_of(tmp_path / "run")) == 3


@pytest.mark.parametrize("finetune_epochs", [0, 1])
def test_network_whose_last_step_ruined_it_is_never_delivered(tmp_path: Path, finetune_epochs: int) -> None:
    """One step an epoch: the training loss is still finite when the weights are not
    good for anything any more.
    """
    how = recipe(epochs=1, batch_size=64, learning_rate=1e38 if not finetune_epochs else 0.01)
    tuning = settings(finetune_epochs=finetune_epochs, finetune_rate=1e38)
    with pytest.raises(RunFailedError, match="the loss is"):
        run_search(tmp_path / "run", STRIPES, (), recipe=how, settings=tuning)
    assert not (tmp_path / "run/result.json").exists()


# --- choosing again, training, measuring


def test_prune_under_a_smaller_budget_is_inside_it_and_complete(finished: Path, tmp_path: Path) -> None:
    before = bits(finished)
    budgets = ["price=2", "macs=50%"]
    result = prune_run(finished, budgets, out=tmp_path / "pruned", data=DATA, finetune_epochs=2)
    assert [budget["met"] for budget in result.summary["budgets"]] == [True, True]
    assert profile_fabric(read_fabric(tmp_path / "pruned/architecture.dot")).fabric == result.fabric
    assert sorted(path.name for path in (tmp_path / "pruned").iterdir()) == sorted(
        set(FILES) - {"incumbent.dot"}
    )
    assert json.loads((tmp_path / "pruned/config.json").read_text())["command"] == "prune"
    assert bits(finished) == before, "the search itself is left alone"


def test_prune_under_the_same_budget_gives_the_search_its_own_network_again(
    finished: Path, tmp_path: Path
) -> None:
    prune_run(finished, ["price=5"], out=tmp_path / "pruned", data=DATA, threads=1)
    assert (tmp_path / "pruned/model.safetensors").read_bytes() == (
        finished / "model.safetensors"
    ).read_bytes()


def test_prune_under_an_infeasible_budget_says_what_the_cheapest_costs(
    finished: Path, tmp_path: Path
) -> None:
    with pytest.raises(InfeasibleBudgetError, match="the cheapest costs 1"):
        prune_run(finished, ["price=0.5"], out=tmp_path / "pruned", data=DATA)
    assert not (tmp_path / "pruned").exists()


@pytest.mark.parametrize(
    ("epochs", "words"), [(0, "there is no checkpoint"), (1, "the search stopped after epoch 1 of 3")]
)
def test_prune_of_an_unfinished_search_is_refused(tmp_path: Path, epochs: int, words: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if not epochs:
            patch.setattr(SuperNet, "forward", Interrupter(SuperNet.forward, 0))
        with pytest.raises(KeyboardInterrupt):
            run_search(tmp_path / "run", progress=Killed(epochs))
    with pytest.raises(InputError, match=words):
        prune_run(tmp_path / "run", ["price=2"], out=tmp_path / "pruned", data=DATA)
    assert not (tmp_path / "pruned").exists()


def test_prune_of_a_training_run_is_refused(tmp_path: Path) -> None:
    train(fabric_of(STRIPES, tmp_path), DATA, out=tmp_path / "run", recipe=recipe(epochs=1))
    with pytest.raises(InputError, match="holds a train run: prune chooses from a search"):
        prune_run(tmp_path / "run", ["price=2"], out=tmp_path / "pruned", data=DATA)


def test_prune_into_the_folder_of_its_own_search_is_refused(finished: Path, tmp_path: Path) -> None:
    """--overwrite would delete the search that is chosen from."""
    out = copied(finished, tmp_path / "run")
    with pytest.raises(InputError):
        prune_run(out, ["price=2"], out=out, data=DATA, mode="overwrite")
    assert bits(out) == bits(finished)


def test_delivered_network_measured_again_agrees_with_result_json(finished: Path) -> None:
    result = json.loads((finished / "result.json").read_text(encoding="utf-8"))
    again = evaluate_run(finished, data=DATA)
    assert again.dataset == "stripes"
    assert again.score.accuracy == result["metrics"]["test"]["accuracy"]
    assert again.score.loss == pytest.approx(result["metrics"]["test"]["loss"], rel=1e-6)
    assert dict(again.costs) == {name: cost["value"] for name, cost in result["costs"].items()}


def test_trained_network_measured_again_agrees_with_result_json(tmp_path: Path) -> None:
    result = train(fabric_of(STRIPES_NORM, tmp_path), DATA, out=tmp_path / "run", recipe=recipe())
    again = evaluate_run(tmp_path / "run", data=DATA)
    assert again.score.accuracy == result.test_accuracy
    assert again.score.loss == pytest.approx(result.summary["metrics"]["test"]["loss"], rel=1e-6)
    assert result.summary["edges"] == {"kept": 5, "searchable": 5, "fixed": 1}
    assert result.summary["budgets"] == []


def test_accuracy_measured_again_by_hand_is_that_of_result_json(finished: Path) -> None:
    net = load_net(finished)
    assert not net.training
    with torch.no_grad():
        scores = net((DATA.test.inputs - DATA.mean[0]) / DATA.std[0])
    right = sum(int(row.argmax() == label) for row, label in zip(scores, DATA.test.labels, strict=True))
    result = json.loads((finished / "result.json").read_text(encoding="utf-8"))
    assert right / len(DATA.test.labels) == result["metrics"]["test"]["accuracy"]
    assert functional.cross_entropy(scores, DATA.test.labels).item() == pytest.approx(
        result["metrics"]["test"]["loss"], rel=1e-5
    )


def test_architecture_dot_trains_from_scratch(finished: Path, tmp_path: Path) -> None:
    result = train(
        read_fabric(finished / "architecture.dot"), DATA, out=tmp_path / "run", recipe=recipe(epochs=1)
    )
    searched = json.loads((finished / "result.json").read_text(encoding="utf-8"))
    assert result.summary["costs"]["macs"]["value"] == searched["costs"]["macs"]["value"]


# --- nothing is selected on test data


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the splits that networks are measured on, as they are."""
    found: list[str] = []
    names = {getattr(DATA, name).inputs.data_ptr(): name for name in ("train", "validation", "test")}
    batches = Dataset.evaluation_batches

    def watched(self: Dataset, split: Split, *arguments: Any) -> Any:
        found.append(names[split.inputs.data_ptr()])
        return batches(self, split, *arguments)

    monkeypatch.setattr(Dataset, "evaluation_batches", watched)
    return found


def test_test_split_is_read_once_after_everything_else(tmp_path: Path, reads: list[str]) -> None:
    run_search(tmp_path / "run", STRIPES_NORM)
    assert reads.count("test") == 1
    assert reads[-1] == "test"
    assert {"train", "validation"} <= set(reads)


def test_test_data_is_not_read_for_a_network_that_is_over_its_latency_when_it_is_certified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: list[str]
) -> None:
    """Edges take their price in milliseconds, and candidates are measured inside; then
    the machine is busy until the run is resumed.
    """
    busy = True

    def table(profile: FabricProfile, **_: Any) -> LatencyTable:
        edges = profile.fabric.edges
        prices = tuple(edge.costs["price"] for edge in edges)
        names = tuple(edge.name for edge in edges)
        return LatencyTable(
            conditions_here("cpu", threads=1), names, prices, (0.0,) * len(edges), Calibration()
        )

    def took(net: SuperNet, *, slow: bool) -> Timing:
        milliseconds = 1000.0 if slow else sum(edge.costs["price"] for edge in net.fabric.edges)
        return Timing(milliseconds, milliseconds, milliseconds, 1)

    monkeypatch.setattr("bsngraph.measure.pricing.edge_latencies", table)
    monkeypatch.setattr(
        "bsngraph.searching.choosing.measure_whole.measure_network", lambda net, **_: took(net, slow=False)
    )
    monkeypatch.setattr(
        "bsngraph.searching.delivering.certify.measured", lambda job, net, *_: took(net, slow=busy)
    )
    budgets, out = ("latency=5ms",), tmp_path / "run"
    with pytest.raises(InfeasibleBudgetError, match=r"is over latency=5ms \(5 ms\): it takes 1 k ms; "):
        run_search(out, STRIPES_NORM, budgets)
    assert {"train", "validation"} == set(reads)
    assert (out / "model.safetensors").exists()
    assert not any((out / name).exists() for name in ("certificate.json", "result.json", "overlay.dot"))
    busy = False
    assert run_search(out, STRIPES_NORM, budgets, mode="resume").summary["budgets"][0]["met"]
    assert reads.count("test") == 1
    assert reads[-1] == "test"


def test_what_is_delivered_does_not_depend_on_the_test_split(finished: Path, tmp_path: Path) -> None:
    garbage = replace(DATA, test=Split(torch.randn(64, 1, 4, 4), torch.zeros(64, dtype=torch.int64)))
    run_search(tmp_path / "run", data=garbage)
    for name in ("architecture.dot", "model.safetensors", "probabilities.dot"):
        assert (tmp_path / "run" / name).read_bytes() == (finished / name).read_bytes()


def test_gamma_and_weights_do_not_depend_on_the_validation_split(finished: Path, tmp_path: Path) -> None:
    garbage = replace(DATA, validation=Split(torch.randn(64, 1, 4, 4), torch.zeros(64, dtype=torch.int64)))
    run_search(tmp_path / "run", data=garbage)
    assert (tmp_path / "run/probabilities.dot").read_bytes() == (finished / "probabilities.dot").read_bytes()


# --- BatchNorm statistics


CHAIN = """\
digraph chain {
  graph [source=image, target=scores];
  edge  [op=conv, channels=3, kernel=3];
  image [input="1x4x4"];
  image -> a;
  image -> a [key=other, kernel=1];
  a -> b;
  b -> scores [op=classifier, classes=2];
}
"""


def test_recomputed_batch_norm_statistics_are_the_plain_mean_over_the_batches(tmp_path: Path) -> None:
    """Against a forward pass by hand; the statistics that were there, and the edge that
    is not live, do not matter.
    """
    fabric = fabric_of(CHAIN, tmp_path)
    net = compile_fabric(fabric, seed=0)
    kept = np.ones(len(fabric.edges), dtype=np.bool_)
    kept[fabric.edge_index["image->a#other"]] = False
    first, second = (net.operations[fabric.edge_index[name]] for name in ("image->a#0", "a->b#0"))
    for block in (first, second):
        block.norm.running_mean.fill_(7.0)
        block.norm.running_var.fill_(9.0)
    recompute_batch_norm(net, DATA, kept, batches=3, batch_size=16)
    means: list[list[torch.Tensor]] = [[], []]
    variances: list[list[torch.Tensor]] = [[], []]
    for start in (0, 16, 32):
        x = DATA.train.inputs[start : start + 16]
        for number, block in enumerate((first, second)):
            x = functional.conv2d(x, block.conv.weight, padding=1)
            means[number].append(x.mean(dim=(0, 2, 3)))
            variances[number].append(x.var(dim=(0, 2, 3), unbiased=True))
            biased = x.var(dim=(0, 2, 3), unbiased=False)
            x = (x - means[number][-1].view(1, -1, 1, 1)) / (biased.view(1, -1, 1, 1) + block.norm.eps).sqrt()
    for number, block in enumerate((first, second)):
        torch.testing.assert_close(
            block.norm.running_mean, torch.stack(means[number]).mean(dim=0), atol=1e-5, rtol=1e-5
        )
        torch.testing.assert_close(
            block.norm.running_var, torch.stack(variances[number]).mean(dim=0), atol=1e-5, rtol=1e-5
        )
        assert block.norm.momentum == 0.1


def test_recomputing_batch_norm_twice_gives_the_same_bits(tmp_path: Path) -> None:
    net = compile_fabric(fabric_of(CHAIN, tmp_path), seed=0)
    kept = np.ones(len(net.fabric.edges), dtype=np.bool_)
    recompute_batch_norm(net, DATA, kept)
    first = untimed(dict(net.state_dict()))
    recompute_batch_norm(net, DATA, kept)
    assert untimed(dict(net.state_dict())) == first


@pytest.mark.parametrize("training", [True, False])
def test_measuring_and_recomputing_leave_the_mode_and_the_weights_as_they_were(
    tmp_path: Path, training: bool
) -> None:
    net = compile_fabric(fabric_of(CHAIN, tmp_path), seed=0).train(training)
    kept = np.ones(len(net.fabric.edges), dtype=np.bool_)
    weights = {name: value.clone() for name, value in net.named_parameters()}
    recompute_batch_norm(net, DATA, kept)
    evaluate_net(net, DATA, DATA.validation, kept)
    assert all(module.training == training for module in net.modules())
    assert all(torch.equal(value, weights[name]) for name, value in net.named_parameters())


def test_choosing_leaves_the_searchs_own_statistics_untouched(tmp_path: Path) -> None:
    """The search's state in the checkpoint is the same after its last epoch and after
    fine-tuning.
    """
    states = []

    class Watch(Silent):
        def epoch(self, row: Mapping[str, Any]) -> None:
            states.append(untimed(torch.load(tmp_path / "run/checkpoint.pt", weights_only=True)["search"]))

    run_search(tmp_path / "run", progress=Watch())
    assert len(states) == 5
    assert states[2] == states[3] == states[4]
    assert states[1] != states[2]


# --- files from strangers


class Bomb:
    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.folder),)

    def __init__(self, folder: Path) -> None:
        self.folder = folder


def test_checkpoint_never_executes_code(finished: Path, tmp_path: Path) -> None:
    out = unended(finished, tmp_path / "run")
    torch.save({"rows": 0, "search": Bomb(tmp_path / "exploded")}, out / "checkpoint.pt")
    with pytest.raises(InputError, match=r"cannot be read as a checkpoint"):
        run_search(out, mode="resume")
    (out / "checkpoint.pt").write_bytes(pickle.dumps(Bomb(tmp_path / "exploded")))
    with pytest.raises(InputError, match=r"cannot be read as a checkpoint"):
        prune_run(out, ["price=2"], out=tmp_path / "pruned", data=DATA)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"3",
        b"\xff\xfe",
        b"{}",
        b'{"command": "search"}',
        b'{"command": "search", "data": 3}',
    ],
)
def test_damaged_config_is_an_input_error_that_names_the_file(
    finished: Path, tmp_path: Path, content: bytes
) -> None:
    out = copied(finished, tmp_path / "run")
    (out / "config.json").write_bytes(content)
    calls: list[Callable[[], Any]] = [
        lambda: prune_run(out, ["price=2"], out=tmp_path / "pruned"),
        lambda: evaluate_run(out),
        lambda: run_search(out, mode="resume"),
    ]
    for call in calls:
        with pytest.raises(InputError):
            call()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("checkpoint.pt", b""),
        ("checkpoint.pt", b"no checkpoint"),
        ("checkpoint.pt", {"other": 1}),
        ("checkpoint.pt", [1, 2]),
        ("metrics.jsonl", b"{\n"),
        ("metrics.jsonl", b"\xff"),
    ],
)
def test_damaged_run_files_are_input_errors_when_resumed(
    finished: Path, tmp_path: Path, name: str, content: Any
) -> None:
    out = unended(finished, tmp_path / "run")
    if isinstance(content, bytes):
        (out / name).write_bytes(content)
    else:
        torch.save(content, out / name)
    with pytest.raises(InputError, match=name):
        run_search(out, mode="resume")


@pytest.mark.parametrize("content", [b"", b"no safetensors at all", None])
def test_damaged_weights_are_an_input_error(finished: Path, tmp_path: Path, content: bytes | None) -> None:
    out = copied(finished, tmp_path / "run")
    (out / "model.safetensors").unlink()
    if content is not None:
        (out / "model.safetensors").write_bytes(content)
    with pytest.raises(InputError):
        evaluate_run(out, data=DATA)


def test_weights_of_another_network_are_an_input_error_that_names_what_is_missing(
    finished: Path, tmp_path: Path
) -> None:
    train(
        fabric_of(STRIPES_NORM.replace("channels=6", "channels=4"), tmp_path),
        DATA,
        out=tmp_path / "other",
        recipe=recipe(epochs=1),
    )
    out = copied(finished, tmp_path / "run")
    shutil.copy(tmp_path / "other/model.safetensors", out / "model.safetensors")
    with pytest.raises(
        InputError,
        match=r"model\.safetensors: the weights do not fit the network: image->h#narrow/conv\.weight is of "
        r"shape \(4, 1, 1, 1\), not \(6, 1, 1, 1\)",
    ):
        evaluate_run(out, data=DATA)


def test_progress_is_told_of_stages_epochs_and_what_lies_behind(tmp_path: Path) -> None:
    told: list[Any] = []

    class Listen(Progress):
        def stage(self, name: str, epochs: int, done: int) -> None:
            told.append((name, epochs, done))

        def epoch(self, row: Mapping[str, Any]) -> None:
            told.append(row["epoch"])
            if told.count(2) == 1 and row["epoch"] == 2 and ("finetune", 2, 0) not in told:
                raise KeyboardInterrupt

        def note(self, text: str) -> None:
            pass

    with pytest.raises(KeyboardInterrupt):
        run_search(tmp_path / "run", progress=Listen())
    run_search(tmp_path / "run", mode="resume", progress=Listen())
    assert told == [("search", 3, 0), 1, 2, ("search", 3, 2), 3, ("finetune", 2, 0), 1, 2]


def test_a_killed_write_leaves_nothing_behind_after_resuming(finished: Path, tmp_path: Path) -> None:
    run = copied(finished, tmp_path / "run")
    (run / ".bsngraph-x1y2-model.safetensors.tmp").write_bytes(b"half")
    run_search(run, mode="resume")
    assert sorted(path.name for path in run.iterdir()) == sorted(FILES)


def test_resuming_an_ended_run_gives_what_it_delivered_without_reading_test_data_again(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = copied(finished, tmp_path / "run")
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    monkeypatch.setattr(
        "bsngraph.searching.delivering.conclude.evaluate_net", lambda *_: pytest.fail("measured again")
    )
    result = run_search(run, mode="resume")
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before
    assert result.summary == json.loads((finished / "result.json").read_text(encoding="utf-8"))
    assert {edge.name for edge in result.fabric.edges} == {
        profile_fabric(read_fabric(run / "fabric.dot")).fabric.edges[e].name for e in result.architecture.live
    }


def test_resuming_with_other_examples_is_refused(finished: Path, tmp_path: Path) -> None:
    run = copied(finished, tmp_path / "run")
    inputs = DATA.train.inputs.clone()
    inputs[0] += 1
    with pytest.raises(InputError, match="fingerprint"):
        run_search(run, data=replace(DATA, train=Split(inputs, DATA.train.labels)), mode="resume")


def test_a_graphviz_that_fails_costs_the_picture_and_not_the_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(source: str, path: Path) -> None:
        raise BsngraphError("Graphviz could not draw this")

    class Noted(Silent):
        said: list[str] = []  # noqa: RUF012

        def note(self, text: str) -> None:
            self.said.append(text)

    monkeypatch.setattr("bsngraph.searching.delivering.pictures.render_dot", fails)
    run_search(tmp_path / "run", progress=Noted())
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == sorted(set(FILES) - set(DRAWN))
    assert "Graphviz could not draw this" in Noted.said


@pytest.mark.parametrize("seed", [0, 1])
def test_gamma_is_undecided_while_the_limit_falls_and_ends_decided_at_its_limit(
    tmp_path: Path, seed: int
) -> None:
    usual = SearchSettings(candidates=4, finalists=0, finetune_epochs=0)
    run_search(
        tmp_path / "run",
        STRIPES,
        recipe=recipe(epochs=30),
        settings=usual,
        data=stripes(train=256),
        seed=seed,
    )
    rows = [row for row in rows_of(tmp_path / "run") if row["stage"] == "search"]
    entropies = [row["entropy"] for row in rows]
    assert max(entropies) > entropies[0]
    assert entropies[-1] < 0.2
    assert 0.7 * 5 < rows[-1]["costs"]["price"]["sampled"] <= 1.05 * 5
    assert rows[-1]["costs"]["price"]["thresholded"] <= 5
