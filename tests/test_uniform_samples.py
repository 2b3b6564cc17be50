"""Uniform samples: a share of every batch keeps each decision open and teaches the
weights alone; what Γ ends as.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import STRIPES, fabric_of, recipe, settings, stripes

from bsngraph.costs import Budgets, parse_budget, price, resolve_budgets
from bsngraph.errors import InputError
from bsngraph.profile import FabricProfile, profile_fabric
from bsngraph.runs import Json
from bsngraph.searching.learning import step
from bsngraph.searching.learning.gamma.gamma import Gamma
from bsngraph.searching.learning.gamma.policy_gradient import policy_gradient
from bsngraph.searching.learning.search_epochs import Learning
from bsngraph.settings import SearchSettings
from bsngraph.supernet import compile_fabric
from bsngraph.training import Silent

DATA = stripes()


@pytest.fixture
def profile(tmp_path: Path) -> FabricProfile:
    return profile_fabric(fabric_of(STRIPES, tmp_path))


def learning_of(profile: FabricProfile, *, batch_size: int = 16, epochs: int = 1, **more: float) -> Learning:
    how = settings(**{"burn_in": 0.0} | more)
    macs = (price(profile, "macs"),)
    return Learning(
        compile_fabric(profile, seed=0),
        DATA,
        Budgets(),
        macs,
        recipe(epochs=epochs, batch_size=batch_size),
        how,
        0,
    )


def rows_of(learning: Learning) -> list[Json]:
    rows: list[Json] = []
    learning.run(Silent(), rows.append)
    return rows


def all_but_certain(learning: Learning, edge: int) -> None:
    """Γ keeps everything but one edge, and does not move."""
    learning.gamma.logits.fill_(40.0)
    learning.gamma.logits[edge] = -40.0
    learning.gamma.step = lambda gradient: None  # type: ignore[method-assign]


@pytest.mark.parametrize(("share", "learns"), [(0.0, False), (0.5, True)])
def test_an_edge_that_gamma_never_keeps_learns_from_uniform_samples_alone(
    profile: FabricProfile, share: float, learns: bool
) -> None:
    learning = learning_of(profile, fair_share=share)
    dropped = next(
        edge
        for edge in profile.fabric.searchable
        if any(True for _ in learning.net.operations[edge].parameters())
    )
    all_but_certain(learning, dropped)
    before = [weight.detach().clone() for weight in learning.net.operations[dropped].parameters()]
    rows_of(learning)
    after = list(learning.net.operations[dropped].parameters())
    assert any(not torch.equal(old, new) for old, new in zip(before, after, strict=True)) == learns


def test_costs_and_losses_that_are_told_are_those_of_gammas_own_samples(profile: FabricProfile) -> None:
    learning = learning_of(profile, fair_share=0.75)
    learning.gamma.logits.fill_(40.0)  # its samples keep everything, uniform ones half
    (row,) = rows_of(learning)
    assert row["costs"]["macs"]["sampled"] == price(profile, "macs").total
    assert row["disconnected"] == 0


@pytest.mark.parametrize("batch_size", [2, 3, 16])
def test_gamma_keeps_at_least_two_rows_to_compare(
    profile: FabricProfile, batch_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    learning, seen = learning_of(profile, batch_size=batch_size, fair_share=0.9), []
    monkeypatch.setattr(
        step,
        "policy_gradient",
        lambda _, kept, *more: seen.append(len(kept)) or torch.zeros(len(profile.fabric.edges)).double(),
    )
    rows_of(learning)
    assert set(seen) <= {max(2, batch_size - int(0.9 * batch_size)), len(DATA.train) % batch_size}
    assert min(seen) >= 2 or len(DATA.train) % batch_size == 1


def test_uniform_samples_keep_each_decision_as_often_as_not(
    profile: FabricProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    learning, kept = learning_of(profile, fair_share=0.5, epochs=8), []
    route = learning.net.route
    monkeypatch.setattr(learning.net, "route", lambda rows, device: kept.append(rows) or route(rows, device))
    rows_of(learning)
    rows = np.concatenate([rows[8:] for rows in kept if len(rows) == 16])
    uniform = rows[:, list(profile.fabric.searchable)]
    assert (np.abs(uniform.mean(axis=0) - 0.5) <= 4 * 0.5 / np.sqrt(len(uniform))).all()


def test_gamma_ends_all_but_decided_under_the_default_settings(profile: FabricProfile) -> None:
    budgets = resolve_budgets(profile, [parse_budget("price=4")])
    costs = tuple(budget.cost for budget in budgets)
    how = SearchSettings()
    learning = Learning(compile_fabric(profile, seed=0), DATA, budgets, costs, recipe(epochs=100), how, 0)
    rows = rows_of(learning)
    assert rows[-1]["entropy"] < 0.2 < max(row["entropy"] for row in rows)


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_that_leaves_gamma_nothing_is_refused(share: float) -> None:
    with pytest.raises(InputError, match="fair-share"):
        SearchSettings(fair_share=share)


def test_samples_of_a_batch_give_the_very_gradient_of_those_that_were_drawn(
    profile: FabricProfile,
) -> None:
    """To the last bit: the memory order of samples decides how sums over them round."""
    gamma = Gamma(profile.fabric, 0.6)
    logits = gamma.at(np.zeros((0, 1)))
    objective = torch.rand(64, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for seed in range(20):
        drawn = logits.sample(64, torch.Generator().manual_seed(seed))
        samples = step.draw_samples(logits, 64, 0.0, torch.Generator().manual_seed(seed))
        assert samples.kept.strides == drawn.strides
        gradients = [policy_gradient(logits, kept, objective, "batch-mean") for kept in (drawn, samples.kept)]
        assert torch.equal(*gradients)
