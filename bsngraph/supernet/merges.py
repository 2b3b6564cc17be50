"""The functions behind the table of merges (`ops/merges.py`).

In: the results of the live edges into a node, each with the rows of the node's batch it
has values for (None: all of them); every row has at least one. Out: (rows, …). Absent
inputs are never multiplied away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from bsngraph.ops.merges import MergePart, Place
from bsngraph.supernet.rows import add_rows, spread_rows


def merge_sum(parts: Sequence[MergePart], place: Place) -> Tensor:
    """Σ of the inputs present."""
    return add_rows([(part.value, part.rows) for part in parts], place.count)


def merge_mean(parts: Sequence[MergePart], place: Place) -> Tensor:
    """Mean of the inputs present."""
    total = merge_sum(parts, place)
    if len(parts) == 1:
        return total
    if place.present is None:
        return total / len(parts)
    return total / place.present.to(total.dtype).view(-1, *[1] * (total.dim() - 1))


def merge_max(parts: Sequence[MergePart], place: Place) -> Tensor:
    """Elementwise maximum of the inputs present."""
    return fold(parts, place, torch.maximum, -torch.inf)


def merge_mul(parts: Sequence[MergePart], place: Place) -> Tensor:
    """Elementwise product of the inputs present."""
    return fold(parts, place, torch.mul, 1.0)


def merge_concat(parts: Sequence[MergePart], place: Place) -> Tensor:
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


def fold(
    parts: Sequence[MergePart], place: Place, combine: Callable[[Tensor, Tensor], Tensor], neutral: float
) -> Tensor:
    """Combine the inputs one after the other; an absent one counts as `neutral`."""
    first, *others = parts
    total = spread_rows(first.value, first.rows, place.count, neutral)
    for part in others:
        total = combine(total, spread_rows(part.value, part.rows, place.count, neutral))
    return total
