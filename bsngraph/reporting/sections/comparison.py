"""Several runs side by side: a table, points of metric over cost, and what their
architectures do not share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from bsngraph.draw.difference_drawing import spoken
from bsngraph.draw.palette import short_label
from bsngraph.fabric.difference import Changed, difference
from bsngraph.reporting.facts.metric_words import (
    headline_of,
    metric_mark,
    metric_title,
    metric_value,
    score_text,
)
from bsngraph.reporting.facts.run_facts import RunFacts
from bsngraph.reporting.sections.scales import Tick, scale_over, upward
from bsngraph.reporting.sections.verdict import Statement, after, verdict_of
from bsngraph.runs.overview.listed_run import shown_metric
from bsngraph.runs.rows.splits import SplitsRow
from bsngraph.wording import quantity, shortened

_MOST_EDGES = 200


@dataclass(frozen=True)
class ComparedRun:
    """A run's line of the table; `costs` are in the order of the table's."""

    anchor: str
    number: int
    name: str
    data: str
    test: str
    validation: str
    costs: tuple[str, ...]
    statements: tuple[Statement, ...]
    edges: str
    seconds: str
    seed: int


@dataclass(frozen=True)
class ComparedPoint:
    """A run by its cost and its test metric, in percent from the left and the top."""

    anchor: str
    number: int
    title: str
    x: float
    y: float


@dataclass(frozen=True)
class ComparedChart:
    """The runs that have both a cost and the metric."""

    cost: str
    metric: str
    points: tuple[ComparedPoint, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


@dataclass(frozen=True)
class EdgeLine:
    """An edge that not every network has: for each network, whether it does."""

    name: str
    operation: str
    kept: tuple[bool, ...]


@dataclass(frozen=True)
class Comparison:
    """`doubts` say what keeps the runs from being compared. `networks` are number and
    name of the runs that have one. `changes` are edges that two networks have under one
    name and that do not do the same in both.
    """

    costs: tuple[str, ...]
    runs: tuple[ComparedRun, ...]
    chart: ComparedChart | None
    doubts: tuple[str, ...]
    networks: tuple[tuple[int, str], ...]
    edges: tuple[EdgeLine, ...]
    more_edges: int
    shared: int
    changes: tuple[str, ...]


def compared(facts: Sequence[RunFacts]) -> Comparison:
    """The comparison of two or more runs."""
    costs = _cost_names(facts)
    there = [(number, one.name, one.network) for number, one in enumerate(facts, start=1) if one.network]
    edges = {edge.name: edge for _, _, network in there for edge in network.edges}
    kept = [network.edge_index for _, _, network in there]
    differing = [name for name in edges if not all(name in names for names in kept)]
    return Comparison(
        costs=costs,
        runs=tuple(_line(number, one, costs) for number, one in enumerate(facts, start=1)),
        chart=_chart(facts, costs),
        doubts=tuple(_doubts(facts)),
        networks=tuple((number, name) for number, name, _ in there),
        edges=tuple(
            EdgeLine(shortened(name), short_label(edges[name]), tuple(name in names for names in kept))
            for name in differing[:_MOST_EDGES]
        ),
        more_edges=max(len(differing) - _MOST_EDGES, 0),
        shared=len(edges) - len(differing),
        changes=tuple(_changes(facts)),
    )


def _cost_names(facts: Sequence[RunFacts]) -> tuple[str, ...]:
    """Costs with a budget in some run, then MACs and parameters."""
    asked = [budget.cost for one in facts for budget in one.config.budgets]
    known = {name for one in facts if one.result for name in one.result.costs}
    return tuple(name for name in dict.fromkeys([*asked, "macs", "params"]) if name in known)


def _line(number: int, facts: RunFacts, costs: Sequence[str]) -> ComparedRun:
    result = facts.result
    metric = headline_of(result.metrics.test) if result else ""
    return ComparedRun(
        anchor=facts.prefix.rstrip("-"),
        number=number,
        name=facts.name,
        data=shortened(facts.config.data.name),
        test=f"{metric_title(metric)} {score_text(result.metrics.test, metric)}" if result else "unfinished",
        validation=score_text(result.metrics.validation, metric) if result else "",
        costs=tuple(
            f"{quantity(result.costs[name].value)}{after(name, result.costs[name].unit)}"
            if result and name in result.costs
            else ""
            for name in costs
        ),
        statements=verdict_of(facts).statements,
        edges=f"{result.edges.kept} of {result.edges.searchable}" if result else "",
        seconds=f"{result.seconds:,.0f} s" if result else "",
        seed=facts.config.seed,
    )


def _chart(facts: Sequence[RunFacts], costs: Sequence[str]) -> ComparedChart | None:
    """Metric over cost of the finished runs, where two or more have the same two."""
    finished = [
        (number, one, one.result, shown)
        for number, one in enumerate(facts, start=1)
        if one.result is not None and (shown := shown_metric(one.result.metrics.test)) is not None
    ]
    metrics = {name for _, _, _, (name, _) in finished}
    shared = [name for name in costs if all(name in result.costs for _, _, result, _ in finished)]
    if len(finished) < 2 or len(metrics) != 1 or not shared:
        return None
    metric, cost = metrics.pop(), shared[0]
    x = scale_over([result.costs[cost].value for _, _, result, _ in finished])
    y = scale_over([score for _, _, _, (_, score) in finished])
    points = [
        ComparedPoint(
            anchor=one.prefix.rstrip("-"),
            number=number,
            title=f"{one.name}: {metric_title(metric)} {metric_value(metric, score)}, "
            f"{cost} {quantity(result.costs[cost].value)}",
            x=x.at(result.costs[cost].value),
            y=y.from_top(score),
        )
        for number, one, result, (_, score) in finished
    ]
    y_ticks = upward(y.ticks(4, partial(metric_mark, metric)))
    return ComparedChart(cost, metric_title(metric), tuple(points), x.ticks(4), y_ticks)


def _doubts(facts: Sequence[RunFacts]) -> list[str]:
    """What differs that should not, for metrics to be compared."""
    configs = [one.config for one in facts]
    found = []
    if len({config.data.task for config in configs}) > 1:
        found.append("The runs are for different tasks, so their metrics are different ones.")
    elif len({config.data.fingerprint for config in configs}) > 1:
        found.append("The runs saw different data, so their metrics cannot be compared.")
    elif len({_split(one.splits) for one in facts}) > 1:
        found.append("The runs split the data differently, so their metrics are on different examples.")
    machines = {(config.device, str(config.versions.get("machine"))) for config in configs}
    if len(machines) > 1:
        found.append("The runs were made on different machines, so their seconds cannot be compared.")
    if any(one.result is None for one in facts):
        found.append("Some runs are unfinished.")
    return found


def _split(splits: SplitsRow | None) -> tuple[tuple[int, ...], ...] | None:
    """The examples of each part."""
    return None if splits is None else (splits.train, splits.validation, splits.test)


def _changes(facts: Sequence[RunFacts]) -> list[str]:
    """What edges of one name do differently, each network against the first one."""
    there = [(one.name, one.network) for one in facts if one.network is not None]
    lines = []
    for name, network in there[1:]:
        assert network is not None
        first = there[0][1]
        assert first is not None
        found = difference(first, network)
        lines += [f"{name}: {_told(one)}" for one in (*found.changed, *found.nodes_changed)]
    return lines[:_MOST_EDGES]


def _told(changed: Changed) -> str:
    words = ", ".join(f"{one.what} {spoken(one.before)} → {spoken(one.after)}" for one in changed.changes)
    return f"{shortened(changed.name)}: {words}"
