"""BatchNorm's running statistics where each shard of a batch has its own.

All shards of a step start from the same statistics, and each moves them by what it saw.
Afterwards every statistic is the mean over all shards, added up in their order; one
whose shard ran no example through the layer counts with what it was. Counters are the
largest of all shards. So it is for every buffer of the network.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class RunningStatistics:
    """The buffers of a network: `moving` are floating-point, `counting` are not."""

    moving: tuple[Tensor, ...]
    counting: tuple[Tensor, ...]

    @staticmethod
    def of(net: nn.Module) -> RunningStatistics:
        """Those of a network, which they stay a part of."""
        every = tuple(net.buffers())
        return RunningStatistics(
            moving=tuple(buffer for buffer in every if buffer.is_floating_point()),
            counting=tuple(buffer for buffer in every if not buffer.is_floating_point()),
        )

    def values(self) -> Tensor:
        """The moving ones as they are now, one after the other: (values,)."""
        return flat_vector(self.moving)

    def counts(self) -> Tensor:
        """The counting ones as they are now, one after the other: (values,)."""
        return flat_vector(self.counting)

    def put(self, values: Tensor, counts: Tensor) -> None:
        """Give the network what `values` and `counts` gave."""
        for buffers, vector in ((self.moving, values), (self.counting, counts)):
            for buffer, part in zip(buffers, parts_of(vector, buffers), strict=True):
                buffer.copy_(part)


def flat_vector(tensors: tuple[Tensor, ...]) -> Tensor:
    """Tensors as one vector, of a type that holds all their values."""
    return torch.cat([tensor.reshape(-1) for tensor in tensors]) if tensors else torch.empty(0)


def parts_of(vector: Tensor, like: tuple[Tensor, ...]) -> list[Tensor]:
    """What `flat_vector` made a vector of, in the types and shapes of `like`."""
    parts = torch.split(vector, [tensor.numel() for tensor in like]) if like else ()
    return [part.view(tensor.shape).to(tensor.dtype) for part, tensor in zip(parts, like, strict=True)]
