"""Γ and its policy gradient, against the exact gradient by enumerating all 2^E samples
of a fabric without BatchNorm.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import NO_LIMITS, STRIPES, fabric_of, settings, stripes
from torch import Tensor
from torch.nn import functional

from bsngraph.costs import parse_budget, resolve_budgets
from bsngraph.fabric import Booleans, Fabric, live_edges
from bsngraph.profile import profile_fabric
from bsngraph.searching.learning.gamma.edge_logits import EDGE_OF_CERTAINTY, EdgeLogits
from bsngraph.searching.learning.gamma.gamma import FURTHEST, Gamma
from bsngraph.searching.learning.gamma.policy_gradient import advantages, policy_gradient
from bsngraph.searching.learning.penalty.multipliers import Multipliers
from bsngraph.settings import EdgeOptimizer
from bsngraph.supernet import SuperNet, compile_fabric

EXAMPLES = 3


@dataclass(frozen=True)
class Enumeration:
    """Everything there is to know of a fabric of five searchable edges: all 32 samples
    and what each example pays under each.
    """

    net: SuperNet
    logits: EdgeLogits
    inputs: Tensor
    labels: Tensor
    samples: Booleans  # (32, edges)
    losses: Tensor  # (32, examples) float64
    penalties: Tensor  # (32,)

    @property
    def objective(self) -> Tensor:
        return self.losses + self.penalties[:, None]

    def probabilities(self, logits: Tensor) -> Tensor:
        """(32,): the chance of each sample, edge by edge, differentiable in the
        logits.
        """
        chances = []
        for row in self.samples:
            chance = torch.ones((), dtype=torch.float64)
            for edge in self.net.fabric.searchable:
                gamma = 1 / (1 + torch.exp(-logits[edge]))
                chance = chance * (gamma if row[edge] else 1 - gamma)
            chances.append(chance)
        return torch.stack(chances)

    def exact_gradient(self, examples: int) -> Tensor:
        """∂/∂logits of the mean over the first examples of E_H[objective], by autograd
        through the enumerated expectation.
        """
        logits = self.logits.logits.clone().requires_grad_(True)
        expected = self.probabilities(logits) @ self.objective[:, :examples].mean(dim=1)
        (gradient,) = torch.autograd.grad(expected, logits)
        return gradient


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Enumeration:
    return enumerated(fabric_of(STRIPES, tmp_path_factory.mktemp("fabric")))


def enumerated(fabric: Fabric) -> Enumeration:
    """All there is to know of the stripes' fabric, in float64."""
    net = compile_fabric(fabric, seed=3).double().train()
    gamma = Gamma(fabric, 0.5)
    gamma.logits += torch.linspace(-1.5, 1.5, len(fabric.edges), dtype=torch.float64)
    data = stripes()
    inputs, labels = data.train.inputs[:EXAMPLES].double(), data.train.labels[:EXAMPLES]
    samples = every_sample(fabric)
    with torch.no_grad():
        losses = torch.stack(
            [losses_of(net, inputs, labels, row[None].repeat(EXAMPLES, axis=0)) for row in samples]
        )
    budgets = resolve_budgets(profile_fabric(fabric), [parse_budget("price=3"), parse_budget("macs=40%")])
    live = live_edges(net.sweep, samples)
    penalties = torch.from_numpy(
        Multipliers(budgets, settings(penalty=2.0))
        .penalty_of()
        .of(budgets.costs(live), budgets.limits[:, None])
    )
    assert penalties.std() > 0
    return Enumeration(net, gamma.at(NO_LIMITS), inputs, labels, samples, losses, penalties)


def every_sample(fabric: Fabric) -> Booleans:
    samples = np.ones((2 ** len(fabric.searchable), len(fabric.edges)), dtype=np.bool_)
    samples[:, list(fabric.searchable)] = list(
        itertools.product([False, True], repeat=len(fabric.searchable))
    )
    return samples


