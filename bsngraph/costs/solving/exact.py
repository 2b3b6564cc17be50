"""Sums of costs without rounding: what is proved the cheapest is held to these.

In: weights of edges as floats. Out: whole numbers in one unit, in which sums and
comparisons are exact, however large or small the weights are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from bsngraph.costs.cost import Costs


def exact_weights(weights: Costs) -> list[int]:
    """Finite weights (edges,) as whole numbers, all in the same unit: a power of 2."""
    ratios = [weight.as_integer_ratio() for weight in weights.tolist()]
    unit = max((below for _, below in ratios), default=1)  # each is a power of 2
    return [above * (unit // below) for above, below in ratios]


def exact_sum(weights: Sequence[int], edges: Iterable[int]) -> int:
    """The sum of some edges' weights."""
    return sum(weights[edge] for edge in edges)


def certain_step(weights: Sequence[int]) -> int:
    """No two sums of these weights differ by less, unless they are equal."""
    return math.gcd(*weights)


def same_but_for_scale(weights: Costs) -> bytes:
    """What weights have in common that are the same after multiplication by a power of
    2, such as MACs and FLOPs; this alone rounds nothing.
    """
    _, exponent = np.frexp(weights.max(initial=0.0))
    return np.ldexp(weights, -int(exponent)).tobytes()
