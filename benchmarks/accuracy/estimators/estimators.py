"""Estimators of the gradient of Γ's logits. Each draws from the table of a world as a
search draws from its network: a world and a number of draws → a gradient a draw,
(draws, searchable).

    batch mean        REINFORCE (Williams 1992), the batch's mean as baseline: the paper
    leave one out     the mean of the other rows (Kool et al. 2019): the default
    control variate   the same on f - Σ c·(H - Γ), adding back c·Γ(1 - Γ); c by least
                      squares from the eight batches before
    two samples       two samples for each example, each the other's baseline:
                      ½ (f - f')(score - score')
    ARM               Yin and Zhou 2019; DisARM: Dong, Mnih and Tucker 2020: antithetic
                      pairs
    straight-through  Gumbel noise, hard gates forwards, sigmoid of temperature ½
                      backwards (Jang et al. 2017); needs every edge to run and a cost
                      with a derivative (here: kept edges cost, live or not)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from benchmarks.accuracy.estimators.worlds import LAMBDA, Floats, World
from bsngraph.costs import parse_budget, resolve_budgets
from bsngraph.searching.learning.gamma.policy_gradient import policy_gradient
from bsngraph.settings import Baseline
from bsngraph.supernet import SuperNet

FITTED_ON = 8
TEMPERATURE = 0.5


def reinforce(baseline: Baseline) -> Callable[[World, int, torch.Generator], Floats]:
    def estimate(world: World, draws: int, generator: torch.Generator) -> Floats:
        kept = world.draw(draws, generator)
        paid = torch.from_numpy(world.objective(kept))
        rows = [
            policy_gradient(world.distribution, kept[draw], paid[draw], baseline) for draw in range(draws)
        ]
        return torch.stack(rows).numpy()[:, world.edges]

    return estimate


def control_variate(world: World, draws: int, generator: torch.Generator) -> Floats:
    gamma = world.distribution.probabilities.numpy()[world.edges]
    found = []
    for _ in range(draws):
        before = world.draw(FITTED_ON, generator)
        score, paid = world.score(before).reshape(-1, len(gamma)), world.objective(before).reshape(-1)
        slope = np.linalg.lstsq(score, paid - paid.mean(), rcond=None)[0]
        kept = world.draw(1, generator)
        score = world.score(kept)[0]
        rest = world.objective(kept)[0] - score @ slope
        rest = (rest - rest.mean()) * world.batch / (world.batch - 1)
        found.append(rest @ score / world.batch + slope * gamma * (1 - gamma))
    return np.stack(found)


def two_samples(world: World, draws: int, generator: torch.Generator) -> Floats:
    one, other = world.draw(draws, generator), world.draw(draws, generator)
    difference = world.objective(one) - world.objective(other)
    return 0.5 * (difference[..., None] * (world.score(one) - world.score(other))).mean(axis=1)


def antithetic(
    world: World, draws: int, generator: torch.Generator
) -> tuple[Floats, Floats, NDArray[np.bool_], NDArray[np.bool_]]:
    """Uniforms (draws, batch, searchable), f(H) − f(H') (draws, batch, 1), and both
    samples, H' drawn with 1 − u.
    """
    gamma = world.distribution.probabilities.numpy()[world.edges]
    uniform = torch.rand(draws, world.batch, len(gamma), generator=generator, dtype=torch.float64).numpy()
    pair = []
    for numbers in (uniform, 1 - uniform):
        kept = np.ones((draws, world.batch, len(world.net.fabric.edges)), dtype=np.bool_)
        kept[..., world.edges] = numbers < gamma
        pair.append(kept)
    difference = (world.objective(pair[0]) - world.objective(pair[1]))[..., None]
    return uniform, difference, pair[0][..., world.edges], pair[1][..., world.edges]


def arm(world: World, draws: int, generator: torch.Generator) -> Floats:
    uniform, difference, _, _ = antithetic(world, draws, generator)
    return (difference * (0.5 - uniform)).mean(axis=1)


def disarm(world: World, draws: int, generator: torch.Generator) -> Floats:
    _, difference, one, other = antithetic(world, draws, generator)
    weight = world.distribution.logits[world.edges].abs().sigmoid().numpy()
    return (0.5 * difference * np.where(other, -1.0, 1.0) * (one != other) * weight).mean(axis=1)


def straight_through(world: World, draws: int, generator: torch.Generator) -> Floats:
    fabric, edges = world.net.fabric, world.edges
    (budget,) = resolve_budgets(world.net.profile, [parse_budget("macs=50%")])
    macs = torch.from_numpy(world.net.profile.macs).double()
    found = []
    for _ in range(draws):
        logits = world.distribution.logits[edges].clone().requires_grad_(True)
        uniform = torch.rand(world.batch, len(edges), generator=generator, dtype=torch.float64)
        soft = ((logits + torch.logit(uniform)) / TEMPERATURE).sigmoid()
        gates = torch.ones(world.batch, len(fabric.edges), dtype=torch.float64)
        gates[:, edges] = (soft > 0.5).double() + soft - soft.detach()
        losses = functional.cross_entropy(
            gated(world.net, world.inputs, gates), world.labels, reduction="none"
        )
        over = (gates @ macs / budget.limit - 1).clamp(min=0)
        (gradient,) = torch.autograd.grad((losses + LAMBDA * over).mean(), logits)
        found.append(gradient.numpy())
    return np.stack(found)


def gated(net: SuperNet, inputs: Tensor, gates: Tensor) -> Tensor:
    """The network with every edge run and multiplied by its gate, (batch, edges), nodes
    sums.
    """
    values = {net.fabric.sources[0]: inputs}
    for position, node in enumerate(net.fabric.nodes):
        incoming = net.fabric.incoming[position]
        if incoming:
            outputs = [net.operations[edge](values[net.fabric.edges[edge].source]) for edge in incoming]
            total = sum(
                output * gates[:, edge].view(-1, *[1] * (output.dim() - 1))
                for edge, output in zip(incoming, outputs, strict=True)
            )
            values[node.name] = functional.relu(total) if node.activation == "relu" else total
    return values[net.fabric.targets[0]]


@dataclass(frozen=True)
class Estimator:
    """`runs` of the network for each example and step; `share` of the draws that it is
    given, by how slow it is to draw.
    """

    estimate: Callable[[World, int, torch.Generator], Floats]
    runs: int
    share: float = 1.0
    without_norm_only: bool = False


ESTIMATORS: Mapping[str, Estimator] = {
    "batch mean": Estimator(reinforce("batch-mean"), 1),
    "leave one out": Estimator(reinforce("leave-one-out"), 1),
    "control variate": Estimator(control_variate, 1, 0.25),
    "two samples": Estimator(two_samples, 2),
    "ARM": Estimator(arm, 2),
    "DisARM": Estimator(disarm, 2),
    "straight-through": Estimator(straight_through, 1, 0.1, without_norm_only=True),
}
