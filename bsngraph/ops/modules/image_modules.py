"""The torch modules behind the operations on images and vectors.

The norms among them are as sampled execution needs them.

In: channels and arguments, already checked by the builders. Out: nn.Modules from
(batch, channels, height, width) to the same, with weights initialised after He et al.
2015 ("Delving Deep into Rectifiers").
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional

from bsngraph.ops.signature import Shape

ACTIVATION_LAYERS: dict[str, type[nn.Module]] = {
    "none": nn.Identity,
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "hardswish": nn.Hardswish,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}


class BatchNorm1d(nn.BatchNorm1d):
    """BatchNorm that copes with one value a channel, as `BatchNorm2d` below."""

    def forward(self, x: Tensor) -> Tensor:  # (rows, channels) or (rows, channels, length)
        return _one_value(self, x) if self.training and x.numel() == x.shape[1] else super().forward(x)


class BatchNorm2d(nn.BatchNorm2d):
    """BatchNorm that copes with one value a channel.

    An edge may be live for a single example of a batch. Where that leaves one value a
    channel the batch has no variance: the running statistics are used and left as they
    are.
    """

    def forward(self, x: Tensor) -> Tensor:  # (rows, channels, height, width)
        return _one_value(self, x) if self.training and x.numel() == x.shape[1] else super().forward(x)


class BatchNorm3d(nn.BatchNorm3d):
    """The same for volumes, which operations of the user's may hold."""

    def forward(self, x: Tensor) -> Tensor:  # (rows, channels, depth, height, width)
        return _one_value(self, x) if self.training and x.numel() == x.shape[1] else super().forward(x)


def _one_value(norm: nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d, x: Tensor) -> Tensor:
    return functional.batch_norm(
        x, norm.running_mean, norm.running_var, norm.weight, norm.bias, False, 0.0, norm.eps
    )


class GroupNorm(nn.GroupNorm):
    """GroupNorm that copes with one value a group: it becomes the shift.

    torch refuses that for a batch of one.
    """

    def forward(self, x: Tensor) -> Tensor:  # (rows, channels, …)
        return torch.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)


class InstanceNorm1d(nn.InstanceNorm1d):
    """InstanceNorm that copes with one value a channel: it becomes the shift.

    torch refuses that in training.
    """

    def forward(self, x: Tensor) -> Tensor:  # (rows, channels, length)
        return torch.instance_norm(x, None, None, self.weight, self.bias, True, 0.0, self.eps, False)


class InstanceNorm2d(nn.InstanceNorm2d):
    """The same for images."""

    def forward(self, x: Tensor) -> Tensor:  # (rows, channels, height, width)
        return torch.instance_norm(x, None, None, self.weight, self.bias, True, 0.0, self.eps, False)


# torch.nn's norms by their names, ours in their place
NORMS: dict[str, type[nn.Module]] = {
    norm.__name__: norm
    for norm in (BatchNorm1d, BatchNorm2d, BatchNorm3d, GroupNorm, InstanceNorm1d, InstanceNorm2d)
}


def norm_layer(norm: str, channels: int) -> nn.Module:
    """The norm of that name over images.

    `batch` has statistics of the batch, the others of each example: over groups, all
    channels or single ones.
    """
    if norm == "batch":
        return BatchNorm2d(channels)
    return GroupNorm({"layer": 1, "instance": channels}.get(norm, _groups(channels)), channels)


