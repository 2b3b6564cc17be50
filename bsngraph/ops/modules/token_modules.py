"""The torch modules behind the operations over sequences.

They map (batch, length, features) to the same.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional

from bsngraph.ops.modules.image_modules import ACTIVATION_LAYERS


class ResidualModule(nn.Module):
    """x + inner(x)."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.inner(x)
        return x + y


def residual(inner: nn.Module, wanted: bool) -> nn.Module:
    """`inner`, with the input added where that is wanted."""
    return ResidualModule(inner) if wanted else inner


class Positions(nn.Module):
    """A learned vector for each place, drawn from N(0, 0.02²) as in ViT."""

    def __init__(self, length: int, features: int) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.empty(length, features))
        nn.init.normal_(self.vectors, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.vectors


class Patches(nn.Module):
    """An image as a sequence of patches, row by row (Dosovitskiy et al. 2021).

    (batch, channels, height, width) → (batch, tokens, features).
    """

    def __init__(self, image: tuple[int, int, int], features: int, size: int, *, positions: bool) -> None:
        super().__init__()
        channels, height, width = image
        self.padding = (0, -width % size, 0, -height % size)
        self.projection = nn.Conv2d(channels, features, size, stride=size)
        self.positions = (
            Positions(-(-height // size) * -(-width // size), features) if positions else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.projection(functional.pad(x, self.padding)).flatten(2).transpose(1, 2)
        y: Tensor = self.positions(tokens)
        return y


class SelfAttention(nn.Module):
    """softmax(QKᵀ/√d)·V for each head, then a linear layer (Vaswani et al. 2017)."""

    def __init__(self, features: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.incoming = nn.Linear(features, 3 * features)
        self.outgoing = nn.Linear(features, features)

    def forward(self, x: Tensor) -> Tensor:
        rows, length, features = x.shape
        split = (
            self.incoming(x).view(rows, length, 3, self.heads, features // self.heads).permute(2, 0, 3, 1, 4)
        )
        queries, keys, values = split.unbind()  # each (rows, heads, length, features / heads)
        rate = self.dropout if self.training else 0.0
        seen = functional.scaled_dot_product_attention(queries, keys, values, dropout_p=rate)
        y: Tensor = self.outgoing(seen.transpose(1, 2).reshape(rows, length, features))
        return y


def attention(features: int, heads: int, dropout: float, norm: str) -> nn.Sequential:
    """Norm, self-attention, dropout."""
    return _normalised(
        features, norm, OrderedDict(attention=SelfAttention(features, heads, dropout)), dropout
    )


def mlp(features: int, expansion: int, activation: str, dropout: float, norm: str) -> nn.Sequential:
    """Norm, linear to `expansion` · features, activation, linear back, dropout."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(widen=nn.Linear(features, expansion * features))
    if activation != "none":
        layers["activation"] = ACTIVATION_LAYERS[activation]()
    layers["narrow"] = nn.Linear(expansion * features, features)
    return _normalised(features, norm, layers, dropout)


def _normalised(
    features: int, norm: str, inner: OrderedDict[str, nn.Module], dropout: float
) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = (
        OrderedDict(norm=nn.LayerNorm(features)) if norm == "layer" else OrderedDict()
    )
    layers.update(inner)
    if dropout:
        layers["dropout"] = nn.Dropout(dropout)
    return nn.Sequential(layers)


def token_linear(incoming: int, features: int, activation: str) -> nn.Sequential:
    """Linear layer on each token, then the activation."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(linear=nn.Linear(incoming, features))
    if activation != "none":
        layers["activation"] = ACTIVATION_LAYERS[activation]()
    return nn.Sequential(layers)
