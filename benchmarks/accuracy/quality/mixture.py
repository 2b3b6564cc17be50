"""DARTS (Liu, Simonyan, Yang 2019, first order) on a fabric: every edge always runs,
weighted by a softmax over the edges into its node.

Each searchable edge has an α. Weights learn on one half of the training split, the α on
the other, in turn, step by step. A node is the mean of what comes into it under these
weights, whether the fabric's nodes merge by sum or by mean; a node's softmax times its
number of edges is an edge's score: 1 where the node has no preference, so that nodes
with few and with many edges can be compared.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from bsngraph.data import Dataset, Split
from bsngraph.ops.activations import activation_function
from bsngraph.profile import FabricProfile
from bsngraph.settings import Recipe
from bsngraph.supernet import SuperNet, compile_fabric
from bsngraph.tasks import task_of
from bsngraph.training import (
    check_finite,
    derived_seed,
    generator_for,
    global_generator,
    make_optimizer,
    set_rate,
    step_weights,
)

# As published, but for the rate: 3e-4 there, in 20,000 steps.
RATE, BETAS, DECAY, START = 3e-3, (0.5, 0.999), 1e-3, 1e-3


class Mixture(nn.Module):
    """Runs a SuperNet's operations densely, weighted by `alphas` (edges,); those of
    fixed edges have no meaning.
    """

    def __init__(self, net: SuperNet, alphas: Tensor) -> None:
        super().__init__()
        fabric = net.fabric
        assert all(node.merge in ("sum", "mean") for node in fabric.nodes)
        assert all(
            len({fabric.edges[edge].fixed for edge in incoming}) < 2 for incoming in fabric.incoming
        ), "a node of both kinds"
        self.net = net
        self.alphas = nn.Parameter(alphas)

    def weights(self) -> list[Tensor | None]:
        """For each node, the softmax over the edges into it; None where they are
        fixed.
        """
        fabric = self.net.fabric
        return [
            torch.softmax(self.alphas[list(incoming)], dim=0)
            if incoming and not fabric.edges[incoming[0]].fixed
            else None
            for incoming in fabric.incoming
        ]

    def scores(self) -> list[float]:
        """Each edge's share of its node against an equal one: (edges,); 1 for fixed
        edges.
        """
        scores = [1.0] * len(self.net.fabric.edges)
        for incoming, weights in zip(self.net.fabric.incoming, self.weights(), strict=True):
            for edge, weight in zip(
                incoming, weights.tolist() if weights is not None else (), strict=weights is not None
            ):
                scores[edge] = weight * len(incoming)
        return scores

    def forward(self, inputs: Tensor) -> Tensor:
        """Scores of a batch."""
        fabric, operations = self.net.fabric, self.net.operations
        values: list[Tensor] = []
        for node, incoming, weights in zip(fabric.nodes, fabric.incoming, self.weights(), strict=True):
            if not incoming:
                values.append(inputs)
                continue
            parts = torch.stack([operations[edge](values[fabric.endpoints[edge][0]]) for edge in incoming])
            if weights is not None:
                value = torch.tensordot(weights, parts, dims=1)
            else:
                value = parts.sum(dim=0) / (len(incoming) if node.merge == "mean" else 1)
            activation = activation_function(node.activation)
            values.append(value if activation is None else activation(value))
        return values[fabric.target_indices[0]]


def halves(dataset: Dataset, seed: int) -> tuple[Dataset, Dataset]:
    """The training split as two of the same size, drawn from the seed."""
    order = torch.randperm(len(dataset.train), generator=generator_for(seed, "halves"))
    inputs, labels = dataset.train.inputs, dataset.train.labels
    parts = torch.chunk(order, 2)
    first, second = (replace(dataset, train=Split(inputs[part], labels[part])) for part in parts)
    return first, second


def learn_scores(profile: FabricProfile, dataset: Dataset, recipe: Recipe, seed: int) -> list[float]:
    """Train weights by `recipe` and α beside them, to the scores of edges: (edges,).

    Raises:
        RunFailedError: the loss is not finite any more.
    """
    device = dataset.train.inputs.device
    for_weights, for_alphas = halves(dataset, seed)
    net = compile_fabric(profile, seed=derived_seed(seed, "weights")).to(device)
    start = START * torch.randn(len(profile.fabric.edges), generator=generator_for(seed, "alphas"))
    mixture = Mixture(net, start.to(device)).train()
    optimizer = make_optimizer(net, recipe)
    alpha_optimizer = torch.optim.Adam([mixture.alphas], lr=RATE, betas=BETAS, weight_decay=DECAY)
    task = task_of(dataset, recipe.class_weights, device)
    for epoch in range(recipe.epochs):
        set_rate(optimizer, recipe.rate(epoch))
        ours, theirs = (
            part.training_batches(recipe.batch_size, generator_for(seed, name, epoch), augment=recipe.augment)
            for name, part in (("weights' batches", for_weights), ("alphas' batches", for_alphas))
        )
        total = 0.0
        with global_generator(seed, "mixture", epoch):
            for (inputs, labels), (held_inputs, held_labels) in zip(ours, theirs, strict=False):
                held = task.example_losses(mixture(held_inputs), held_labels).mean()
                (mixture.alphas.grad,) = torch.autograd.grad(held, [mixture.alphas])
                alpha_optimizer.step()
                loss = task.example_losses(mixture(inputs), labels).mean()
                step_weights(optimizer, loss, recipe)
                total += float(loss.detach())
        check_finite(total, "mixture", epoch)
    return mixture.scores()