def _groups(channels: int) -> int:
    """The most groups of equal size, at most 32, that have at least 4 channels each.

    (Wu & He 2018, "Group Normalization".)
    """
    return max(
        (groups for groups in range(1, 33) if channels % groups == 0 and channels // groups >= 4), default=1
    )


class Shortcut(nn.Module):
    """Every stride-th pixel, and `extra` more channels of zeros.

    This is option A of He et al. 2015, "Deep Residual Learning".
    """

    def __init__(self, extra: int, stride: int) -> None:
        super().__init__()
        self.extra, self.stride = extra, stride

    def forward(self, x: Tensor) -> Tensor:
        if self.stride > 1:
            x = strided_pixels(x, self.stride) if self.training else _every_pixel_of(x, self.stride)
        return functional.pad(x, (0, 0, 0, 0, 0, self.extra)) if self.extra else x


def strided_pixels(x: Tensor, stride: int) -> Tensor:
    """Every stride-th pixel of images (rows, channels, height, width), in a way whose
    gradient keeps their layout.

    That of a slice has the channels first. What mixes two layouts is up to 30 times
    slower.
    """
    if stride == 1:
        return x
    if x.is_contiguous(memory_format=torch.channels_last):
        return functional.avg_pool2d(x, 1, stride)  # each pixel's own mean
    return _every_pixel_of(x, stride)


def _every_pixel_of(x: Tensor, stride: int) -> Tensor:
    return x[:, :, ::stride, ::stride]


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
    """Convolution, norm, activation; (c, h, w) → (channels, ⌈h/stride⌉, ⌈w/stride⌉).

    The convolution has no bias where a norm follows.
    """
    padding = dilation * (kernel - 1) // 2
    return _finished(
        nn.Conv2d(incoming, channels, kernel, stride, padding, dilation, groups, bias=norm == "none"),
        norm,
        activation,
    )


def transposed_conv(
    incoming: int, channels: int, *, kernel: int, stride: int, norm: str, activation: str
) -> nn.Sequential:
    """Transposed convolution, norm, activation.

    (c, h, w) → (channels, stride·h, stride·w).
    """
    padding = max(0, (kernel - stride + 1) // 2)
    # torch gives (h − 1)·stride − 2·padding + kernel + output_padding
    output_padding = stride - kernel + 2 * padding
    layer = nn.ConvTranspose2d(
        incoming, channels, kernel, stride, padding, output_padding, bias=norm == "none"
    )
    return _finished(layer, norm, activation)


def _finished(layer: nn.Conv2d | nn.ConvTranspose2d, norm: str, activation: str) -> nn.Sequential:
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    layers: OrderedDict[str, nn.Module] = OrderedDict(conv=layer)
    if norm != "none":
        layers["norm"] = norm_layer(norm, layer.out_channels)
    if activation != "none":
        layers["activation"] = ACTIVATION_LAYERS[activation]()
    return nn.Sequential(layers)


def upsample_conv(
    incoming: int, channels: int, *, size: tuple[int, int], mode: str, kernel: int, norm: str, activation: str
) -> nn.Sequential:
    """Enlarge to `size`, then conv."""
    enlarge = nn.Upsample(size=size, mode=mode)
    return nn.Sequential(
        OrderedDict(
            upsample=enlarge, conv=conv(incoming, channels, kernel=kernel, norm=norm, activation=activation)
        )
    )


def separable_conv(
    incoming: int, channels: int, *, kernel: int, stride: int, dilation: int, norm: str, activation: str
) -> nn.Sequential:
    """Depthwise, then pointwise convolution, each with its norm; then activation."""
    depthwise = conv(
        incoming, incoming, kernel=kernel, stride=stride, dilation=dilation, groups=incoming, norm=norm
    )
    pointwise = conv(incoming, channels, kernel=1, norm=norm, activation=activation)
    return nn.Sequential(OrderedDict(depthwise=depthwise, pointwise=pointwise))


def pool(kind: str, window: int, stride: int, extra: int) -> nn.Module:
    """Pooling to ⌈size/stride⌉, then `extra` channels of zeros.

    A window equal to the stride tiles the image; an odd window is centred.
    """
    tiles = window == stride
    padding, ceil_mode = (0, True) if tiles else (window // 2, False)
    layer: nn.Module
    if kind == "max":
        layer = nn.MaxPool2d(window, stride, padding, ceil_mode=ceil_mode)
    else:
        layer = nn.AvgPool2d(window, stride, padding, ceil_mode=ceil_mode, count_include_pad=False)
    return layer if not extra else nn.Sequential(OrderedDict(pool=layer, widen=Shortcut(extra, 1)))


class GlobalPool(nn.Module):
    """Mean or maximum over all pixels or tokens.

    (batch, channels, height, width) → (batch, channels); (batch, length, features) →
    (batch, features).
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() == 3:
            return torch.mean(x, dim=1) if self.kind == "avg" else torch.amax(x, dim=1)
        return mean_of_pixels(x, training=self.training) if self.kind == "avg" else torch.amax(x, dim=(2, 3))


def mean_of_pixels(x: Tensor, *, training: bool) -> Tensor:
    """Mean over images (rows, channels, height, width): (rows, channels).

    In training the mean is taken in a way whose gradient keeps the layout, to the same
    bits, as in `strided_pixels`.
    """
    if training:
        return x.sum(dim=(2, 3)) / (x.shape[2] * x.shape[3])
    return torch.mean(x, dim=(2, 3))


def linear(shape: Shape, features: int, activation: str) -> nn.Sequential:
    """Linear layer over the flattened input, then the activation."""
    incoming = torch.Size(shape).numel()
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        flatten=nn.Flatten(), linear=nn.Linear(incoming, features)
    )
    if activation != "none":
        layers["activation"] = ACTIVATION_LAYERS[activation]()
    return nn.Sequential(layers)


def classifier(shape: Shape, classes: int) -> nn.Sequential:
    """Global mean over pixels or tokens, if any; then linear to `classes` scores."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    if len(shape) > 1:
        layers["mean"] = GlobalPool("avg")
    layers["linear"] = nn.Linear(shape[-1] if len(shape) == 2 else shape[0], classes)
    return nn.Sequential(layers)


def segmentation_head(incoming: int, classes: int, *, size: tuple[int, int] | None) -> nn.Sequential:
    """Scores for every pixel, then enlarged to `size`."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(conv=nn.Conv2d(incoming, classes, 1))
    if size is not None:
        layers["upsample"] = nn.Upsample(size=size, mode="bilinear")
    return nn.Sequential(layers)
