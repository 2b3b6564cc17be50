"""Γ(b): hat functions, and the policy gradient under limits of many rows against the
exact gradient by enumeration of all samples at each limit.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_gamma import every_sample
from tiny import STRIPES, fabric_of

from bsngraph.fabric import Fabric
from bsngraph.searching.learning.gamma.budget_gamma import BudgetGamma, Hats
from bsngraph.searching.learning.gamma.gamma import Gamma
from bsngraph.searching.learning.gamma.policy_gradient import advantages, mixed_advantages, policy_gradient


@given(st.floats(0.1, 1e3), st.floats(1.5, 1e4), st.integers(2, 9))
def test_hats_add_up_to_one_and_one_alone_is_at_its_own_limit(
    least: float, factor: float, count: int
) -> None:
    hats = Hats(least, least * factor, count)
    limits = least * factor ** np.linspace(-0.5, 1.5, 33)
    mix = hats.at(limits)
    assert torch.allclose(mix.sum(dim=1), torch.ones(33, dtype=torch.float64))
    assert (mix >= 0).all()
    assert ((mix > 0).sum(dim=1) <= 2).all()
    own = hats.at(least * factor ** np.linspace(0, 1, count))
    assert torch.allclose(own, torch.eye(count, dtype=torch.float64), atol=1e-9)


def gamma_of(fabric: Fabric, hats: Hats, seed: int = 0) -> BudgetGamma:
    gamma = BudgetGamma(fabric, 0, hats, 0.5)
    gamma.logits += torch.randn(gamma.logits.shape, generator=torch.Generator().manual_seed(seed)).double()
    return gamma


def test_one_limit_gives_the_distribution_mixed_from_its_two_neighbours(tmp_path: Path) -> None:
    fabric, hats = fabric_of(STRIPES, tmp_path), Hats(1.0, 16.0, 5)
    gamma = gamma_of(fabric, hats)
    mixed = 0.75 * gamma.logits[1] + 0.25 * gamma.logits[2]
    assert torch.allclose(gamma.at(np.array([[2.0**1.25]])).logits, mixed)
    rows = gamma.at(np.array([[1.0, 2.0**1.25, 99.0]]))
    assert torch.allclose(rows.logits, torch.stack([gamma.logits[0], mixed, gamma.logits[4]]))


def test_rows_are_sampled_each_from_its_own_distribution(tmp_path: Path) -> None:
    fabric = fabric_of(STRIPES, tmp_path)
    gamma = gamma_of(fabric, Hats(1.0, 16.0))
    limits = np.repeat([[1.0, 4.0, 16.0]], 4000, axis=1)
    logits = gamma.at(limits)
    kept = logits.sample(12000, torch.Generator().manual_seed(0))
    for limit in (1.0, 4.0, 16.0):
        share = kept[limits[0] == limit].mean(axis=0)
        np.testing.assert_allclose(share, gamma.at(np.array([[limit]])).probabilities.numpy(), atol=0.03)


def test_all_hats_move_and_are_clamped_as_one_gamma_is(tmp_path: Path) -> None:
    fabric = fabric_of(STRIPES, tmp_path)
    many, one = BudgetGamma(fabric, 0, Hats(1.0, 2.0), 0.9), Gamma(fabric, 0.9)
    for push in (1.0, -7.0):
        gradient = push * torch.linspace(-1, 1, len(fabric.edges), dtype=torch.float64)
        for _ in range(200):
            many.step(gradient.repeat(8, 1))
            one.step(gradient)
    assert torch.equal(many.logits, one.logits.repeat(8, 1))


@pytest.mark.parametrize("baseline", ["leave-one-out", "batch-mean"])
def test_with_one_vector_the_baseline_is_that_of_one_gamma(baseline: str) -> None:
    objective = torch.randn(9, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    mix = torch.ones(9, 1, dtype=torch.float64)
    assert torch.allclose(mixed_advantages(objective, mix, baseline), advantages(objective, baseline))


@settings(max_examples=20)
@given(st.integers(0, 2**20))
def test_leaving_a_row_out_is_fitting_again_without_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mix = Hats(1.0, 9.0, 3).at(np.exp(rng.uniform(0, np.log(9), 12)))
    objective = torch.from_numpy(rng.normal(size=12))
    found = mixed_advantages(objective, mix, "leave-one-out")
    for row in range(12):
        others = torch.arange(12) != row
        if torch.linalg.matrix_rank(mix[others]) < 3:
            continue
        fit = torch.linalg.pinv(mix[others]) @ objective[others]
        assert found[row] == pytest.approx(float(objective[row] - mix[row] @ fit), abs=1e-8)


def test_the_policy_gradient_of_many_limits_averages_to_the_enumerated_one(tmp_path: Path) -> None:
    """Four rows, two limits of which one lies between two hats: over all quadruples of
    samples of two free edges, the others being certain.
    """
    fabric = fabric_of(STRIPES, tmp_path)
    hats = Hats(1.0, 4.0, 3)
    gamma = gamma_of(fabric, hats)
    free = list(fabric.searchable)[:2]
    certain = [edge for edge in fabric.searchable if edge not in free]
    gamma.logits[:, certain] = 60.0
    limits = np.array([[1.0, 3.0, 3.0, 1.0]])
    rows = every_sample(fabric)
    rows = rows[rows[:, certain].all(axis=1)]
    worth = torch.randn(4, len(rows), generator=torch.Generator().manual_seed(2), dtype=torch.float64)

    def expected(vectors: torch.Tensor) -> torch.Tensor:
        """E over samples of the mean of what the four rows are worth."""
        total = torch.zeros((), dtype=torch.float64)
        for row, mix in enumerate(hats.at(limits[0])):
            chance = torch.sigmoid(mix @ vectors)[free]
            for sample, value in zip(rows, worth[row], strict=True):
                on = torch.from_numpy(sample[free])
                total = total + value * torch.where(on, chance, 1 - chance).prod() / 4
        return total

    vectors = gamma.logits.clone().requires_grad_(True)
    (exact,) = torch.autograd.grad(expected(vectors), vectors)
    logits = gamma.at(limits)
    mean = torch.zeros_like(gamma.logits)
    chances = logits.probabilities[:, free]
    for picks in itertools.product(range(len(rows)), repeat=4):
        kept = rows[list(picks)]
        on = torch.from_numpy(kept[:, free])
        chance = torch.where(on, chances, 1 - chances).prod()
        objective = worth[torch.arange(4), list(picks)]
        mean += chance * policy_gradient(logits, kept, objective, "leave-one-out")
    assert exact[:, free].abs().max() > 1e-2
    assert torch.allclose(mean[:, free], exact[:, free], atol=1e-12)
