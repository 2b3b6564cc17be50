"""Operations that keep an image or change its resolution.

These are skips, pooling and upsampling.
"""

# No `from __future__ import annotations`: the annotations are read as objects
# (signature.py).

from typing import TYPE_CHECKING, Annotated

from bsngraph.ops.arguments import (
    Activation,
    Channels,
    Factor,
    Height,
    Kernel,
    Mode,
    Norm,
    Step,
    WiderChannels,
    Width,
    Window,
)
from bsngraph.ops.shapes import image, size_of
from bsngraph.ops.signature import Bounds, Shape
from bsngraph.ops.table import operation

if TYPE_CHECKING:
    from torch import nn


@operation("identity")
def identity(shape: Shape) -> "nn.Module":
    """The input as it is; a skip that costs nothing.

    When: beside an operation that keeps the shape, so that the search may leave it out.
    Sizes: any → the same
    """
    from torch import nn

    return nn.Identity()


@operation("shortcut")
def shortcut(shape: Shape, *, channels: Channels, stride: Step = 1) -> "nn.Module":
    """Every stride-th pixel, further channels zero: the parameter-free option A of He
    et al. 2015.

    When: a skip that costs nothing beside an operation that changes the shape.
    Sizes: c×h×w → channels×⌈h/stride⌉×⌈w/stride⌉, channels at least c
    """
    from bsngraph.ops.modules import image_modules as modules

    incoming, _, _ = image(shape)
    if channels < incoming:
        raise ValueError(f"cannot drop channels ({incoming} to {channels}): use op=projection for that")
    return modules.Shortcut(channels - incoming, stride)


@operation("max_pool")
def max_pool(
    shape: Shape, *, window: Window = 2, stride: Step = 2, channels: WiderChannels = None
) -> "nn.Module":
    """Maximum over windows; with channels, further channels are zero.

    When: to lower the resolution without weights, keeping the strongest answer.
    Sizes: c×h×w → c×⌈h/stride⌉×⌈w/stride⌉, or channels where given
    """
    from bsngraph.ops.modules import image_modules as modules

    return modules.pool("max", _window(window, stride), stride, _extra_channels(shape, channels))


@operation("avg_pool")
def avg_pool(
    shape: Shape, *, window: Window = 2, stride: Step = 2, channels: WiderChannels = None
) -> "nn.Module":
    """Mean over windows; with channels, further channels are zero.

    When: to lower the resolution without weights, smoothly.
    Sizes: c×h×w → c×⌈h/stride⌉×⌈w/stride⌉, or channels where given
    """
    from bsngraph.ops.modules import image_modules as modules

    return modules.pool("avg", _window(window, stride), stride, _extra_channels(shape, channels))


def _window(window: int, stride: int) -> int:
    if window != stride and window % 2 == 0:
        raise ValueError(
            f"a window of {window} at stride {stride} cannot be centred: take an odd window, or one equal "
            "to the stride"
        )
    return window


def _extra_channels(shape: Shape, channels: int | None) -> int:
    incoming, _, _ = image(shape)
    if channels is None:
        return 0
    if channels < incoming:
        raise ValueError(
            f"pooling cannot drop channels ({incoming} to {channels}): leave channels out, or use a conv"
        )
    return channels - incoming


@operation("upsample")
def upsample(
    shape: Shape, *, factor: Factor = 2, height: Height = None, width: Width = None, mode: Mode = "nearest"
) -> "nn.Module":
    """Enlarge by a factor, or to height and width where both are given.

    When: to come back to a finer resolution without weights.
    Sizes: c×h×w → c×(factor·h)×(factor·w), or c×height×width
    """
    from torch import nn

    return nn.Upsample(size=size_of(shape, factor, height, width), mode=mode)


@operation("upsample_conv")
def upsample_conv(
    shape: Shape,
    *,
    channels: Channels,
    kernel: Kernel = 3,
    factor: Factor = 2,
    height: Height = None,
    width: Width = None,
    mode: Mode = "nearest",
    norm: Norm = "batch",
    activation: Activation = "none",
) -> "nn.Module":
    """Enlarge as upsample does, then conv.

    When: the way up of a segmentation fabric or a CNF; it has no checkerboard pattern.
    Sizes: c×h×w → channels×(factor·h)×(factor·w), or channels×height×width
    """
    from bsngraph.ops.modules import image_modules as modules

    size = size_of(shape, factor, height, width)
    return modules.upsample_conv(
        shape[0], channels, size=size, mode=mode, kernel=kernel, norm=norm, activation=activation
    )


@operation("transposed_conv")
def transposed_conv(
    shape: Shape,
    *,
    channels: Channels,
    kernel: Annotated[
        int, Bounds(1, 255), "side of the kernel in pixels; a multiple of the stride avoids checkerboards"
    ] = 4,
    stride: Annotated[int, Bounds(1, 64), "how many times larger"] = 2,
    norm: Norm = "batch",
    activation: Activation = "none",
) -> "nn.Module":
    """Transposed convolution, then norm, then activation.

    When: a learned way up, at fewer MACs than upsample_conv.
    Sizes: c×h×w → channels×(stride·h)×(stride·w)
    """
    from bsngraph.ops.modules import image_modules as modules

    incoming, _, _ = image(shape)
    if stride == 1 and kernel % 2 == 0:
        raise ValueError(f"a kernel of {kernel} at stride 1 cannot be centred: take an odd kernel")
    return modules.transposed_conv(
        incoming, channels, kernel=kernel, stride=stride, norm=norm, activation=activation
    )
