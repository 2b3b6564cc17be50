"""A step of θ on a sampled batch, as speed and memory are measured of it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.speed.execution import NO_LIMITS
from bsngraph.searching.learning.gamma.gamma import Gamma
from bsngraph.supernet import SuperNet


def sampled_step(net: SuperNet, inputs: Tensor, classes: int, probability: float) -> Callable[[], None]:
    """Steps on `inputs` (batch, …) with random labels, every edge kept with a
    probability.
    """
    gamma, generator = Gamma(net.fabric, probability), torch.Generator().manual_seed(0)
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-6, momentum=0.9)
    labels = torch.randint(classes, (len(inputs),), generator=generator)

    def step() -> None:
        kept = gamma.at(NO_LIMITS).sample(len(inputs), generator)
        optimizer.zero_grad()
        functional.cross_entropy(net(inputs, net.route(kept, torch.device("cpu"))), labels).backward()
        optimizer.step()

    return step
