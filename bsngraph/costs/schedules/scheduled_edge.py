"""The noun of schedules: which edge runs on which core, from when to when."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ScheduledEdge:
    """One edge in a schedule: where it runs and when.

    Edge `edge` (its index) runs on core `core` (from 0) from `start` to `end`, in the
    unit of the schedule's cost.
    """

    edge: int
    core: int
    start: float
    end: float