def losses_of(net: SuperNet, inputs: Tensor, labels: Tensor, kept: Booleans) -> Tensor:
    return functional.cross_entropy(net(inputs, kept), labels, reduction="none")


def fabric_with(tmp_path: Path, *starts: float) -> Fabric:
    text = STRIPES
    for start, place in zip(starts, ("key=wide", "key=narrow", "key=mix"), strict=False):
        text = text.replace(place, f"{place}, probability={start}")
    return fabric_of(text, tmp_path)


def still(gamma: Gamma) -> Tensor:
    """A gradient that moves nothing: a step along it only clamps."""
    return torch.zeros_like(gamma.logits)


# --- the policy gradient


@pytest.mark.parametrize(("baseline", "shrink"), [("leave-one-out", 1.0), ("batch-mean", 0.5)])
def test_policy_gradient_of_two_rows_averages_to_the_exact_gradient_over_all_pairs_of_samples(
    world: Enumeration, baseline: str, shrink: float
) -> None:
    """Leave-one-out is exactly unbiased; the batch mean shrinks by (n − 1)/n, which is
    ½ for two rows.
    """
    chances = world.probabilities(world.logits.logits)
    mean = torch.zeros_like(world.logits.logits)
    for first, second in itertools.product(range(len(world.samples)), repeat=2):
        objective = torch.stack([world.objective[first, 0], world.objective[second, 1]])
        gradient = policy_gradient(world.logits, world.samples[[first, second]], objective, baseline)
        mean += chances[first] * chances[second] * gradient
    exact = world.exact_gradient(examples=2)
    assert exact.abs().max() > 1e-2
    torch.testing.assert_close(mean, shrink * exact, rtol=0, atol=1e-10)


def test_policy_gradient_of_one_row_is_zero(world: Enumeration) -> None:
    """With one row there is nothing to compare with, so nothing is learned: zero, never
    NaN.
    """
    gradient = policy_gradient(world.logits, world.samples[:1], world.objective[:1, 0], "leave-one-out")
    assert torch.equal(gradient, torch.zeros_like(gradient))


@pytest.mark.parametrize(
    ("baseline", "shrink"), [("leave-one-out", 1.0), ("batch-mean", (EXAMPLES - 1) / EXAMPLES)]
)
def test_policy_gradient_of_many_draws_is_the_exact_gradient_within_four_standard_errors(
    world: Enumeration, baseline: str, shrink: float
) -> None:
    generator = torch.Generator().manual_seed(5)
    draws = 20_000
    kept = world.logits.sample(draws * EXAMPLES, generator)
    number = kept[:, list(world.net.fabric.searchable)] @ (
        1 << np.arange(len(world.net.fabric.searchable))[::-1]
    )
    assert np.array_equal(world.samples[number], kept)
    objective = world.objective[torch.from_numpy(number), torch.arange(EXAMPLES).repeat(draws)]
    gradients = torch.stack(
        [
            policy_gradient(
                world.logits, kept[start : start + EXAMPLES], objective[start : start + EXAMPLES], baseline
            )
            for start in range(0, draws * EXAMPLES, EXAMPLES)
        ]
    )
    errors = (gradients.mean(dim=0) - shrink * world.exact_gradient(EXAMPLES)).abs()
    assert (errors <= 4 * gradients.std(dim=0) / math.sqrt(draws) + 1e-15).all()


def test_leave_one_out_subtracts_the_mean_of_the_other_rows() -> None:
    objective = torch.tensor([1.0, 4.0, 10.0])
    expected = torch.tensor([1 - 7.0, 4 - 5.5, 10 - 2.5], dtype=torch.float64)
    torch.testing.assert_close(advantages(objective, "leave-one-out"), expected)


