"""The front of a sweep for a cost: none better in the metric and in the cost at once.

In: finished runs. Out: points, which are means over runs that differ in the seed alone,
and which of these are on the front.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bsngraph.sweeping.outcomes.swept_runs import Sweep, SweptRun

SEED_AXIS = "seed"
_DEFAULT_COST = "macs"


class Spread(NamedTuple):
    """A mean, and the deviation of a sample: None for one run."""

    mean: float
    deviation: float | None


@dataclass(frozen=True)
class SweepPoint:
    """Runs that differ in the seed alone: their shared values, and means over them.

    `best` is the run of these with the best metric on validation data.
    """

    values: dict[str, str]
    runs: tuple[str, ...]
    best: str
    cost: Spread
    validation: Spread
    test: Spread


@dataclass(frozen=True)
class SweepFront:
    """All points for a cost in its unit, the cheapest first, and those on the front.

    `infeasible` are the limits that no sub-network was inside.
    """

    cost: str
    unit: str
    points: tuple[SweepPoint, ...]
    front: tuple[SweepPoint, ...]
    infeasible: tuple[float, ...]


def fronts_of(sweep: Sweep) -> tuple[SweepFront, ...]:
    """A front for each cost that has a budget; for MACs where none has."""
    budgeted = dict.fromkeys(limit.cost for row in sweep.rows for limit in row.budgets)
    return tuple(_front(sweep, cost) for cost in budgeted or (_DEFAULT_COST,))


def undominated(points: Sequence[SweepPoint], *, higher_is_better: bool) -> tuple[SweepPoint, ...]:
    """The points that no other is as good as in metric and cost and better in one of
    them, the cheapest first.
    """
    sign = -1 if higher_is_better else 1
    kept: list[SweepPoint] = []
    for point in sorted(points, key=lambda point: (point.cost.mean, sign * point.validation.mean)):
        loss = sign * point.validation.mean
        if not kept or loss < sign * kept[-1].validation.mean or _equal(point, kept[-1]):
            kept.append(point)
    return tuple(kept)


def _equal(one: SweepPoint, other: SweepPoint) -> bool:
    return (one.cost.mean, one.validation.mean) == (other.cost.mean, other.validation.mean)


def _front(sweep: Sweep, cost: str) -> SweepFront:
    metric = sweep.record.metric
    groups: dict[tuple[tuple[str, str], ...], list[SweptRun]] = {}
    for row in sweep.rows:
        if row.cost(cost) is not None and row.score(metric.name) is not None:
            groups.setdefault(tuple(_shared_values(row).items()), []).append(row)
    points = [_point(rows, cost, metric.name, metric.higher_is_better) for rows in groups.values()]
    points.sort(key=lambda point: point.cost.mean)
    units = [row.result.costs[cost].unit for rows in groups.values() for row in rows if row.result]
    limits = {
        limit.limit
        for row in sweep.rows
        if row.state == "infeasible"
        for limit in row.budgets
        if limit.cost == cost and limit.limit is not None
    }
    front = undominated(points, higher_is_better=metric.higher_is_better)
    return SweepFront(cost, units[0] if units else "", tuple(points), front, tuple(sorted(limits)))


def _point(rows: Sequence[SweptRun], cost: str, metric: str, higher_is_better: bool) -> SweepPoint:
    best = (max if higher_is_better else min)(rows, key=lambda row: row.score(metric) or 0.0)
    return SweepPoint(
        values=_shared_values(rows[0]),
        runs=tuple(row.name for row in rows),
        best=best.name,
        cost=_spread(row.cost(cost) for row in rows),
        validation=_spread(row.score(metric) for row in rows),
        test=_spread(row.score(metric, "test") for row in rows),
    )


def _shared_values(row: SweptRun) -> dict[str, str]:
    return {label: text for label, text in row.values.items() if label != SEED_AXIS}


def _spread(values: Iterable[float | None]) -> Spread:
    numbers = [value for value in values if value is not None]
    return Spread(statistics.fmean(numbers), statistics.stdev(numbers) if len(numbers) > 1 else None)
