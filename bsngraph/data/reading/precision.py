"""How numbers are stored: in float32 if that tells them apart, else in float64.

Networks compute in float32, which has 24 bits: near 1.7e9, a time in seconds, its
numbers lie 128 apart. Such values are normalised in float64 before they are rounded.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bsngraph.errors import InputError
from bsngraph.tasks.label_forms import Array

_LARGEST = float(np.finfo(np.float32).max)
ROUNDING_NOISE = 1e-13
"""A deviation below this share of the largest value is an error of rounding in float64,
and no difference between examples.
"""

# The rounding, in deviations of a channel, above which a type is too coarse for it.
_COARSE = 1e-3


def check_finite_values(origin: str, values: Array) -> None:
    """Whether values (n, …) are finite numbers that a network can compute with.

    Raises:
        InputError: one is not; the text names its row and column.
    """
    if values.dtype.kind != "f":
        return
    largest = min(_LARGEST, float(np.finfo(values.dtype.name).max))
    wrong = ~(np.abs(values) <= largest)  # true for NaN as well
    if wrong.any():
        place = tuple(int(one) for one in np.argwhere(wrong)[0])
        if np.isfinite(values[place]):
            cure = f"is more than {_LARGEST:.2g}, the largest number that networks compute with: scale it"
        else:
            cure = "is not a finite number: fill in or remove what is missing"
        raise InputError(f"{origin}: {place_text(place)} holds {values[place]}, which {cure}")


def place_text(place: tuple[int, ...]) -> str:
    """`row 3`, `row 3, column 1`, `row 3 at (0, 2, 2)`, counted from 0."""
    inner = {0: "", 1: f", column {place[-1]}"}.get(len(place) - 1, f" at {place[1:]}")
    return f"row {place[0]}{inner}"


def stored(origin: str, values: Array) -> Array:
    """Finite inputs (n, …) as a data set keeps them: bytes as bytes, else float32, or
    float64 if a channel's values would not stay apart in float32.

    Raises:
        InputError: the whole numbers of a channel would not stay apart in float64.
    """
    if values.dtype == np.uint8:
        return values
    if not coarse_channels(values).any():
        return values.astype(np.float32)
    if values.dtype.kind in "iu" and (lost := coarse_channels(values, np.float64)).any():
        raise InputError(
            f"{origin}: column {int(np.argmax(lost))} holds whole numbers that are large and differ by "
            "little: subtract the smallest one from all, in whole numbers"
        )
    return values.astype(np.float64)


def coarse_channels(values: Array, kind: type[np.floating[Any]] = np.float32) -> NDArray[np.bool_]:
    """Of which channels (features, for sequences and vectors) the floating-point `kind`
    would round differences away: (channels,).
    """
    channel = 2 if values.ndim == 3 else 1
    if values.dtype.itemsize < 4 or values.dtype == np.float32:
        return np.zeros(values.shape[channel], dtype=np.bool_)
    others = tuple(axis for axis in range(values.ndim) if axis != channel)
    low, high = values.min(axis=others), values.max(axis=others)
    largest = np.maximum(np.abs(low.astype(np.float64)), np.abs(high.astype(np.float64)))
    deviation = values.std(axis=others, dtype=np.float64)
    noise = ROUNDING_NOISE * largest if values.dtype.kind == "f" else 0.0
    coarse: NDArray[np.bool_] = largest * float(np.finfo(kind).eps) > _COARSE * deviation
    coarse &= (low != high) & (deviation >= noise)
    return coarse
