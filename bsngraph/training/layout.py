"""How images lie in memory while a network learns or is measured: channels last on a
CPU, where convolutions are faster in it.

Forward and backward of the ResNet Fabric on 32x32 images took 0.7 of the time in it; on
the digits' 8x8 it makes no difference, and on other devices nothing was measured, so
those stay as they are. Gathering and adding rows keep the layout (`supernet/rows.py`).
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from bsngraph.supernet import SuperNet

# The least pixels a side from which it pays.
_LEAST = 16

# How many float32 numbers the widest vector register of a CPU holds.
_REGISTER = 16

# What was found out of each network, as a step must not ask again.
_PAYS: WeakKeyDictionary[SuperNet, bool] = WeakKeyDictionary()


def lay_out(net: SuperNet) -> None:
    """Give the weights of convolutions the layout; values, shapes and names stay."""
    for parameter in net.parameters():
        if parameter.dim() == 4 and parameter.device.type == "cpu" and _pays(net):
            parameter.data = parameter.data.to(memory_format=torch.channels_last)


def laid_out(net: SuperNet, inputs: Tensor) -> Tensor:
    """A batch (batch, …) in the layout that the net's pass is faster in."""
    return (
        inputs.to(memory_format=torch.channels_last)
        if inputs.device.type == "cpu" and inputs.dim() == 4 and _pays(net)
        else inputs
    )


def _pays(net: SuperNet) -> bool:
    if net not in _PAYS:
        shapes = [net.profile.node_shapes[source] for source in net.fabric.source_indices]
        large = all(len(shape) == 3 and min(shape[1:]) >= _LEAST for shape in shapes)
        _PAYS[net] = large and not any(map(_overruns, net.modules()))
    return _PAYS[net]


def _overruns(module: nn.Module) -> bool:
    """Whether oneDNN's backward pass of a module would write past its own memory with
    the channels last.

    It does for 1x1 convolutions with a stride and fewer channels than a vector register
    holds, on several threads: weights get random values, or the process dies
    (github.com/uxlfoundation/oneDNN/issues/6035; seen with torch 2.13).
    """
    return (
        isinstance(module, nn.Conv2d)
        and module.kernel_size == (1, 1)
        and max(module.stride) > 1
        and module.in_channels // module.groups < _REGISTER
    )
