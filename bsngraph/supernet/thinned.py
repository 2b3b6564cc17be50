"""1x1 convolutions with a stride s, which read every s-th pixel only.

What an edge takes of a value can then be thinned: the pixels that are read are copied,
1 of s², and convolved with a stride of 1. oneDNN's gradient of the input is slow with a
stride: at 16 channels of 32x32 pixels it reaches a sixth of the speed without one.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


def thinning(operation: nn.Module) -> int:
    """Of how many pixels in a row the operation reads the first alone: 1 if it reads
    them all, or if it is not one that `run_thinned` can run.
    """
    first = operation[0] if type(operation) is nn.Sequential and len(operation) else None
    if type(first) is nn.Conv2d and first.kernel_size == (1, 1) and first.padding == (0, 0):
        down, right = first.stride
        return down if down == right else 1
    return 1


def run_thinned(operation: nn.Module, x: Tensor) -> Tensor:
    """The operation's result, from the pixels alone that it reads.

    x is (rows, channels, ⌈height/s⌉, ⌈width/s⌉), s being the operation's `thinning`.
    Hooks of the operation and of its convolution are not called.
    """
    assert isinstance(operation, nn.Sequential)
    conv, *others = operation
    assert isinstance(conv, nn.Conv2d)
    y = functional.conv2d(x, conv.weight, conv.bias, groups=conv.groups)
    for layer in others:
        y = layer(y)
    return y
