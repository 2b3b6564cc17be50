"""Clocks: times of two ways taken in turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

import torch


def seconds(step: Callable[[], object], device: str | torch.device = "cpu") -> float:
    """Wall-clock seconds of one call."""
    started = time.perf_counter()
    step()
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def processor_seconds(step: Callable[[], object]) -> float:
    """Seconds of processor time of one call: what one thread does, other processes or
    not.
    """
    started = time.process_time()
    step()
    return time.process_time() - started


def in_turn(
    ways: Sequence[Callable[[], object]],
    repeats: int,
    device: str | torch.device = "cpu",
    clock: Callable[[Callable[[], object]], float] | None = None,
    warm: int = 2,
) -> list[list[float]]:
    """Seconds of each way, (ways, repeats), in turn in every round, so that a slow
    moment meets all; `warm` rounds go before.
    """
    for _ in range(warm):
        for way in ways:
            way()
    rounds = [[clock(way) if clock else seconds(way, device) for way in ways] for _ in range(repeats)]
    return [list(times) for times in zip(*rounds, strict=True)]


def ratio(numerator: Sequence[float], denominator: Sequence[float]) -> float:
    """The median over the rounds of one way's seconds over another's."""
    return statistics.median(above / below for above, below in zip(numerator, denominator, strict=True))


def milliseconds(times: Sequence[float]) -> float:
    """The median, in ms."""
    return 1000 * statistics.median(times)
