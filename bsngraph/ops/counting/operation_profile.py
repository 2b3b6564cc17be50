"""What one operation does to a shape and what it costs, counted on the meta device.

In: an operation's name and arguments, and the shape of one incoming example. Out: the
outgoing shape, MACs, parameters and bytes. The module is built and run on the meta
device (no memory, no arithmetic) under torch's own flop counter, so that there is one
truth for our own and users' operations alike. What ran and is neither counted nor known
to be free is named.
"""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor, nn

from bsngraph.ops.counting.allocations import measuring
from bsngraph.ops.counting.operator_counts import Count, counting
from bsngraph.ops.signature import Builder, Shape, Value
from bsngraph.ops.table import OPERATIONS
from bsngraph.wording import shape_text

_LIBRARIES = (str(Path(torch.__file__).parent), str(Path(__file__).parents[1]), sysconfig.get_path("stdlib"))


@dataclass(frozen=True)
class OperationProfile:
    """One example's way through an operation.

    `macs`: multiply–accumulates, half of torch's flop count. `bytes`: those of
    parameters and buffers as they are stored. `workspace`: the most bytes of tensors
    alive at once while it runs in evaluation mode without gradients, beside its input
    and weights, with its result. `result`: bytes that its result keeps alive, 0 where
    that is its input or a view of it. `uncounted`: torch operators that ran and that
    nobody counts, so that `macs` may be too small.
    """

    shape: Shape
    macs: int
    params: int
    bytes: int
    workspace: int
    result: int
    uncounted: tuple[str, ...] = ()


class Function(nn.Module):
    """A function of one batch as a module: what a user's builder may give in place of
    one.
    """

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def build(op: str, arguments: Mapping[str, Value], shape: Shape) -> nn.Module:
    """The module of operation `op` for inputs of `shape` (without the batch), on
    torch's current default device.

    Raises:
        ValueError: the operation cannot work on that shape, or with those arguments.
    """
    return _build(OPERATIONS[op].builder, arguments, shape)


def _build(builder: Builder, arguments: Mapping[str, Value], shape: Shape) -> nn.Module:
    try:
        built = builder(shape, **arguments)
    except ValueError:
        raise
    except Exception as error:
        raise ValueError(f"cannot be built for an input of {shape_text(shape)} ({_said(error)})") from error
    if isinstance(built, nn.Module):
        return built
    if not callable(built) or isinstance(built, type):
        raise ValueError(f"gives no nn.Module but {_kind(built)}")
    return Function(built)


def profile(op: str, arguments: Mapping[str, Value], shape: Shape) -> OperationProfile:
    """Outgoing shape, MACs and parameters of operation `op` on one example of `shape`.

    Raises:
        ValueError: the operation cannot work on that shape, or with those arguments.
    """
    entry = OPERATIONS[op]
    return _profile(entry.builder, bool(entry.origin), tuple(sorted(arguments.items())), shape)


@lru_cache(maxsize=4096)
def _profile(
    builder: Builder, foreign: bool, arguments: tuple[tuple[str, Value], ...], shape: Shape
) -> OperationProfile:
    with torch.device("meta"):
        module = _build(builder, dict(arguments), shape).to("meta").eval()
    outgoing, count = _run(module, shape, 1)
    workspace, result = _memory(module, shape)
    if foreign:  # ours are tested; a user's must keep examples apart
        several, _ = _run(module, shape, 3)
        if (outgoing[0], *several) != (1, 3, *outgoing[1:]):
            raise ValueError(
                f"must keep examples apart, but a batch of 3 gives {shape_text(several)} and one of 1 "
                f"{shape_text(outgoing)}"
            )
    return OperationProfile(
        shape=outgoing[1:],
        macs=count.macs,
        params=sum(parameter.numel() for parameter in module.parameters()),
        bytes=_stored_bytes(module),
        workspace=workspace,
        result=result,
        uncounted=count.uncounted,
    )


def _stored_bytes(module: nn.Module) -> int:
    """Bytes of the parameters and persistent buffers, what two names share counted
    once.
    """
    distinct = {id(tensor): tensor for tensor in module.state_dict(keep_vars=True).values()}
    return sum(tensor.numel() * tensor.element_size() for tensor in distinct.values())


def _memory(module: nn.Module, shape: Shape) -> tuple[int, int]:
    """Workspace and result of a module that is known to run."""
    with torch.device("meta"), torch.no_grad():
        example = torch.empty(1, *shape)
        with measuring() as usage:
            result = module(example)
    return usage.peak, usage.held_by(result)


def _run(module: nn.Module, shape: Shape, batch: int) -> tuple[Shape, Count]:
    """Shape and count of a forward pass of `batch` examples."""
    try:
        with torch.device("meta"), torch.no_grad():
            example = torch.empty(batch, *shape)
            with counting() as count:
                result = module(example)
    except Exception as error:
        raise ValueError(f"cannot run on an input of {shape_text(shape)} ({_said(error)})") from error
    if not isinstance(result, Tensor):
        raise ValueError(f"must give one tensor, but gives {_kind(result)}")
    if result.dim() == 0:
        raise ValueError("must keep examples apart, but gives a single number for a whole batch")
    if 0 in result.shape:
        raise ValueError(
            f"leaves nothing of an input of {shape_text(shape)}: its result is "
            f"{shape_text(tuple(result.shape[1:]))}"
        )
    return tuple(result.shape), count


def _said(error: Exception) -> str:
    """The first line of an error, its kind if that is not torch's, and the place in the
    code of a user that it comes from.
    """
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    text = first if isinstance(error, RuntimeError | ValueError) else f"{type(error).__name__}: {first}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_library(frame.filename)]
    return f"{text}; {frames[-1].filename}, line {frames[-1].lineno}" if frames else text


def _is_library(filename: str) -> bool:
    return filename.startswith(("<", *_LIBRARIES))


def _kind(value: object) -> str:
    return f"a value of type {type(value).__name__}" if value is not None else "nothing"
