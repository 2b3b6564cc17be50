"""Taking rows out of a batch and putting them back, once each.

The memory layout is kept.

`index_select` and `index_add` give contiguous (NCHW) results whatever comes in; through
a view with the channels last they keep channels_last, in which CPU convolutions run
faster. All rows that leave a value are one step of autograd, and so are all that are
added up to one: a gradient is then filled once for all edges, not once for each and
added up again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.autograd.graph import saved_tensors_hooks

from bsngraph.ops.modules.image_modules import strided_pixels

RowIndices = Tensor | None

# From which share of a value's rows on an edge takes them again in the backward pass,
# see `run_on`.
_NEARLY_ALL = 2 / 3


@dataclass(frozen=True)
class Taken:
    """What an edge takes of a value.

    `x` (k, …) are the rows `rows` (k,) of `whole`; x is the whole where rows is None.
    Of images, x has one pixel of `step` in each direction.
    """

    x: Tensor
    whole: Tensor
    rows: RowIndices
    step: int


def take_rows(whole: Tensor, rows: Sequence[RowIndices], steps: Sequence[int]) -> list[Taken]:
    """For each of `rows`, those examples of a value (batch, …); None takes them all.

    `steps` says which pixels are enough: the first of so many in each direction. All
    come where that spares nothing: without gradients, and on other devices than a CPU.
    """
    if not (torch.is_grad_enabled() and whole.device.type == "cpu"):
        steps = [1] * len(steps)
    some = [(part, step) for part, step in zip(rows, steps, strict=True) if part is not None]
    taken = iter(_Take.apply(whole, *some) if some else ())  # type: ignore[no-untyped-call]
    return [
        Taken(strided_pixels(whole, step) if part is None else next(taken), whole, part, step)
        for part, step in zip(rows, steps, strict=True)
    ]


def run_on(taken: Taken, operation: Callable[[Tensor], Tensor]) -> Tensor:
    """The operation's result on what was taken, x.

    Where x is most of a value, autograd does not save it for the backward pass: the
    rows are taken again there. While edges are likely to be kept, each that leaves a
    node takes nearly all of its rows: saved, these copies of one value would be most of
    the memory of a training step. Smaller ones are saved, to spare the time.

    Raises:
        RuntimeError: in the backward pass, where another operation has changed the
            value in place meanwhile.
    """
    x, rows, step = taken.x, taken.rows, taken.step
    if rows is None or not torch.is_grad_enabled() or len(rows) < _NEARLY_ALL * len(taken.whole):
        return operation(x)
    whole, place = taken.whole.detach(), (x.data_ptr(), x.shape, x.stride(), x._version)
    version = whole._version

    def pack(saved: Tensor) -> Tensor | None:
        # Of another version is what an operation that works in place has made of x.
        return None if (saved.data_ptr(), saved.shape, saved.stride(), saved._version) == place else saved

    def unpack(saved: Tensor | None) -> Tensor:
        if saved is not None:
            return saved
        if whole._version != version:
            raise RuntimeError(
                "an operation has changed its input, which other edges take too: it must not work in place"
            )
        return _taken(whole, rows, step)

    with saved_tensors_hooks(pack, unpack):
        return operation(x)


def add_rows(parts: Sequence[tuple[Tensor, RowIndices]], count: int) -> Tensor:
    """The sum of batches y (k, …), each at its rows (k,) of `count`.

    A batch whose rows are None is whole.
    """
    if all(rows is None for _, rows in parts):
        total, *others = (y for y, _ in parts)
        for y in others:
            total = total + y
        return total
    spread: Tensor = _Add.apply(count, *(rows for _, rows in parts), *(y for y, _ in parts))  # type: ignore[no-untyped-call]
    return spread


def spread_rows(y: Tensor, rows: RowIndices, count: int, fill: float = 0.0) -> Tensor:
    """A batch of `count` examples with y (k, …) at `rows` (k,) and `fill` elsewhere.

    It is y itself where rows is None.
    """
    if rows is None or fill == 0.0:
        return add_rows([(y, rows)], count)
    last = _channels_last(y)
    values = _plain(y, last)
    return _restored(values.new_full((count, *values.shape[1:]), fill).index_copy(0, rows, values), last)


class _Take(Function):
    """x (n, …), its parts (rows (k,), step) … → those rows of x, thinned, …"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, *parts: tuple[Tensor, int]) -> tuple[Tensor, ...]:
        ctx.set_materialize_grads(False)
        ctx.parts, ctx.shape, ctx.last = parts, x.shape, _channels_last(x)
        return tuple(_taken(x, rows, step) for rows, step in parts)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        by_step: dict[int, list[tuple[Tensor, RowIndices]]] = {}
        for gradient, (rows, step) in zip(gradients, ctx.parts, strict=True):
            if gradient is not None:
                by_step.setdefault(step, []).append((gradient, rows))
        sums = {step: _sum(parts, ctx.shape[0], ctx.last) for step, parts in by_step.items()}
        return _united(sums, ctx.shape, ctx.last), *(None for _ in ctx.parts)


