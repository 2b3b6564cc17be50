"""The order of names in a fabric: numbers in them sort as people count."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bsngraph.fabric.model import Edge


def natural_key(name: str) -> tuple[object, ...]:
    """A sort key that puts `s2` before `s10`. Different names have different keys."""
    parts = re.split(r"([0-9]+)", name)
    # digits are compared as text: there may be more than an int can be made of
    numbers = (part.lstrip("0") if part.isdecimal() and part.isascii() else None for part in parts)
    return (
        *((1, 0, part) if n is None else (0, len(n), n) for n, part in zip(numbers, parts, strict=True)),
        (2, 0, name),
    )


def edges_by_name(edges: Sequence[Edge]) -> list[int]:
    """Indices of edges, ordered by source, target and key.

    Pruning keeps this order. It does not keep the order of the indices themselves,
    which follows the levels of the nodes.
    """

    def names(index: int) -> tuple[tuple[object, ...], ...]:
        edge = edges[index]
        return natural_key(edge.source), natural_key(edge.target), natural_key(edge.key)

    return sorted(range(len(edges)), key=names)
