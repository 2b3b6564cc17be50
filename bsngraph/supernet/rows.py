"""Taking rows out of a batch and putting them back, without losing the memory layout.

`index_select` and `index_copy` give contiguous (NCHW) results whatever comes in; through a view with the channels last they keep
channels_last, in which CPU convolutions run faster.
"""

from __future__ import annotations

import torch
from torch import Tensor


def take_rows(x: Tensor, rows: Tensor | None) -> Tensor:
    """The examples `rows` (k,) of x (batch, …); x itself where rows is None."""
    if rows is None:
        return x
    if _channels_last(x):
        return x.permute(0, 2, 3, 1).index_select(0, rows).permute(0, 3, 1, 2)
    return x.index_select(0, rows)


def spread_rows(y: Tensor, rows: Tensor | None, count: int, fill: float = 0.0) -> Tensor:
    """A batch of `count` examples that holds y (k, …) at `rows` (k,) and `fill` elsewhere; y itself where rows is None."""
    if rows is None:
        return y
    if _channels_last(y):
        size, channels, height, width = count, y.shape[1], y.shape[2], y.shape[3]
        whole = y.new_full((size, height, width, channels), fill).index_copy(0, rows, y.permute(0, 2, 3, 1))
        return whole.permute(0, 3, 1, 2)
    return y.new_full((count, *y.shape[1:]), fill).index_copy(0, rows, y)


def add_rows(total: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
    """total (n, …) with y (k, …) added at `rows` (k,); a plain sum where rows is None."""
    if rows is None:
        return total + y
    if _channels_last(total):
        return total.permute(0, 2, 3, 1).index_add(0, rows, y.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    return total.index_add(0, rows, y)


def _channels_last(x: Tensor) -> bool:
    return x.dim() == 4 and x.shape[1] > 1 and x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()