class _Add(Function):
    """count n, rows (k,) …, y (k, …) … → (n, …), the sum of all y at their rows."""

    @staticmethod
    def forward(ctx: Any, count: int, *rows_and_values: Any) -> Tensor:
        ctx.rows = rows_and_values[: len(rows_and_values) // 2]
        values = rows_and_values[len(ctx.rows) :]
        return _sum(list(zip(values, ctx.rows, strict=True)), count, any(map(_channels_last, values)))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        parts = (gradient if rows is None else _taken(gradient, rows) for rows in ctx.rows)
        return None, *(None for _ in ctx.rows), *parts


def _sum(parts: Sequence[tuple[Tensor, RowIndices]], count: int, last: bool) -> Tensor:
    """The sum, in the widest of the types, as autocast mixes them.

    Whole batches come first: if there is one, nothing is filled with zeros.
    """
    widest = functools.reduce(torch.promote_types, (y.dtype for y, _ in parts))
    parts = [(y.to(widest), rows) for y, rows in parts]
    whole = [_plain(y, last) for y, rows in parts if rows is None]
    if len(whole) > 1:
        total = torch.add(whole[0], whole[1])
        for y in whole[2:]:
            total.add_(y)
    elif whole:
        total = whole[0].clone(memory_format=torch.contiguous_format)
    else:
        first = _plain(parts[0][0], last)
        total = first.new_zeros(count, *first.shape[1:])
    for y, rows in parts:
        if rows is not None:
            total.index_add_(0, rows, _plain(y, last))
    return _restored(total, last)


def _united(sums: dict[int, Tensor], shape: torch.Size, last: bool) -> Tensor | None:
    """The sum of gradients (n, …), each of pixels with a step, over all pixels."""
    total = sums.pop(1, None)
    for step, thin in sums.items():
        if total is None:
            layout = torch.channels_last if last else torch.contiguous_format
            total = torch.empty(shape, dtype=thin.dtype, device=thin.device, memory_format=layout).zero_()
        total[:, :, ::step, ::step] += thin
    return total


def _taken(x: Tensor, rows: Tensor, step: int = 1) -> Tensor:
    last = _channels_last(x)
    pixels = x if step == 1 else x[:, :, ::step, ::step]
    return _restored(_plain(pixels, last).index_select(0, rows), last)


def _plain(x: Tensor, last: bool) -> Tensor:
    """With the channels last, as they lie in memory."""
    return x.permute(0, 2, 3, 1) if last else x


def _restored(x: Tensor, last: bool) -> Tensor:
    return x.permute(0, 3, 1, 2) if last else x


def _channels_last(x: Tensor) -> bool:
    return (
        x.dim() == 4
        and x.shape[1] > 1
        and x.is_contiguous(memory_format=torch.channels_last)
        and not x.is_contiguous()
    )
