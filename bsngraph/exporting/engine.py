"""What runs an exported network: raw batches in, answers out, whatever the format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from bsngraph.errors import InputError
from bsngraph.exporting.raw_network import RawInput, RawOutput

Arrays = NDArray[Any]
RawBatch = Arrays | Mapping[str, Arrays]
"""One batch (batch, …), or one for each source by name."""


@dataclass(frozen=True)
class GraphCounts:
    """What was counted on an exported network: MACs of one example, and parameters."""

    macs: int
    params: int


class Engine(Protocol):
    """A loaded export."""

    def run(self, batch: RawBatch) -> dict[str, Arrays]:
        """What the network answers, by the names of its outputs, each (batch, …)."""

    def counts(self) -> GraphCounts:
        """Its costs, counted on what was exported."""


class TorchEngine:
    """A module of torch that takes and gives what a `RawNetwork` does. A module whose
    weights are fixed inputs of its graph is one too.
    """

    def __init__(self, module: nn.Module, inputs: tuple[RawInput, ...]) -> None:
        self.module, self.inputs = module, inputs

    @torch.no_grad()
    def run(self, batch: RawBatch) -> dict[str, Arrays]:
        if isinstance(batch, Mapping):
            answer = self.module({name: torch.from_numpy(values) for name, values in batch.items()})
        else:
            answer = self.module(torch.from_numpy(batch))
        return {name: value.numpy() for name, value in answer.items()}

    def counts(self) -> GraphCounts:
        counter = FlopCounterMode(display=False)
        # torch does not count the fused attention of a CPU
        with sdpa_kernel(SDPBackend.MATH), counter:
            self.run(blank_batch(self.inputs))
        params = sum(parameter.numel() for parameter in self.module.parameters())
        return GraphCounts(int(counter.get_total_flops()) // 2, params)


def check_answer(answer: Mapping[str, Arrays], outputs: Sequence[RawOutput], origin: Path) -> None:
    """Make sure that a stranger's file answers as the run's network does: in these
    shapes and number types.

    Raises:
        InputError: it does not.
    """
    for each in outputs:
        values = answer[each.name]
        if values.shape[1:] != each.shape or values.dtype != each.dtype:
            raise InputError(
                f"{origin}: its output {each.name} is not what the run's network gives: export the run again"
            )


def blank_batch(inputs: tuple[RawInput, ...]) -> RawBatch:
    """A batch of one example of zeros."""
    return as_batch({each.name: np.zeros((1, *each.shape), each.dtype) for each in inputs})


def as_batch(values: Mapping[str, Arrays]) -> RawBatch:
    """Values by source as engines take them: without the name where there is one
    source.
    """
    return values if len(values) > 1 else next(iter(values.values()))


def batch_of_examples(inputs: tuple[RawInput, ...], examples: Tensor) -> RawBatch:
    """Raw examples of a data set as engines take them: every source gets the same."""
    return as_batch({each.name: examples.numpy() for each in inputs})
