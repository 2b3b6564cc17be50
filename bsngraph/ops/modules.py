"""The torch modules behind the built-in operations, and BatchNorm as sampled execution needs it.

In: channels and arguments, already checked by the builders. Out: nn.Modules from (batch, channels, height, width) to
the same, with weights initialised after He et al. 2015 ("Delving Deep into Rectifiers").
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional

from bsngraph.ops.signature import Shape

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "none": nn.Identity,
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "hardswish": nn.Hardswish,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}


class BatchNorm2d(nn.BatchNorm2d):
    """BatchNorm that copes with one value a channel.

    An edge may be live for a single example of a batch. Where that leaves one value a channel the batch has no variance:
    the running statistics are used and left as they are.
    """

    def forward(self, x: Tensor) -> Tensor:  # (rows, channels, height, width)
        if self.training and x.numel() == x.shape[1]:
            return functional.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps)
        return super().forward(x)


class Shortcut(nn.Module):
    """Every stride-th pixel; `extra` more channels of zeros (option A of He et al. 2015, Deep Residual Learning)."""

    def __init__(self, extra: int, stride: int) -> None:
        super().__init__()
        self.extra, self.stride = extra, stride

    def forward(self, x: Tensor) -> Tensor:
        if self.stride > 1:
            x = x[:, :, :: self.stride, :: self.stride]
        return functional.pad(x, (0, 0, 0, 0, 0, self.extra)) if self.extra else x


class BasicBlock(nn.Module):
    """conv-norm-ReLU-conv-norm, plus the shortcut where `residual`; no activation after it (that is the node's)."""

    def __init__(self, incoming: int, channels: int, *, stride: int, residual: bool) -> None:
        super().__init__()
        self.first = conv(incoming, channels, stride=stride, activation="relu")
        self.second = conv(channels, channels)
        self.shortcut = Shortcut(channels - incoming, stride) if residual else None

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.second(self.first(x))
        return y if self.shortcut is None else y + self.shortcut(x)


def conv(
    incoming: int,
    channels: int,
    *,
    kernel: int = 3,
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
    norm: str = "batch",
    activation: str = "none",
) -> nn.Sequential:
    """Convolution (without bias where a norm follows), norm, activation; (c, h, w) → (channels, ⌈h/stride⌉, ⌈w/stride⌉)."""
    padding = dilation * (kernel - 1) // 2
    layer = nn.Conv2d(incoming, channels, kernel, stride, padding, dilation, groups, bias=norm == "none")
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    layers: OrderedDict[str, nn.Module] = OrderedDict(conv=layer)
    if norm == "batch":
        layers["norm"] = BatchNorm2d(channels)
    if activation != "none":
        layers["activation"] = ACTIVATIONS[activation]()
    return nn.Sequential(layers)


def separable_conv(incoming: int, channels: int, *, kernel: int, stride: int, norm: str, activation: str) -> nn.Sequential:
    """Depthwise, then pointwise convolution, each followed by the norm; the activation last."""
    depthwise = conv(incoming, incoming, kernel=kernel, stride=stride, groups=incoming, norm=norm)
    pointwise = conv(incoming, channels, kernel=1, norm=norm, activation=activation)
    return nn.Sequential(OrderedDict(depthwise=depthwise, pointwise=pointwise))


def pool(kind: str, window: int, stride: int, extra: int) -> nn.Module:
    """Pooling to ⌈size/stride⌉: window = stride tiles the image, an odd window is centred; `extra` channels of zeros are appended."""
    tiles = window == stride
    padding, ceil_mode = (0, True) if tiles else (window // 2, False)
    layer: nn.Module
    if kind == "max":
        layer = nn.MaxPool2d(window, stride, padding, ceil_mode=ceil_mode)
    else:
        layer = nn.AvgPool2d(window, stride, padding, ceil_mode=ceil_mode, count_include_pad=False)
    return layer if not extra else nn.Sequential(OrderedDict(pool=layer, widen=Shortcut(extra, 1)))


class GlobalMean(nn.Module):
    """(batch, channels, height, width) → (batch, channels)."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.mean(x, dim=(2, 3))


def linear(shape: Shape, features: int, activation: str) -> nn.Sequential:
    """Linear layer over the flattened input, then the activation."""
    incoming = torch.Size(shape).numel()
    layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten(), linear=nn.Linear(incoming, features))
    if activation != "none":
        layers["activation"] = ACTIVATIONS[activation]()
    return nn.Sequential(layers)


def classifier(shape: Shape, classes: int) -> nn.Sequential:
    """Global mean where there are pixels, then a linear layer to `classes` scores."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    if len(shape) == 3:
        layers["mean"] = GlobalMean()
    layers["linear"] = nn.Linear(shape[0], classes)
    return nn.Sequential(layers)
