"""Residual and mobile blocks: several convolutions of `modules.py` in one operation.

No activation follows a block: that is the node's, after it has merged what comes in.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from bsngraph.ops.modules.image_modules import Shortcut, conv, mean_of_pixels


class BasicBlock(nn.Module):
    """conv-norm-ReLU-conv-norm, plus the shortcut where `residual`.

    (He et al. 2015, "Deep Residual Learning".)
    """

    def __init__(self, incoming: int, channels: int, *, stride: int, residual: bool, norm: str) -> None:
        super().__init__()
        self.first = conv(incoming, channels, stride=stride, norm=norm, activation="relu")
        self.second = conv(channels, channels, norm=norm)
        self.shortcut = Shortcut(channels - incoming, stride) if residual else None

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.second(self.first(x))
        return y if self.shortcut is None else y + self.shortcut(x)


class BottleneckBlock(nn.Module):
    """1×1 conv to `inner` channels, 3×3 conv with the stride, 1×1 conv.

    The shortcut is added where `residual`.
    """

    def __init__(
        self, incoming: int, channels: int, *, inner: int, stride: int, residual: bool, norm: str
    ) -> None:
        super().__init__()
        self.narrow = conv(incoming, inner, kernel=1, norm=norm, activation="relu")
        self.middle = conv(inner, inner, stride=stride, norm=norm, activation="relu")
        self.widen = conv(inner, channels, kernel=1, norm=norm)
        self.shortcut = Shortcut(channels - incoming, stride) if residual else None

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.widen(self.middle(self.narrow(x)))
        return y if self.shortcut is None else y + self.shortcut(x)


class SqueezeExcite(nn.Module):
    """Channels weighed by what the whole image holds.

    (Hu et al. 2018, "Squeeze-and-Excitation Networks".)
    """

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, inner)
        self.excite = nn.Linear(inner, channels)

    def forward(self, x: Tensor) -> Tensor:
        mean = mean_of_pixels(x, training=self.training)
        weights = torch.sigmoid(self.excite(torch.relu(self.squeeze(mean))))  # (rows, channels)
        return x * weights[:, :, None, None]


class MBConv(nn.Module):
    """Expand, depthwise, project (Sandler et al. 2018, "MobileNetV2").

    Squeeze-and-excite is as in EfficientNet. With expansion=1 the first 1×1 convolution
    is left out. The shortcut is there where the input's shape is the result's.
    """

    def __init__(
        self,
        incoming: int,
        channels: int,
        *,
        kernel: int,
        stride: int,
        expansion: int,
        squeeze_excite: bool,
        residual: bool,
        norm: str,
    ) -> None:
        super().__init__()
        wide = incoming * expansion
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        if expansion > 1:
            layers["expand"] = conv(incoming, wide, kernel=1, norm=norm, activation="relu6")
        layers["depthwise"] = conv(
            wide, wide, kernel=kernel, stride=stride, groups=wide, norm=norm, activation="relu6"
        )
        if squeeze_excite:
            layers["squeeze_excite"] = SqueezeExcite(wide, max(1, incoming // 4))
        layers["project"] = conv(wide, channels, kernel=1, norm=norm)
        self.layers = nn.Sequential(layers)
        self.residual = residual and incoming == channels and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return x + y if self.residual else y
