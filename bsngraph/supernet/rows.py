"""Taking rows out of a batch and putting them back, each once, without losing the memory layout.

`index_select` and `index_add` give contiguous (NCHW) results whatever comes in; through a view with the channels last they keep
channels_last, in which CPU convolutions run faster. All rows that leave a value are one step of autograd, and so are all that are added
up to one: a gradient is then filled once for all edges, not once for each and added up again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

Rows = Tensor | None


def take_rows(x: Tensor, rows: Sequence[Rows]) -> list[Tensor]:
    """For each of `rows`, those examples (k,) of x (batch, …); x itself where it is None."""
    some = [part for part in rows if part is not None]
    taken = iter(_Take.apply(x, *some) if some else ())  # type: ignore[no-untyped-call]
    return [x if part is None else next(taken) for part in rows]


def add_rows(parts: Sequence[tuple[Tensor, Rows]], count: int) -> Tensor:
    """The sum of batches y (k, …), each at its rows (k,) of `count`; of whole batches where its rows are None."""
    if all(rows is None for _, rows in parts):
        total, *others = (y for y, _ in parts)
        for y in others:
            total = total + y
        return total
    spread: Tensor = _Add.apply(count, *(rows for _, rows in parts), *(y for y, _ in parts))  # type: ignore[no-untyped-call]
    return spread


def spread_rows(y: Tensor, rows: Rows, count: int, fill: float = 0.0) -> Tensor:
    """A batch of `count` examples that holds y (k, …) at `rows` (k,) and `fill` elsewhere; y itself where rows is None."""
    if rows is None or fill == 0.0:
        return add_rows([(y, rows)], count)
    last = _channels_last(y)
    values = _plain(y, last)
    return _restored(values.new_full((count, *values.shape[1:]), fill).index_copy(0, rows, values), last)


class _Take(Function):
    """x (n, …), rows (k,) … → those rows of x, …"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, *rows: Tensor) -> tuple[Tensor, ...]:
        ctx.set_materialize_grads(False)
        ctx.rows, ctx.shape, ctx.last = rows, x.shape, _channels_last(x)
        values = _plain(x, ctx.last)
        return tuple(_restored(values.index_select(0, part), ctx.last) for part in rows)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        parts = [(gradient, part) for gradient, part in zip(gradients, ctx.rows, strict=True) if gradient is not None]
        return _sum(parts, ctx.shape[0], ctx.last) if parts else None, *(None for _ in ctx.rows)


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
        last = _channels_last(gradient)
        values = _plain(gradient, last)
        parts = (gradient if rows is None else _restored(values.index_select(0, rows), last) for rows in ctx.rows)
        return None, *(None for _ in ctx.rows), *parts


def _sum(parts: Sequence[tuple[Tensor, Rows]], count: int, last: bool) -> Tensor:
    """The sum, whole batches first: nothing is filled with zeros where there is one."""
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


def _plain(x: Tensor, last: bool) -> Tensor:
    """With the channels last, as they lie in memory."""
    return x.permute(0, 2, 3, 1) if last else x


def _restored(x: Tensor, last: bool) -> Tensor:
    return x.permute(0, 3, 1, 2) if last else x


def _channels_last(x: Tensor) -> bool:
    return x.dim() == 4 and x.shape[1] > 1 and x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()