@pytest.mark.parametrize("rows", [2, 3, 7])
def test_batch_mean_is_leave_one_out_times_n_minus_one_over_n_row_by_row(rows: int) -> None:
    objective = torch.randn(rows, generator=torch.Generator().manual_seed(rows), dtype=torch.float64)
    torch.testing.assert_close(
        advantages(objective, "batch-mean"), (rows - 1) / rows * advantages(objective, "leave-one-out")
    )


@pytest.mark.parametrize("baseline", ["leave-one-out", "batch-mean"])
def test_baseline_makes_the_gradient_deaf_to_what_every_row_pays_alike(
    world: Enumeration, baseline: str
) -> None:
    objective = world.objective[:16, 0]
    gradient = policy_gradient(world.logits, world.samples[:16], objective, baseline)
    shifted = policy_gradient(world.logits, world.samples[:16], objective + 1000.0, baseline)
    assert gradient.abs().max() > 1e-3
    torch.testing.assert_close(shifted, gradient, rtol=0, atol=1e-10)


# --- θ's gradient


def test_weight_gradient_of_sampled_losses_averages_to_that_of_the_expected_loss(world: Enumeration) -> None:
    """Over all pairs of samples, a row for each example: E_H[∂θ mean loss] = ∂θ
    E_H[mean loss].
    """
    parameters = list(world.net.parameters())
    chances = world.probabilities(world.logits.logits)
    pairs = list(itertools.product(range(len(world.samples)), repeat=2))

    mean = [torch.zeros_like(parameter) for parameter in parameters]
    for first, second in pairs:
        loss = losses_of(world.net, world.inputs[:2], world.labels[:2], world.samples[[first, second]]).mean()
        if not loss.requires_grad:
            continue  # no path for either: the loss is ln 2 whatever the weights
        for total, gradient in zip(
            mean, torch.autograd.grad(loss, parameters, allow_unused=True), strict=True
        ):
            if gradient is not None:
                total += chances[first] * chances[second] * gradient

    expected = torch.zeros((), dtype=torch.float64)
    for chance, row in zip(chances, world.samples, strict=True):
        for example in range(2):  # one example at a time, under one sample at a time
            one = losses_of(world.net, world.inputs[[example]], world.labels[[example]], row[None])
            expected = expected + chance * one.squeeze() / 2
    exact = torch.autograd.grad(expected, parameters)
    assert all(gradient.abs().max() > 1e-6 for gradient in exact)
    for ours, theirs in zip(mean, exact, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)


def test_example_without_a_path_pays_the_uniform_prediction(world: Enumeration) -> None:
    nothing = ~live_edges(world.net.sweep, world.samples).any(axis=1)
    assert nothing.any()
    torch.testing.assert_close(
        world.losses[torch.from_numpy(nothing)],
        torch.full((int(nothing.sum()), EXAMPLES), math.log(2)).double(),
    )


# --- Γ itself


def test_fixed_edges_are_always_kept_and_get_no_gradient(world: Enumeration) -> None:
    fixed = torch.tensor([edge.fixed for edge in world.net.fabric.edges])
    assert fixed.sum() == 1
    assert (world.logits.probabilities[fixed] == 1).all()
    assert world.logits.thresholded()[fixed.numpy()].all()
    kept = world.logits.sample(500, torch.Generator().manual_seed(0), shift=torch.full((len(fixed),), -50.0))
    assert kept[:, fixed.numpy()].all()
    assert not kept[:, ~fixed.numpy()].any()
    gradient = policy_gradient(world.logits, kept[:4], torch.tensor([1.0, 2.0, 5.0, 9.0]), "leave-one-out")
    assert (gradient[fixed] == 0).all()


def test_samples_keep_each_edge_as_often_as_its_probability_says(world: Enumeration) -> None:
    draws = 50_000
    kept = world.logits.sample(draws, torch.Generator().manual_seed(1))
    assert kept.shape == (draws, len(world.net.fabric.edges))
    assert kept.dtype == np.bool_
    gamma = world.logits.probabilities.numpy()
    assert (np.abs(kept.mean(axis=0) - gamma) <= 4 * np.sqrt(gamma * (1 - gamma) / draws) + 1e-15).all()


