"""Random streams: one generator for each purpose and epoch, derived from the run's
seed.

Nothing random is carried from one epoch to the next, so a run resumed after any epoch
draws what it would have drawn.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def derived_seed(seed: int, *purpose: object) -> int:
    """A 63-bit seed for a purpose, e.g. `derived_seed(0, "sample", epoch)`."""
    text = "/".join(map(str, (seed, *purpose)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator_for(seed: int, *purpose: object) -> torch.Generator:
    """A random generator on the CPU, seeded for a purpose."""
    return torch.Generator().manual_seed(derived_seed(seed, *purpose))


@contextmanager
def global_generator(seed: int, *purpose: object) -> Iterator[None]:
    """torch's global generators (dropout draws from them) seeded for a purpose, and the
    CPU's given back as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(seed, *purpose))
        yield
