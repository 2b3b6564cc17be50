"""Short hashes of examples, by which they are found again whatever their order.

In: arrays with a row for each example. Out: 64 bits a row. Equal values give equal
hashes, however they are stored: floating-point numbers are hashed as float64, labels as
int64.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from bsngraph.tasks.label_forms import Array

Digests = NDArray[np.uint64]

_AT_ONCE = 4096


def input_digests(inputs: Array) -> Digests:
    """A hash for each of the inputs (n, …): of its shape and values."""
    return _digests(inputs, np.uint8 if inputs.dtype == np.uint8 else np.float64)


def label_digests(labels: Array) -> Digests:
    """A hash for each of the labels (n, …): of its shape and values."""
    return _digests(labels, np.float64 if labels.dtype.kind == "f" else np.int64)


def joint_digests(inputs: Digests, labels: Digests) -> tuple[str, ...]:
    """One hash for each example, of its inputs' and its label's: 16 hexadecimal
    digits.
    """
    rows = np.stack([inputs, labels], axis=1).astype("<u8")
    return tuple(hashlib.blake2b(row.tobytes(), digest_size=8).hexdigest() for row in rows)


def texts_of(digests: Digests) -> tuple[str, ...]:
    """Each hash as 16 hexadecimal digits."""
    return tuple(f"{int(one):016x}" for one in digests)


def _digests(values: Array, kind: type[np.generic]) -> Digests:
    shape = f"{values.shape[1:]}".encode()
    found = np.empty(len(values), dtype="<u8")
    for start in range(0, len(values), _AT_ONCE):
        some = np.ascontiguousarray(values[start : start + _AT_ONCE], dtype=kind)
        for row, one in enumerate(some, start=start):
            digest = hashlib.blake2b(shape + one.tobytes(), digest_size=8).digest()
            found[row] = int.from_bytes(digest, "little")
    return found.astype(np.uint64)
