"""How images lie in memory while a network learns or is measured: channels last on a
CPU, where convolutions are faster in it.

Forwards and backwards the ResNet Fabric took 0.7 of the time in it on 32x32 images, and
0.85 on 14x14 and 8x8. On other devices nothing was measured, so those stay as they are.
Gathering and adding rows keep the layout (`supernet/rows.py`).
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from bsngraph.supernet import SuperNet

# How many float32 numbers the widest vector register of a CPU holds.
_REGISTER = 16

# What was found out of each network, as a step must not ask again.
_SAFE: WeakKeyDictionary[SuperNet, bool] = WeakKeyDictionary()


def lay_out(net: SuperNet) -> None:
    """Give the weights of convolutions the layout; values, shapes and names stay."""
    for parameter in net.parameters():
        if parameter.dim() == 4 and parameter.device.type == "cpu" and _safe(net):
            parameter.data = parameter.data.to(memory_format=torch.channels_last)


def laid_out(net: SuperNet, inputs: Tensor) -> Tensor:
    """A batch (batch, …) in the layout that the net's pass is faster in, or in the
    plain one if that is not safe, however it lay.
    """
    if inputs.device.type != "cpu" or inputs.dim() != 4:
        return inputs
    if _safe(net):
        return inputs.to(memory_format=torch.channels_last)
    # through two dimensions: a single channel may have strides of both layouts
    return inputs.flatten(1).view(inputs.shape)


def _safe(net: SuperNet) -> bool:
    if net not in _SAFE:
        operations = enumerate(net.operations)
        thinned = {next(operation.children()) for edge, operation in operations if net.thinning(edge) > 1}
        _SAFE[net] = not any(_overruns(module) for module in net.modules() if module not in thinned)
    return _SAFE[net]


def _overruns(module: nn.Module) -> bool:
    """Whether oneDNN's backward pass of a module would write past its own memory with
    the channels last.

    It does for 1x1 convolutions with a stride and fewer channels than a vector register
    holds, on several threads: weights get random values, or the process dies
    (github.com/uxlfoundation/oneDNN/issues/6035; seen with torch 2.13). Those of
    thinned edges have no stride in training.
    """
    return (
        isinstance(module, nn.Conv2d)
        and module.kernel_size == (1, 1)
        and max(module.stride) > 1
        and module.in_channels // module.groups < _REGISTER
    )
