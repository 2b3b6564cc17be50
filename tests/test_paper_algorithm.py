"""The preset `paper` against the published algorithm written out by hand.

The reference is a loop over edges, examples and steps with plain arithmetic: it shares
the data's order and the random numbers with the package, and nothing else.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from random_fabrics import live_by_paths
from recursive_evaluator import evaluate
from tiny import STRIPES, fabric_of, stripes
from torch import Tensor
from torch.nn import functional

from bsngraph.costs import parse_budget, resolve_budgets
from bsngraph.searching.learning.search_epochs import Learning
from bsngraph.settings import resolve_settings
from bsngraph.supernet import SuperNet, compile_fabric
from bsngraph.training import Silent, generator_for

SEED, EPOCHS, BATCH, PENALTY, LIMIT = 3, 4, 16, 0.5, 5.0
START = math.log(0.9526 / (1 - 0.9526))  # sigmoid(3) in four digits, as settings have it


def learned(folder: Path) -> Learning:
    """What the package learns under the preset in four epochs, two of them burn-in."""
    recipe, settings = resolve_settings(
        "paper",
        recipe={"epochs": EPOCHS, "batch_size": BATCH},
        settings={"burn_in": 0.5, "penalty": PENALTY},
    )
    net = compile_fabric(fabric_of(STRIPES, folder), seed=0)
    budgets = resolve_budgets(net.profile, [parse_budget(f"price={LIMIT}")])
    learning = Learning(net, stripes(), budgets, (), recipe, settings, SEED)
    learning.run(Silent(), lambda row: None)
    return learning


class PublishedAlgorithm:
    """Veniat and Denoyer 2018, with SGD as the authors' first implementation has it."""

    def __init__(self, net: SuperNet) -> None:
        self.net, self.weights = net, list(net.parameters())
        self.speed: dict[int, Tensor] = {}
        self.searchable = net.fabric.searchable
        self.logits = torch.full((len(net.fabric.edges),), START, dtype=torch.float64)

    def epoch(self, number: int) -> None:
        rate = 0.1 * 0.1 ** sum(number >= share * EPOCHS for share in (0.5, 0.75))
        sampler = generator_for(SEED, "samples", number)
        order = generator_for(SEED, "batches", number)
        self.net.train()
        for images, labels in stripes().training_batches(BATCH, order, augment=True):
            probabilities = torch.sigmoid(self.logits)
            numbers = torch.rand(len(labels), len(self.searchable), generator=sampler, dtype=torch.float64)
            kept = np.ones((len(labels), len(self.logits)), dtype=np.bool_)
            kept[:, self.searchable] = (numbers < probabilities[list(self.searchable)]).numpy()
            scores = evaluate(self.net, {"image": images}, kept)["scores"]
            losses = functional.cross_entropy(scores, labels, reduction="none")
            self.step_weights(losses.mean(), rate)
            if number >= EPOCHS / 2:
                self.step_logits(kept, losses.detach(), probabilities)

    def step_weights(self, loss: Tensor, rate: float) -> None:
        """SGD with momentum 0.9 and weight decay 1e-4, not Nesterov's, not clipped."""
        gradients = torch.autograd.grad(loss, self.weights, allow_unused=True)
        for index, (weight, gradient) in enumerate(zip(self.weights, gradients, strict=True)):
            if gradient is not None:
                down = gradient + 1e-4 * weight.detach()
                self.speed[index] = 0.9 * self.speed[index] + down if index in self.speed else down
                weight.data -= rate * self.speed[index]

    def step_logits(self, kept: np.ndarray, losses: Tensor, probabilities: Tensor) -> None:
        """REINFORCE with the batch's mean: ∂/∂logit of log p(H) is H − Γ."""
        prices = [
            sum(self.net.fabric.edges[edge].costs["price"] for edge in live_by_paths(self.net.fabric, row))
            for row in kept
        ]
        paid = [
            loss + PENALTY * max(0.0, price - LIMIT)
            for loss, price in zip(losses.tolist(), prices, strict=True)
        ]
        mean = sum(paid) / len(paid)
        for edge in self.searchable:
            score = [
                (value - mean) * (float(row[edge]) - float(probabilities[edge]))
                for value, row in zip(paid, kept, strict=True)
            ]
            self.logits[edge] -= 0.064 * sum(score) / len(score)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Learning, PublishedAlgorithm]:
    folder = tmp_path_factory.mktemp("paper")
    reference = PublishedAlgorithm(compile_fabric(fabric_of(STRIPES, folder), seed=0))
    for epoch in range(EPOCHS):
        reference.epoch(epoch)
    return learned(folder), reference


def test_the_preset_moves_edge_probabilities_as_the_published_algorithm_does(
    both: tuple[Learning, PublishedAlgorithm],
) -> None:
    learning, reference = both
    searchable = list(reference.searchable)
    moved = (reference.logits[searchable] - START).abs()
    assert float(moved.max()) > 0.005  # far beyond what is allowed to differ
    torch.testing.assert_close(
        learning.gamma.logits[searchable], reference.logits[searchable], rtol=0, atol=1e-6
    )


def test_the_preset_learns_the_weights_that_the_published_algorithm_learns(
    both: tuple[Learning, PublishedAlgorithm],
) -> None:
    learning, reference = both
    for mine, theirs in zip(learning.net.parameters(), reference.weights, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-6)
