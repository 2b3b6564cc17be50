"""Budgets on cores: which edge runs on which core, and when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsngraph.costs.schedules.schedule_costs import Makespan, Steps, schedule_of
from bsngraph.costs.schedules.scheduled_edge import ScheduledEdge
from bsngraph.draw.charts.gantt_labels import ink_on
from bsngraph.draw.palette import family_of, short_label
from bsngraph.errors import InputError
from bsngraph.fabric import Fabric
from bsngraph.reporting.facts.run_facts import RunFacts
from bsngraph.reporting.sections.scales import Scale, Tick
from bsngraph.reporting.sections.spent.edge_costs import recorded_cost
from bsngraph.wording import percent, quantity, shortened

_KINDS = ("steps", "makespan")
_MOST_BARS = 400

# How wide a bar is at least, in percent, for each letter of its label: a chart is at
# least 640 pixels wide, and a letter about 7.
_PERCENT_A_LETTER = 1.15


@dataclass(frozen=True)
class GanttBar:
    """An edge on a core, `at` and `width` in percent of the chart. `label` is its name
    where the bar has room for it, else its number.
    """

    number: int
    name: str
    operation: str
    core: int
    at: float
    width: float
    label: str
    colour: str
    ink: str
    when: str


@dataclass(frozen=True)
class Schedule:
    """A budget's schedule. `rows` are the cores that are drawn; `reason` says why there
    is no chart, and is empty where there is one.
    """

    cost: str
    summary: str
    rows: int
    bars: tuple[GanttBar, ...]
    ticks: tuple[Tick, ...]
    unit: str
    reason: str = ""


def schedules_of(facts: RunFacts) -> tuple[Schedule, ...]:
    """A chart for each budget on cores; none before the run has a network."""
    network = facts.network
    asked = [budget.cost for budget in facts.config.budgets]
    names = [name for name in asked if name.partition(":")[0] in _KINDS]
    return () if network is None else tuple(_schedule(facts, network, name) for name in names)


def _schedule(facts: RunFacts, network: Fabric, name: str) -> Schedule:
    try:
        cost = recorded_cost(facts, network, name)
    except InputError as error:
        return _none(name, str(error))
    if not isinstance(cost, Steps | Makespan):
        return _none(name, "the run's files do not say how long each edge takes")
    if np.count_nonzero(cost.durations) > _MOST_BARS:
        return _none(name, f"more than {_MOST_BARS} edges take time, too many to be told apart")
    jobs = schedule_of(cost, np.ones(len(network.edges), dtype=np.bool_))
    end = cost.total or 1.0
    scale = Scale(0.0, end)
    busy = sum(job.end - job.start for job in jobs) / (end * cost.cores)
    cores = "1 core" if cost.cores == 1 else f"{cost.cores} cores"
    return Schedule(
        cost=name,
        summary=f"{quantity(cost.total)} {cost.unit} on {cores}, which are {percent(busy)} busy",
        rows=max((job.core + 1 for job in jobs), default=1),
        bars=tuple(_bar(network, number, job, scale) for number, job in enumerate(jobs, start=1)),
        ticks=_ticks(scale, cost),
        unit=cost.unit,
    )


def _none(name: str, reason: str) -> Schedule:
    return Schedule(name, "", 0, (), (), "", reason)


def _ticks(scale: Scale, cost: Steps | Makespan) -> tuple[Tick, ...]:
    """Whole numbers for steps."""
    ticks = scale.ticks(10)
    if isinstance(cost, Makespan):
        return ticks
    return tuple(tick for tick in ticks if float(tick.text.split()[0]).is_integer())


def _bar(network: Fabric, number: int, job: ScheduledEdge, scale: Scale) -> GanttBar:
    edge = network.edges[job.edge]
    colour = family_of(edge.op, edge.arguments).colour
    at, end = scale.at(job.start), scale.at(job.end)
    name = shortened(edge.name)
    room = (end - at) / _PERCENT_A_LETTER
    return GanttBar(
        number=number,
        name=name,
        operation=short_label(edge),
        core=job.core,
        at=at,
        width=round(end - at, 2),
        label=name if len(name) <= room else str(number),
        colour=colour,
        ink=ink_on(colour),
        when=f"{quantity(job.start)} to {quantity(job.end)}",
    )
