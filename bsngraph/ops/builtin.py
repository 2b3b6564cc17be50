"""The operations that come with bsngraph.

Each builder gets the shape of one incoming example, `(channels, height, width)` for images, and gives the module. A builder
raises `ValueError` for a shape it cannot work on. Every operation with a stride gives images of ceil(size / stride), so
that all ways from one resolution to the next agree. torch is imported when a module is built, never before: reading and
drawing a graph file need these signatures only.
"""

# No `from __future__ import annotations`: the annotations are read as objects (signature.py).

from typing import TYPE_CHECKING, Literal

from bsngraph.ops.signature import Fraction, OddSize, Shape, Size, Stride
from bsngraph.ops.table import operation

if TYPE_CHECKING:
    from torch import nn

Norm = Literal["batch", "none"]
Activation = Literal["none", "relu", "gelu", "silu", "hardswish", "tanh", "sigmoid"]


def _image(shape: Shape) -> tuple[int, int, int]:
    if len(shape) != 3:
        raise ValueError(f"needs an image (channels, height, width), but gets {'x'.join(map(str, shape))}")
    return shape[0], shape[1], shape[2]


@operation("conv")
def conv(
    shape: Shape,
    *,
    channels: Size,
    kernel: OddSize = 3,
    stride: Stride = 1,
    dilation: Stride = 1,
    groups: Size = 1,
    norm: Norm = "batch",
    activation: Activation = "none",
) -> "nn.Module":
    """Convolution, then norm, then activation; kernel=1 is a projection."""
    from bsngraph.ops import modules

    incoming, _, _ = _image(shape)
    if incoming % groups or channels % groups:
        raise ValueError(f"groups={groups} must divide both the {incoming} incoming and the {channels} outgoing channels")
    return modules.conv(
        incoming, channels, kernel=kernel, stride=stride, dilation=dilation, groups=groups, norm=norm, activation=activation
    )


@operation("separable_conv")
def separable_conv(
    shape: Shape, *, channels: Size, kernel: OddSize = 3, stride: Stride = 1, norm: Norm = "batch", activation: Activation = "none"
) -> "nn.Module":
    """Depthwise convolution, then a 1x1 convolution: a conv at a fraction of its MACs."""
    from bsngraph.ops import modules

    incoming, _, _ = _image(shape)
    return modules.separable_conv(incoming, channels, kernel=kernel, stride=stride, norm=norm, activation=activation)


@operation("basic_block")
def basic_block(shape: Shape, *, channels: Size, stride: Stride = 1, residual: bool = True) -> "nn.Module":
    """Two 3x3 convolutions with norm, ReLU between, and an option-A shortcut around both unless residual=false."""
    from bsngraph.ops import modules

    incoming, _, _ = _image(shape)
    if residual and channels < incoming:
        raise ValueError(
            f"its shortcut cannot drop channels ({incoming} to {channels}): set residual=false or channels of at least {incoming}"
        )
    return modules.BasicBlock(incoming, channels, stride=stride, residual=residual)


@operation("identity")
def identity(shape: Shape) -> "nn.Module":
    """The input as it is; a skip that costs nothing."""
    from torch import nn

    return nn.Identity()


@operation("shortcut")
def shortcut(shape: Shape, *, channels: Size, stride: Stride = 1) -> "nn.Module":
    """Every stride-th pixel, further channels zero: the parameter-free option A of He et al. 2015."""
    from bsngraph.ops import modules

    incoming, _, _ = _image(shape)
    if channels < incoming:
        raise ValueError(f"cannot drop channels ({incoming} to {channels}): use op=conv, kernel=1 for that")
    return modules.Shortcut(channels - incoming, stride)


@operation("max_pool")
def max_pool(shape: Shape, *, window: Size = 2, stride: Stride = 2, channels: Size | None = None) -> "nn.Module":
    """Maximum over windows; with channels, further channels are zero."""
    from bsngraph.ops import modules

    return modules.pool("max", _window(window, stride), stride, _extra_channels(shape, channels))


@operation("avg_pool")
def avg_pool(shape: Shape, *, window: Size = 2, stride: Stride = 2, channels: Size | None = None) -> "nn.Module":
    """Mean over windows; with channels, further channels are zero."""
    from bsngraph.ops import modules

    return modules.pool("avg", _window(window, stride), stride, _extra_channels(shape, channels))


def _window(window: int, stride: int) -> int:
    if window != stride and window % 2 == 0:
        raise ValueError(f"a window of {window} at stride {stride} cannot be centred: take an odd window, or one equal to the stride")
    return window


def _extra_channels(shape: Shape, channels: int | None) -> int:
    incoming, _, _ = _image(shape)
    if channels is None:
        return 0
    if channels < incoming:
        raise ValueError(f"pooling cannot drop channels ({incoming} to {channels}): leave channels out, or use a conv")
    return channels - incoming


@operation("upsample")
def upsample(
    shape: Shape,
    *,
    factor: Stride = 2,
    height: Size | None = None,
    width: Size | None = None,
    mode: Literal["nearest", "bilinear"] = "nearest",
) -> "nn.Module":
    """Enlarge by a factor, or to height and width where both are given."""
    from torch import nn

    _, rows, columns = _image(shape)
    if (height is None) != (width is None):
        raise ValueError("height and width go together: give both, or neither and a factor")
    size = (height or rows * factor, width or columns * factor)
    return nn.Upsample(size=size, mode=mode)


@operation("dropout")
def dropout(shape: Shape, *, rate: Fraction = 0.5) -> "nn.Module":
    """Zero this share of the values in training, at random."""
    from torch import nn

    return nn.Dropout(rate)


@operation("linear")
def linear(shape: Shape, *, features: Size, activation: Activation = "none") -> "nn.Module":
    """Fully connected layer over the flattened input."""
    from bsngraph.ops import modules

    return modules.linear(shape, features, activation)


@operation("classifier")
def classifier(shape: Shape, *, classes: Size) -> "nn.Module":
    """Mean over the image's pixels, then a linear layer to class scores; on plain vectors the linear layer alone."""
    from bsngraph.ops import modules

    if len(shape) not in (1, 3):
        raise ValueError(f"needs an image or a vector, but gets {'x'.join(map(str, shape))}")
    return modules.classifier(shape, classes)
