"""What one operation does to a shape and what it costs, counted on the meta device.

In: an operation's name and arguments, and the shape of one incoming example. Out: the
outgoing shape, MACs, parameters and bytes. The module is built and run on the meta
device (no memory, no arithmetic) under torch's own formulas, so that our own and
users' operations are counted alike. What ran and is neither counted nor known to be
free is named.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial

import torch
from torch import Tensor, nn

from bsngraph.ops.building import build_foreign, build_ours
from bsngraph.ops.counting.allocations import measuring
from bsngraph.ops.counting.foreign_trial import Trial, try_out, watched_generators
from bsngraph.ops.counting.operator_counts import OperatorCount, counting
from bsngraph.ops.counting.without_compiler import Unfilled
from bsngraph.ops.signature import Builder, Shape, Value
from bsngraph.ops.table import OPERATIONS
from bsngraph.ops.user_code.refusal import kind_of, words_of
from bsngraph.wording import shape_text


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


def profile(op: str, arguments: Mapping[str, Value], shape: Shape) -> OperationProfile:
    """Shape, MACs and parameters of operation `op` on one example of `shape`.

    A user's operation is tried out first.

    Raises:
        ValueError: the operation cannot work on that shape, or with those arguments.
        OperationRefusedError: it would break a search or its network.
    """
    entry = OPERATIONS[op]
    return _profile(entry.builder, bool(entry.origin), tuple(sorted(arguments.items())), shape)


@lru_cache(maxsize=4096)
def _profile(
    builder: Builder, foreign: bool, arguments: tuple[tuple[str, Value], ...], shape: Shape
) -> OperationProfile:
    make = partial(build_foreign if foreign else build_ours, builder, dict(arguments), shape)
    if not foreign:  # ours are tested
        return _counted(make, shape)
    with watched_generators():
        _check_apart(_on_meta(make), shape)
        found = _counted(make, shape)
    try_out(Trial(make, shape, found.shape), found.macs, found.params)
    return found


def _on_meta(make: Callable[[], nn.Module]) -> nn.Module:
    with torch.device("meta"), Unfilled():
        return make().to("meta").eval()


def _counted(make: Callable[[], nn.Module], shape: Shape) -> OperationProfile:
    module = _on_meta(make)
    outgoing, count = _run(module, shape, 1)
    workspace, result = _memory(module, shape)
    return OperationProfile(
        shape=outgoing[1:],
        macs=count.macs,
        params=sum(parameter.numel() for parameter in module.parameters()),
        bytes=_stored_bytes(module),
        workspace=workspace,
        result=result,
        uncounted=count.uncounted,
    )


def _check_apart(module: nn.Module, shape: Shape) -> None:
    """A user's operation must give a result for each example of a batch."""
    (one, _), (several, _) = _run(module, shape, 1), _run(module, shape, 3)
    if (one[0], *several) != (1, 3, *one[1:]):
        raise ValueError(
            f"must keep examples apart, but a batch of 3 gives {shape_text(several)} and one of 1 "
            f"{shape_text(one)}"
        )


def _stored_bytes(module: nn.Module) -> int:
    """Bytes of parameters and persistent buffers; what two names share counts once."""
    distinct = {id(tensor): tensor for tensor in module.state_dict(keep_vars=True).values()}
    return sum(tensor.numel() * tensor.element_size() for tensor in distinct.values())


def _memory(module: nn.Module, shape: Shape) -> tuple[int, int]:
    """Workspace and result of a module that is known to run."""
    with torch.device("meta"), torch.no_grad(), contextlib.redirect_stdout(sys.stderr):
        example = torch.empty(1, *shape)
        with measuring() as usage:
            result = module(example)
    return usage.peak, usage.held_by(result)


def _run(module: nn.Module, shape: Shape, batch: int) -> tuple[Shape, OperatorCount]:
    """Shape and count of a forward pass of `batch` examples."""
    try:
        with torch.device("meta"), torch.no_grad(), contextlib.redirect_stdout(sys.stderr):
            example = torch.empty(batch, *shape)
            with counting() as count:
                result = module(example)
    except (Exception, SystemExit) as error:
        raise ValueError(f"cannot run on an input of {shape_text(shape)} ({words_of(error)})") from error
    if not isinstance(result, Tensor):
        raise ValueError(f"must give one tensor, but gives {kind_of(result)}")
    if result.dim() == 0:
        raise ValueError("must keep examples apart, but gives a single number for a whole batch")
    if 0 in result.shape:
        raise ValueError(
            f"leaves nothing of an input of {shape_text(shape)}: its result is "
            f"{shape_text(tuple(result.shape[1:]))}"
        )
    return tuple(result.shape), count
