"""What one operation does to a shape and what it costs, counted on the meta device.

In: an operation's name and arguments, and the shape of one incoming example. Out: the outgoing shape, MACs and parameters.
The module is built and run on the meta device (no memory, no arithmetic) under torch's own flop counter, so that there is
one truth for built-in and users' operations alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from bsngraph.ops.signature import Shape, Value
from bsngraph.ops.table import OPERATIONS


@dataclass(frozen=True)
class OperationProfile:
    """One example's way through an operation. `macs`: multiply–accumulates, half of torch's flop count."""

    shape: Shape
    macs: int
    params: int


def build(op: str, arguments: Mapping[str, Value], shape: Shape) -> nn.Module:
    """The module of operation `op` for inputs of `shape` (without the batch), on torch's current default device.

    Raises:
        ValueError: the operation cannot work on that shape, or with those arguments.
    """
    module: nn.Module = OPERATIONS[op].builder(shape, **arguments)
    return module


def profile(op: str, arguments: Mapping[str, Value], shape: Shape) -> OperationProfile:
    """Outgoing shape, MACs and parameters of operation `op` on one example of `shape`.

    Raises:
        ValueError: the operation cannot work on that shape, or with those arguments.
    """
    return _profile(op, tuple(sorted(arguments.items())), shape)


@lru_cache(maxsize=4096)
def _profile(op: str, arguments: tuple[tuple[str, Value], ...], shape: Shape) -> OperationProfile:
    with torch.device("meta"):
        module = build(op, dict(arguments), shape).eval()
        example = torch.empty(1, *shape)
    counter = FlopCounterMode(display=False)
    try:
        with torch.no_grad(), counter:
            result = module(example)
    except RuntimeError as error:
        raise ValueError(f"cannot run on an input of {'x'.join(map(str, shape))} ({str(error).splitlines()[0]})") from error
    params = sum(parameter.numel() for parameter in module.parameters())
    return OperationProfile(tuple(result.shape[1:]), counter.get_total_flops() // 2, params)
