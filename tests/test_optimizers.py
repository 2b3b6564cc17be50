"""Steps of weights: those of torch's plain optimizers, however tensors lie in memory,
and whichever weights have gradients.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import torch
from torch import Tensor

from bsngraph.fabric import fabric_from_networkx
from bsngraph.runs.checkpoint import OptimizerState, restore_optimizer
from bsngraph.settings import Recipe
from bsngraph.supernet import SuperNet, compile_fabric
from bsngraph.training import apply_gradients, make_optimizer

LAYOUTS = {"plain": torch.contiguous_format, "last": torch.channels_last}
RECIPES = {
    "sgd": Recipe(learning_rate=0.1, weight_decay=0.01),
    "no momentum": Recipe(learning_rate=0.1, momentum=0.0),
    "adamw": Recipe(optimizer="adamw", learning_rate=0.01, weight_decay=0.01),
}


def net_of(layout: str) -> SuperNet:
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input="2x4x4")
    for channels in (3, 5):
        graph.add_edge("x", f"a{channels}", op="conv", channels=channels)
        graph.add_edge(f"a{channels}", "y", op="classifier", classes=2)
    return compile_fabric(fabric_from_networkx(graph), seed=0).to(memory_format=LAYOUTS[layout])


def gradients_of(net: SuperNet, layout: str, seed: int) -> list[Tensor | None]:
    """Gradients in a layout; in the first steps some weights have none."""
    generator = torch.Generator().manual_seed(seed)
    drawn = [torch.randn(weight.shape, generator=generator) for weight in net.parameters()]
    return [
        None
        if seed < 2 and number % 2
        else (gradient.to(memory_format=LAYOUTS[layout]) if gradient.dim() == 4 else gradient)
        for number, gradient in enumerate(drawn)
    ]


def plainly_stepped(net: SuperNet, steps: int, how: Recipe) -> SuperNet:
    """By torch's optimizer for one tensor after the other."""
    optimizer = make_optimizer(net, how)
    for group in optimizer.param_groups:
        group.update(fused=False, foreach=False)
    for seed in range(steps):
        for weight, gradient in zip(net.parameters(), gradients_of(net, "plain", seed), strict=True):
            weight.grad = gradient
        torch.nn.utils.clip_grad_norm_(net.parameters(), how.clip)
        optimizer.step()
    return net


def assert_same(one: SuperNet, other: SuperNet) -> None:
    for mine, theirs in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize(("weights", "gradients"), [*itertools.product(LAYOUTS, LAYOUTS)])
def test_steps_are_those_of_torch_however_tensors_lie(weights: str, gradients: str, recipe: str) -> None:
    how, net = RECIPES[recipe], net_of(weights)
    optimizer = make_optimizer(net, how)
    for seed in range(4):
        apply_gradients(optimizer, gradients_of(net, gradients, seed), how)
    assert_same(net, plainly_stepped(net_of("plain"), 4, how))


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize(("before", "after"), [*itertools.permutations(LAYOUTS)])
def test_a_state_goes_on_in_another_layout(before: str, after: str, recipe: str) -> None:
    how, first, second = RECIPES[recipe], net_of(before), net_of(after)
    optimizer = make_optimizer(first, how)
    for seed in range(3):
        apply_gradients(optimizer, gradients_of(first, before, seed), how)
    second.load_state_dict(first.state_dict())
    resumed = make_optimizer(second, how)
    restore_optimizer(resumed, OptimizerState(**optimizer.state_dict()), Path("checkpoint.pt"))
    apply_gradients(resumed, gradients_of(second, after, 3), how)
    assert_same(second, plainly_stepped(net_of("plain"), 4, how))


def test_a_state_of_a_version_without_fused_optimizers_is_taken_up() -> None:
    how, net = RECIPES["sgd"], net_of("plain")
    optimizer = make_optimizer(net, how)
    apply_gradients(optimizer, gradients_of(net, "plain", 0), how)
    state = OptimizerState(**optimizer.state_dict())
    state.param_groups[0]["fused"] = None
    restore_optimizer(make_optimizer(net, how), state, Path("checkpoint.pt"))


def test_weights_without_a_gradient_stay_and_have_no_momentum() -> None:
    net, how = net_of("plain"), RECIPES["sgd"]
    before = [weight.detach().clone() for weight in net.parameters()]
    optimizer = make_optimizer(net, how)
    gradients = gradients_of(net, "plain", 0)
    apply_gradients(optimizer, gradients, how)
    stayed = [torch.equal(one, weight) for one, weight in zip(before, net.parameters(), strict=True)]
    assert stayed == [gradient is None for gradient in gradients]
    assert len(optimizer.state) == len(stayed) - np.sum(stayed)
