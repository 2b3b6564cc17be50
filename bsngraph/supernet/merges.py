"""How a node's live inputs become one value: one table row a merge.

In: the results of the live edges into a node, each with the rows of the node's batch it
has values for (None: all of them); every row has at least one. Out: (rows, …). Absent
inputs are never multiplied away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from bsngraph.supernet.rows import add_rows, spread_rows


@dataclass(frozen=True)
class Part:
    """What one edge brings: values (k, …), the rows (k,) they belong to, and the first
    channel of its slot at a concat.
    """

    value: Tensor
    rows: Tensor | None
    offset: int = 0


@dataclass(frozen=True)
class Place:
    """The node a merge works for: how many rows it has, how many inputs each row has
    (rows,) where not all the same, how wide it is.
    """

    count: int
    present: Tensor | None
    channels: int


Merge = Callable[[Sequence[Part], Place], Tensor]


def merge_sum(parts: Sequence[Part], place: Place) -> Tensor:
    """Σ of the inputs present."""
    return add_rows([(part.value, part.rows) for part in parts], place.count)


def merge_mean(parts: Sequence[Part], place: Place) -> Tensor:
    """Mean of the inputs present."""
    total = merge_sum(parts, place)
    if place.present is None:
        return total / len(parts)
    return total / place.present.to(total.dtype).view(-1, *[1] * (total.dim() - 1))


def merge_max(parts: Sequence[Part], place: Place) -> Tensor:
    """Elementwise maximum of the inputs present."""
    return _fold(parts, place, torch.maximum, -torch.inf)


def merge_mul(parts: Sequence[Part], place: Place) -> Tensor:
    """Elementwise product of the inputs present."""
    return _fold(parts, place, torch.mul, 1.0)


def merge_concat(parts: Sequence[Part], place: Place) -> Tensor:
    """Every input in its slot of channels, zeros where it is absent."""
    pieces: list[Tensor] = []
    filled = 0
    for part in sorted(parts, key=lambda part: part.offset):
        value = spread_rows(part.value, part.rows, place.count)
        pieces += [_blank(value, part.offset - filled), value]
        filled = part.offset + value.shape[1]
    pieces.append(_blank(pieces[-1], place.channels - filled))
    return torch.cat([piece for piece in pieces if piece.shape[1]], dim=1)


def _blank(like: Tensor, channels: int) -> Tensor:
    return like.new_zeros(like.shape[0], channels, *like.shape[2:])


def _fold(
    parts: Sequence[Part], place: Place, combine: Callable[[Tensor, Tensor], Tensor], neutral: float
) -> Tensor:
    first, *others = parts
    total = spread_rows(first.value, first.rows, place.count, neutral)
    for part in others:
        total = combine(total, spread_rows(part.value, part.rows, place.count, neutral))
    return total


MERGES: dict[str, Merge] = {
    "sum": merge_sum,
    "mean": merge_mean,
    "max": merge_max,
    "mul": merge_mul,
    "concat": merge_concat,
}

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor] | None] = {
    "none": None,
    "relu": functional.relu,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "hardswish": functional.hardswish,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}