def test_samples_keep_edges_independently(world: Enumeration) -> None:
    kept = world.logits.sample(50_000, torch.Generator().manual_seed(2))[:, list(world.net.fabric.searchable)]
    correlations = np.corrcoef(kept.T) - np.eye(kept.shape[1])
    assert np.abs(correlations).max() <= 4.5 / math.sqrt(50_000)


def test_same_generator_state_draws_the_same_samples(world: Enumeration) -> None:
    first, second = (world.logits.sample(64, torch.Generator().manual_seed(9)) for _ in range(2))
    other = world.logits.sample(64, torch.Generator().manual_seed(10))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_logits_are_divided_by_the_temperature_and_the_shift_is_added(
    world: Enumeration, temperature: float
) -> None:
    shift = torch.full((len(world.net.fabric.edges),), -0.7, dtype=torch.float64)
    kept = world.logits.sample(50_000, torch.Generator().manual_seed(3), temperature=temperature, shift=shift)
    searchable = list(world.net.fabric.searchable)
    gamma = (1 / (1 + np.exp(-(world.logits.logits.numpy() / temperature - 0.7))))[searchable]
    assert (np.abs(kept.mean(axis=0)[searchable] - gamma) <= 4 * np.sqrt(gamma * (1 - gamma) / 50_000)).all()


def test_thresholded_keeps_the_edges_more_likely_than_not(tmp_path: Path) -> None:
    fabric = fabric_with(tmp_path, 0.51, 0.49, 0.5)
    kept = Gamma(fabric, 0.9).at(NO_LIMITS).thresholded()
    names = {edge.key: bool(kept[index]) for index, edge in enumerate(fabric.edges) if edge.key != "skip"}
    assert names == {"wide": True, "narrow": False, "mix": False, "0": True}


def test_probabilities_start_where_the_file_says_and_at_the_setting_elsewhere(tmp_path: Path) -> None:
    fabric = fabric_with(tmp_path, 0.25)
    found = dict(
        zip(
            (edge.name for edge in fabric.edges),
            Gamma(fabric, 0.9).at(NO_LIMITS).probabilities.tolist(),
            strict=True,
        )
    )
    assert found == pytest.approx(
        {
            "image->h#narrow": 0.9,
            "image->h#skip": 0.9,
            "image->h#wide": 0.25,
            "h->g#mix": 0.9,
            "h->g#skip": 0.9,
            "g->scores#0": 1.0,
        },
        abs=1e-12,
    )


def test_starting_probabilities_of_0_and_1_are_near_certain_and_can_still_move(tmp_path: Path) -> None:
    fabric = fabric_with(tmp_path, 0, 1)
    logits = Gamma(fabric, 0.5).at(NO_LIMITS)
    never, always = fabric.edge_index["image->h#wide"], fabric.edge_index["image->h#narrow"]
    assert logits.probabilities[never].item() == pytest.approx(EDGE_OF_CERTAINTY)
    assert logits.probabilities[always].item() == pytest.approx(1 - EDGE_OF_CERTAINTY)
    assert torch.isfinite(logits.logits).all()
    kept = np.ones((2, len(fabric.edges)), dtype=np.bool_)
    kept[1, always] = False
    gradient = policy_gradient(logits, kept, torch.tensor([0.0, 1.0]), "leave-one-out")
    assert gradient[always] < 0  # descending raises Γ of the edge whose absence cost more
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("push", [100.0, -100.0])
def test_gamma_never_gets_so_certain_that_samples_no_longer_differ(tmp_path: Path, push: float) -> None:
    fabric = fabric_with(tmp_path, 0, 1)
    gamma = Gamma(fabric, 0.5)
    # near certain as the file wants it
    named = [fabric.edge_index["image->h#wide"], fabric.edge_index["image->h#narrow"]]
    others = [edge for edge in fabric.searchable if edge not in named]
    gamma.logits += push
    gamma.step(still(gamma))
    chance = gamma.at(NO_LIMITS).probabilities
    assert chance[others].tolist() == pytest.approx(
        [1 / (1 + math.exp(-math.copysign(FURTHEST, push)))] * len(others)
    )
    assert chance[named].tolist() == pytest.approx(
        [(1 - EDGE_OF_CERTAINTY) if push > 0 else EDGE_OF_CERTAINTY] * 2
    )
    inside = gamma.logits.clone()
    gamma.step(still(gamma))
    assert torch.equal(gamma.logits, inside)


