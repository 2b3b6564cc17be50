"""Where a value stands along an axis, in percent of its length.

Charts of the page are placed in percent, so that they fit any width of screen and their
text keeps its size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bsngraph.wording import quantity

_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Tick:
    """A mark of an axis, `at` percent of it."""

    at: float
    text: str


@dataclass(frozen=True)
class Scale:
    """An axis from `low` to `high`, which differ; `logarithmic` needs both above 0."""

    low: float
    high: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """Percent of the axis, between 0 and 100."""
        low, high, here = self.low, self.high, value
        if self.logarithmic:
            low, high, here = math.log(low), math.log(high), math.log(max(value, self.low))
        return round(min(max(100 * (here - low) / (high - low), 0.0), 100.0), 2)

    def from_top(self, value: float) -> float:
        """Percent of an axis that goes upwards, counted from its top."""
        return round(100 - self.at(value), 2)

    def ticks(self, most: int = 5, told: Callable[[float], str] = quantity) -> tuple[Tick, ...]:
        """Round values along the axis, about `most` of them, as `told` writes them."""
        values = self._powers(most) if self.logarithmic else self._steps(most)
        return tuple(Tick(self.at(value), told(value)) for value in values)

    def _steps(self, most: int) -> list[float]:
        rough = (self.high - self.low) / most
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * step for step in _STEPS if power * step >= rough * (1 - 1e-9))
        first = math.ceil(self.low / step - 1e-9)
        count = math.floor((self.high - first * step) / step + 1e-9) + 1
        return [(first + number) * step for number in range(count)]

    def _powers(self, most: int) -> list[float]:
        """1, 2 and 5 times powers of ten; the two ends where these are few."""
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        found = [
            digit * 10.0**power
            for power in range(first, last + 1)
            for digit in (1, 2, 5)
            if self.low <= digit * 10.0**power <= self.high
        ]
        if len(found) < 2:
            return [self.low, self.high]
        return found[:: -(-len(found) // most)]


def upward(ticks: Iterable[Tick]) -> tuple[Tick, ...]:
    """The marks of an axis that goes upwards, counted from its top."""
    return tuple(Tick(round(100 - tick.at, 2), tick.text) for tick in ticks)


def scale_over(values: Iterable[float], *, margin: float = 0.06, from_zero: bool = False) -> Scale:
    """An axis that holds all values, of which there is one, with a margin."""
    there = list(values)
    low, high = min(there), max(there)
    if from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    room = (high - low) * margin or abs(high) * margin or 1.0
    return Scale(low if from_zero and low == 0 else low - room, high + room)


def logarithmic_over(values: Iterable[float], *, margin: float = 0.08) -> Scale:
    """A logarithmic axis that holds all values, each above 0, with a margin."""
    there = list(values)
    low, high = min(there), max(there)
    factor = max((high / low) ** margin, 1.02)
    return Scale(low / factor, high * factor, logarithmic=True)
