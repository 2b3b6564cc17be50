"""Operations that look at neighbouring pixels: convolutions and blocks of them.

Each builder gets the shape of one incoming example, `(channels, height, width)`, and
gives the module. A builder raises `ValueError` for a shape it cannot work on. Every
operation with a stride gives images of ceil(size / stride), so that all ways from one
resolution to the next agree. torch is imported when a module is built, never before:
reading and drawing a graph file need these signatures only.
"""

# No `from __future__ import annotations`: the annotations are read as objects
# (signature.py).

from typing import TYPE_CHECKING, Annotated

from bsngraph.ops.arguments import (
    Activation,
    Channels,
    Dilation,
    Expansion,
    Groups,
    Kernel,
    Norm,
    Reduction,
    Residual,
    Step,
)
from bsngraph.ops.shapes import image
from bsngraph.ops.signature import Shape
from bsngraph.ops.table import operation

if TYPE_CHECKING:
    from torch import nn


@operation("conv")
def conv(
    shape: Shape,
    *,
    channels: Channels,
    kernel: Kernel = 3,
    stride: Step = 1,
    dilation: Dilation = 1,
    groups: Groups = 1,
    norm: Norm = "batch",
    activation: Activation = "none",
) -> "nn.Module":
    """Convolution, then norm, then activation; kernel=1 is a projection.

    When: the standard choice wherever an image comes in; dilation sees further, groups
    cost less.
    Sizes: c×h×w → channels×⌈h/stride⌉×⌈w/stride⌉
    """
    from bsngraph.ops.modules import image_modules as modules

    incoming, _, _ = image(shape)
    if incoming % groups or channels % groups:
        raise ValueError(
            f"groups={groups} must divide both the {incoming} incoming and the {channels} outgoing channels"
        )
    return modules.conv(
        incoming,
        channels,
        kernel=kernel,
        stride=stride,
        dilation=dilation,
        groups=groups,
        norm=norm,
        activation=activation,
    )


@operation("projection")
def projection(shape: Shape, *, channels: Channels, stride: Step = 1, norm: Norm = "batch") -> "nn.Module":
    """1x1 convolution, then norm.

    When: to change the number of channels, or as a skip where shapes differ.
    Sizes: c×h×w → channels×⌈h/stride⌉×⌈w/stride⌉
    """
    from bsngraph.ops.modules import image_modules as modules

    incoming, _, _ = image(shape)
    return modules.conv(incoming, channels, kernel=1, stride=stride, norm=norm)


@operation("depthwise_conv")
def depthwise_conv(
    shape: Shape,
    *,
    kernel: Kernel = 3,
    stride: Step = 1,
    dilation: Dilation = 1,
    norm: Norm = "batch",
    activation: Activation = "none",
) -> "nn.Module":
    """Convolution of each channel by itself, then norm, then activation.

    When: to look around cheaply; a projection after it mixes the channels.
    Sizes: c×h×w → c×⌈h/stride⌉×⌈w/stride⌉
    """
    from bsngraph.ops.modules import image_modules as modules

    channels, _, _ = image(shape)
    return modules.conv(
        channels,
        channels,
        kernel=kernel,
        stride=stride,
        dilation=dilation,
        groups=channels,
        norm=norm,
        activation=activation,
    )


@operation("separable_conv")
def separable_conv(
    shape: Shape,
    *,
    channels: Channels,
    kernel: Kernel = 3,
    stride: Step = 1,
    dilation: Dilation = 1,
    norm: Norm = "batch",
    activation: Activation = "none",
) -> "nn.Module":
    """Depthwise convolution, then a 1x1 convolution: a conv at a fraction of its MACs.

    When: in place of a conv where MACs are scarce and there are many channels.
    Sizes: c×h×w → channels×⌈h/stride⌉×⌈w/stride⌉
    """
    from bsngraph.ops.modules import image_modules as modules

    incoming, _, _ = image(shape)
    return modules.separable_conv(
        incoming, channels, kernel=kernel, stride=stride, dilation=dilation, norm=norm, activation=activation
    )


@operation("basic_block")
def basic_block(
    shape: Shape, *, channels: Channels, stride: Step = 1, residual: Residual = True, norm: Norm = "batch"
) -> "nn.Module":
    """Two 3x3 convolutions with norm, ReLU between, and an option-A shortcut around
    both unless residual=false.

    When: ResNets up to 34 layers; beside a searchable skip set residual=false.
    Sizes: c×h×w → channels×⌈h/stride⌉×⌈w/stride⌉
    """
    from bsngraph.ops.modules import block_modules as blocks

    incoming, _, _ = image(shape)
    _check_shortcut(incoming, channels, residual)
    return blocks.BasicBlock(incoming, channels, stride=stride, residual=residual, norm=norm)


@operation("bottleneck_block")
def bottleneck_block(
    shape: Shape,
    *,
    channels: Channels,
    stride: Step = 1,
    reduction: Reduction = 4,
    residual: Residual = True,
    norm: Norm = "batch",
) -> "nn.Module":
    """1x1, 3x3 and 1x1 convolutions with norm, narrow inside, ReLU between, an option-A
    shortcut unless residual=false.

    When: deep ResNets with many channels; it costs less than a basic block of the same
    width.
    Sizes: c×h×w → channels×⌈h/stride⌉×⌈w/stride⌉
    """
    from bsngraph.ops.modules import block_modules as blocks

    incoming, _, _ = image(shape)
    _check_shortcut(incoming, channels, residual)
    inner = max(1, channels // reduction)
    return blocks.BottleneckBlock(
        incoming, channels, inner=inner, stride=stride, residual=residual, norm=norm
    )


@operation("mbconv")
def mbconv(
    shape: Shape,
    *,
    channels: Channels,
    kernel: Kernel = 3,
    stride: Step = 1,
    expansion: Expansion = 6,
    squeeze_excite: Annotated[bool, "weigh channels by what the whole image holds"] = False,
    residual: Annotated[bool, "add the input where its shape is the result's"] = True,
    norm: Norm = "batch",
) -> "nn.Module":
    """MobileNetV2's inverted bottleneck: 1x1 to expansion times the channels,
    depthwise, 1x1 back, ReLU6 between.

    When: mobile search spaces (ProxylessNAS, FBNet); beside a searchable skip set
    residual=false.
    Sizes: c×h×w → channels×⌈h/stride⌉×⌈w/stride⌉
    """
    from bsngraph.ops.modules import block_modules as blocks

    incoming, _, _ = image(shape)
    return blocks.MBConv(
        incoming,
        channels,
        kernel=kernel,
        stride=stride,
        expansion=expansion,
        squeeze_excite=squeeze_excite,
        residual=residual,
        norm=norm,
    )


def _check_shortcut(incoming: int, channels: int, residual: bool) -> None:
    if residual and channels < incoming:
        raise ValueError(
            f"its shortcut cannot drop channels ({incoming} to {channels}): set residual=false or "
            f"channels of at least {incoming}"
        )
