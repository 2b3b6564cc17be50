"""A network → the call that is timed: one forward pass of a batch, everything else done
before.

In: a SuperNet whose edges are all fixed. Out: a call without arguments.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from bsngraph.profile import FabricProfile
from bsngraph.supernet import SuperNet
from bsngraph.supernet.deployed import deploy
from bsngraph.supernet.supernet import Inputs

Runner = Callable[[SuperNet, Inputs], Callable[[], object]]


def run_deployed(net: SuperNet, inputs: Inputs) -> Callable[[], object]:
    """A pass of `inputs` through the net as it is delivered: plain torch, convolutions
    with the norms behind them folded in.

    Raises:
        RunFailedError: an operation of the user's fails on them.
    """
    if net.watched:  # plain torch would not say which edge it is
        with torch.inference_mode():
            net(inputs)
    deployed = deploy(net)
    return lambda: deployed(inputs)


def example_inputs(profile: FabricProfile, batch: int, device: torch.device) -> Inputs:
    """A batch of normal random numbers for the fabric's sources, the same each time."""
    generator = torch.Generator().manual_seed(0)
    fabric = profile.fabric
    shapes = {
        name: profile.node_shapes[node]
        for name, node in zip(fabric.sources, fabric.source_indices, strict=True)
    }
    values = {
        name: torch.randn(batch, *shape, generator=generator).to(device) for name, shape in shapes.items()
    }
    return values if len(values) > 1 else next(iter(values.values()))
