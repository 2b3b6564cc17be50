"""The front of a range search: a network for each limit, as points and as pictures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from bsngraph.fabric import Fabric, read_fabric
from bsngraph.reporting.facts.metric_words import metric_mark, metric_title, metric_value
from bsngraph.reporting.facts.run_facts import RunFacts, architecture_over
from bsngraph.reporting.sections.scales import Scale, Tick, scale_over, upward
from bsngraph.reporting.sections.verdict import after
from bsngraph.runs.rows.front import Front, FrontRow
from bsngraph.wording import quantity

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class NetworkPoint:
    """A network of the front. `x` is the place of its cost, `y` and `chosen_y` those of
    its test and validation metric from the top, in percent. `anchor` is the id of its
    picture.
    """

    anchor: str
    label: str
    limits: str
    cost: str
    test: str
    validation: str
    weights: str
    edges: int
    network: Fabric
    x: float
    y: float
    chosen_y: float


@dataclass(frozen=True)
class FrontSection:
    """The networks from the cheapest on; `empty` are limits that no network is inside.
    `line` are the ends of the front's steps, in percent.
    """

    cost: str
    metric: str
    points: tuple[NetworkPoint, ...]
    empty: tuple[str, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    line: str


def front_of(facts: RunFacts) -> FrontSection | None:
    """The front of a run, None where it has none.

    Raises:
        InputError: a network of it is missing or damaged, or is not one of the fabric.
    """
    front = facts.front
    if front is None or facts.fabric is None:
        return None
    rows = front.networks
    x = scale_over([row.costs[front.cost] for row in rows] or [0.0])
    y = scale_over([each[front.metric] for row in rows for each in (row.test, row.validation)] or [0.0])
    points = tuple(_point(facts, front, number, row, x, y) for number, row in enumerate(rows, start=1))
    unit = after(front.cost, front.unit)
    return FrontSection(
        cost=f"{front.cost}{unit}",
        metric=metric_title(front.metric),
        points=points,
        empty=tuple(f"{quantity(row.limit)}{unit}" for row in front.rows if row.architecture is None),
        x_ticks=x.ticks(4),
        y_ticks=upward(y.ticks(4, partial(metric_mark, front.metric))),
        line=_steps(points),
    )


def _point(facts: RunFacts, front: Front, number: int, row: FrontRow, x: Scale, y: Scale) -> NetworkPoint:
    assert facts.fabric is not None
    assert row.architecture is not None
    file = facts.run.file(row.architecture)
    network = read_fabric(file)
    architecture = architecture_over(facts.fabric, network, file)
    unit = after(front.cost, front.unit)
    limits = [quantity(each.limit) for each in front.rows if each.architecture == row.architecture]
    return NetworkPoint(
        anchor=f"{facts.prefix}front-{number}",
        label=str(number),
        limits=", ".join(limits) + unit,
        cost=f"{quantity(row.costs[front.cost])}{unit}",
        test=metric_value(front.metric, row.test[front.metric]),
        validation=metric_value(front.metric, row.validation[front.metric]),
        weights=row.weights or "",
        edges=len(architecture.live),
        network=network,
        x=x.at(row.costs[front.cost]),
        y=y.from_top(row.test[front.metric]),
        chosen_y=y.from_top(row.validation[front.metric]),
    )


def _steps(points: Sequence[NetworkPoint]) -> str:
    """The points of a line that goes from network to network in steps: a dearer one
    answers from its cost on. By validation, which they are chosen on.
    """
    corners: list[tuple[float, float]] = []
    for point in points:
        if corners:
            corners.append((point.x, corners[-1][1]))
        corners.append((point.x, point.chosen_y))
    return " ".join(f"{x:g},{y:g}" for x, y in corners)
