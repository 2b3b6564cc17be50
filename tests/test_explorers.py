"""Explorers: architectures inside the budgets drawn without regard to Γ, and their
place among the finalists.
"""

from __future__ import annotations

import copy
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from test_feasible import budgeted
from tiny import STRIPES, fabric_of, no_pictures, recipe, settings, stripes

from bsngraph.costs import CLOSE, Budget, Budgets, parse_budget, resolve_budgets
from bsngraph.fabric import Architecture
from bsngraph.profile import profile_fabric
from bsngraph.searching import search
from bsngraph.searching.choosing import choosing
from bsngraph.searching.choosing.candidate import Candidate
from bsngraph.searching.choosing.explore import WELL_SPENT, explore, with_explorers
from bsngraph.searching.choosing.finalists import Outcome
from bsngraph.searching.choosing.oracle import every_architecture
from bsngraph.searching.learning.gamma.gamma import Gamma
from bsngraph.settings import SearchSettings
from bsngraph.supernet import compile_fabric
from bsngraph.tasks import Metric
from bsngraph.training import Score


def explored(net: Any, budgets: Budgets, count: int, seed: int = 0, logit: float = 0.0) -> list[Architecture]:
    gamma = Gamma(net.fabric, 0.5)
    gamma.logits += logit
    logits = gamma.at(budgets.limits[:, None])
    return explore(logits, net, budgets, count, torch.Generator().manual_seed(seed))


@given(budgeted(), st.integers(0, 9), st.integers(0, 2**20), st.floats(-8, 8))
def test_explorers_are_distinct_and_inside_every_budget_whatever_gamma_is(case, count, seed, logit) -> None:
    profile, budgets, live = case
    net = compile_fabric(profile, seed=0)
    found = explored(net, budgets, count, seed)
    assert len(found) == len(set(found)) <= count
    assert all(budgets.met_by(architecture.mask) for architecture in found)
    assert all((live == architecture.mask).all(axis=1).any() for architecture in found)
    assert found == explored(net, budgets, count, seed, logit)
    if budgets.inside(live).sum() == 0:
        assert found == []


def test_all_that_spends_most_of_a_budget_comes_before_what_does_not(tmp_path: Path) -> None:
    net = compile_fabric(fabric_of(STRIPES, tmp_path), seed=0)
    budgets = resolve_budgets(net.profile, [parse_budget("price=6")])
    costs = {
        architecture: float(budgets[0].cost.of(architecture.mask[None])[0])
        for architecture in every_architecture(net.fabric)
    }
    feasible = {architecture for architecture, cost in costs.items() if cost <= 6}
    well = {architecture for architecture in feasible if costs[architecture] >= WELL_SPENT * 6}
    assert 0 < len(well) < len(feasible)
    found = explored(net, budgets, len(feasible))
    assert set(found) == feasible
    assert set(found[: len(well)]) == well
    rest = [costs[architecture] for architecture in found[len(well) :]]
    assert rest == sorted(rest, reverse=True)
    first = Counter(explored(net, budgets, 1, seed)[0] for seed in range(60))
    assert set(first) <= well
    assert len(first) > 1


def test_what_spends_a_budget_that_nothing_reaches_is_measured_by_the_whole_fabric(tmp_path: Path) -> None:
    net = compile_fabric(fabric_of(STRIPES, tmp_path), seed=0)
    budgets = resolve_budgets(net.profile, [parse_budget("price=1000")])
    total = budgets[0].cost.total
    assert all(
        budgets[0].cost.of(architecture.mask[None])[0] >= WELL_SPENT * total
        for architecture in explored(net, budgets, 1)
    )


def test_explorers_are_close_to_soft_budgets(tmp_path: Path) -> None:
    net = compile_fabric(fabric_of(STRIPES, tmp_path), seed=0)
    (budget,) = resolve_budgets(net.profile, [parse_budget("price=5")])
    soft = Budgets((Budget(budget.cost, budget.limit, budget.text, "~="),))
    found = explored(net, soft, 8)
    assert found
    assert all(soft.miss(architecture.mask[None])[0] <= CLOSE for architecture in found)


def test_explorers_stand_behind_the_best_for_which_there_is_room() -> None:
    def candidate(number: int) -> Candidate:
        return Candidate(Architecture(9, (number,)), Score(float(number), {}, Metric("accuracy", "accuracy")))

    def order(explorers: list[int], count: int) -> list[int]:
        candidates = with_explorers(
            [candidate(number) for number in range(5)], [candidate(number) for number in explorers], count
        )
        return [candidate.architecture.live[0] for candidate in candidates]

    assert order([7, 4, 8], 5) == [0, 1, 7, 4, 8, 2, 3]
    assert order([7, 8], 1) == [7, 8, 0, 1, 2, 3, 4]
    assert order([], 3) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("finalists", "share", "expected"),
    [(8, 0.5, 4), (3, 0.5, 1), (3, 1.0, 3), (8, 0.0, 0), (1, 1.0, 0), (0, 0.5, 0)],
)
def test_how_many_explorers_there_are(finalists: int, share: float, expected: int) -> None:
    assert SearchSettings(finalists=finalists, explorer_share=share).explorers == expected


def test_a_search_trains_as_many_explorers_as_its_settings_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_pictures(monkeypatch)
    budgets = resolve_budgets(profile_fabric(fabric_of(STRIPES, tmp_path)), [parse_budget("price=5")])
    drawn: list[list[Architecture]] = []
    trained: list[Architecture] = []

    def explore_and_note(*given: Any) -> list[Architecture]:
        drawn.append(explore(*given))
        return copy.copy(drawn[-1])

    def note_finalists(job: Any, candidates: Any, *rest: Any) -> Any:
        trained.extend(candidate.architecture for candidate in candidates[: job.settings.finalists])
        return Outcome(list(candidates))

    monkeypatch.setattr(choosing, "explore", explore_and_note)
    monkeypatch.setattr(choosing, "train_finalists", note_finalists)
    how = settings(finalists=4, explorer_share=0.5, finalist_epochs=1, finetune_epochs=0)
    search(
        fabric_of(STRIPES, tmp_path),
        stripes(),
        ["price=5"],
        out=tmp_path / "run",
        recipe=recipe(),
        settings=how,
        threads=1,
        device="cpu",
    )
    (explorers,) = drawn
    assert len(explorers) == 2
    assert set(explorers) <= set(trained)
    assert np.all([budgets.met_by(architecture.mask) for architecture in trained])
