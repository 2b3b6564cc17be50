"""A pass of a network over a batch: the layout of its inputs, its precision, what each
target gives.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from bsngraph.settings import Recipe
from bsngraph.supernet import Route, SuperNet
from bsngraph.tasks import Outputs
from bsngraph.training.layout import laid_out


def run_net(net: SuperNet, inputs: Tensor, route: Route) -> Outputs:
    """Run a batch of examples, and give what each target gives."""
    sources, inputs = net.fabric.sources, laid_out(net, inputs)
    outputs: Outputs = net(inputs if len(sources) == 1 else dict.fromkeys(sources, inputs), route)
    return outputs


def device_of(net: nn.Module) -> torch.device:
    """Where a network's tensors are; the CPU if it has none."""
    tensor = next(itertools.chain(net.parameters(), net.buffers()), None)
    return torch.device("cpu") if tensor is None else tensor.device


def training_outputs(net: SuperNet, inputs: Tensor, route: Route, recipe: Recipe) -> Outputs:
    """What each target gives for a batch in a training step; the pass is in the
    recipe's precision, its results are not.
    """
    if recipe.precision == "float32":
        return run_net(net, inputs, route)
    with torch.autocast(inputs.device.type, getattr(torch, recipe.precision)):
        outputs = run_net(net, inputs, route)
    return (
        outputs.float()
        if isinstance(outputs, Tensor)
        else {name: value.float() for name, value in outputs.items()}
    )
