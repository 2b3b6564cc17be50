"""How long a call takes: warmed up, repeated for a given time, as a median with its
spread.

In: a call without arguments, a device, the number of CPU threads. Out: a `Timing` in
milliseconds. The clock is torch's benchmark timer: it waits for the device, sets the
threads, and repeats a short call within a block until reading the clock no longer
counts.
"""

from __future__ import annotations

import platform
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch

from bsngraph.errors import InputError
from bsngraph.typed_files import Amount, Number

if TYPE_CHECKING:
    from torch.utils.benchmark import Timer

_STEADY = 0.05
_WINDOW = 5


@dataclass(frozen=True)
class Timing:
    """Milliseconds of one call: the median over blocks, their 10th and 90th percentile,
    and how many calls were timed.
    """

    median_ms: Amount
    low_ms: Amount
    high_ms: Amount
    runs: Number

    def __post_init__(self) -> None:
        if not self.low_ms <= self.median_ms <= self.high_ms:
            raise ValueError("a timing's low, median and high must be in that order")


@dataclass(frozen=True)
class Patience:
    """How long to measure: `seconds` of timed calls, after at most `warmup_s` of
    warming up.
    """

    seconds: float = 0.1
    warmup_s: float = 0.1


class Measure(Protocol):
    """What measures a call; tests put a counter in its place."""

    def __call__(
        self, run: Callable[[], object], *, device: torch.device, threads: int, patience: Patience
    ) -> Timing: ...


def measure_module(
    run: Callable[[], object],
    *,
    device: torch.device,
    threads: int,
    patience: Patience | None = None,
    clock: Callable[[], float] | None = None,
) -> Timing:
    """Time `run()` in inference mode with `threads` CPU threads, in seconds of `clock`
    (torch's own, unless another is given).

    On an accelerator every call is waited for, so that this is the time until the
    result is there and not until it is asked for.
    """
    from torch.utils.benchmark import Timer, timer  # loads setuptools, and few commands measure

    patience = patience or Patience()
    if device.type == "cpu":
        once = run
    else:

        def once() -> object:
            result = run()
            torch.accelerator.synchronize(device)
            return result

    calls = Timer("once()", globals={"once": once}, timer=clock or timer, num_threads=threads)
    with torch.inference_mode():
        _warm_up(calls, patience.warmup_s)
        measured = calls.blocked_autorange(min_run_time=patience.seconds)
    return _timing([1000 * seconds for seconds in measured.times], measured.number_per_run)


def _warm_up(calls: Timer, seconds: float) -> None:
    """Call until two windows in a row take the same time within `_STEADY`, or the time
    is over.
    """
    spent, before = 0.0, 0.0
    while spent < seconds:
        window = [calls.timeit(1).median for _ in range(_WINDOW)]
        spent += sum(window)
        now = statistics.median(window)
        if abs(now - before) <= _STEADY * now:
            return
        before = now


def _timing(times_ms: list[float], calls_each: int) -> Timing:
    """The timing of blocks, each the mean of its calls."""
    median = statistics.median(times_ms)
    # twice, since of a single time there are none
    deciles = statistics.quantiles(times_ms * 2, n=10, method="inclusive")
    # of equal times they may differ in the last bit
    low, high = min(deciles[0], median), max(deciles[-1], median)
    return Timing(median, low, high, calls_each * len(times_ms))


def device_name(device: torch.device) -> str:
    """What a measurement holds for: the model of the processor or of the accelerator.

    Raises:
        InputError: there is no such device here.
    """
    try:
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise InputError(
            f"device {str(device)!r} cannot be measured here ({str(error).splitlines()[0]}): use cpu"
        ) from None
    return (
        torch.cuda.get_device_name(device)
        if device.type == "cuda"
        else _processor()
        if device.type == "cpu"
        else str(device)
    )


def _processor() -> str:
    """The processor's model as Linux says it, else what Python knows of it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models and models[0] else platform.processor() or platform.machine()