def test_no_option_of_a_choice_is_ever_out_of_reach(tmp_path: Path) -> None:
    text = STRIPES.replace("image -> h [", "image -> h [choice=one, ")
    gamma = Gamma(fabric_of(text, tmp_path), 0.5)
    decisions = gamma.index.decisions
    options = [edge for edge, named in enumerate(decisions.variable_of) if named in decisions.choices[0]]
    gamma.logits[options] = torch.tensor([50.0, 49.0, -50.0], dtype=torch.float64)
    gamma.step(still(gamma))
    assert gamma.logits[options].tolist() == [50.0, 49.0, 50.0 - FURTHEST]


def test_entropy_is_one_bit_undecided_and_zero_decided_and_ignores_fixed_edges(tmp_path: Path) -> None:
    fabric = fabric_of(STRIPES, tmp_path)
    gamma = Gamma(fabric, 0.5)
    assert gamma.at(NO_LIMITS).entropy() == pytest.approx(1.0)
    gamma.logits.fill_(1e4)
    assert gamma.at(NO_LIMITS).entropy() == 0.0
    gamma.logits.fill_(-1e4)
    assert gamma.at(NO_LIMITS).entropy() == 0.0


def test_entropy_is_the_mean_over_searchable_edges(world: Enumeration) -> None:
    gammas = [1 / (1 + math.exp(-world.logits.logits[edge])) for edge in world.net.fabric.searchable]
    by_hand = -sum(g * math.log2(g) + (1 - g) * math.log2(1 - g) for g in gammas) / len(gammas)
    assert world.logits.entropy() == pytest.approx(by_hand)


def test_entropy_of_a_fabric_with_nothing_to_search_is_zero(tmp_path: Path) -> None:
    fabric = fabric_of(STRIPES.replace("edge  [", "edge  [fixed=true, "), tmp_path)
    assert fabric.searchable == ()
    assert Gamma(fabric, 0.5).at(NO_LIMITS).entropy() == 0.0


# --- Γ moves, and what it gave does not


@pytest.mark.parametrize(("optimizer", "moved"), [("adam", 0.25), ("sgd", 0.5)])
def test_a_step_moves_down_the_gradient_by_the_optimizer_that_is_named(
    tmp_path: Path, optimizer: EdgeOptimizer, moved: float
) -> None:
    """Adam's first step is its rate, whatever the gradient's size; SGD's is both
    multiplied.
    """
    gamma = Gamma(fabric_of(STRIPES, tmp_path), 0.5, optimizer, 0.25)
    gamma.step(torch.full_like(gamma.logits, 2.0))
    torch.testing.assert_close(gamma.logits, torch.full_like(gamma.logits, -moved))


def test_logits_that_were_given_stay_when_gamma_moves(tmp_path: Path) -> None:
    gamma = Gamma(fabric_of(STRIPES, tmp_path), 0.5)
    given, before = gamma.at(NO_LIMITS), gamma.logits.clone()
    gamma.step(torch.ones_like(gamma.logits))
    assert torch.equal(given.logits, before)
    assert not torch.equal(gamma.at(NO_LIMITS).logits, before)
    assert (given.probabilities[gamma.index.first] == 0.5).all()
