"""The cheapest sub-network of a fabric by one cost.

For a sum over live edges a shortest path is the answer where it can be kept and nothing
else is live then: every sub-network holds a path. Where fixed or tied edges come along,
or several targets must be connected, an integer program answers (program.py), and
sub-networks that it cannot tell apart are compared without rounding. Other costs are
searched (walk.py); a schedule is proved the shortest where it is as short as its
longest path or its work alone would let it be.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bsngraph.costs.cost import AdditiveCost, Cost, Costs, Scheduled, effort_of
from bsngraph.costs.solving.exact import certain_step, exact_sum, exact_weights, same_but_for_scale
from bsngraph.costs.solving.lightest_paths import lightest_distance, lightest_paths
from bsngraph.costs.solving.program import Limit, NoAnswerError, solve_choice, time_limit_s
from bsngraph.costs.solving.walk import least
from bsngraph.errors import BsngraphError, InfeasibleBudgetError
from bsngraph.fabric import Architecture, Booleans, Fabric, architecture_of

# The integer program is not trusted to tell sums apart that differ by less than the
# largest weight divided by this. It is asked so often for another that is as cheap.
_SHARPNESS, _ASKED = 10**9, 8
_LEAST_SECONDS = 1.0
_NO_SUB_NETWORK = (
    "no choice of edges connects every target: the file's gates and choices exclude each other's paths"
)


@dataclass(frozen=True)
class Cheapest:
    """The architecture with the least of one cost; `proved` where none is cheaper for
    certain.
    """

    architecture: Architecture
    value: float
    proved: bool


def cheapest(fabric: Fabric, cost: Cost, *, until: float | None = None) -> Cheapest:
    """The sub-network that connects every target at the least cost, fixed edges charged
    where live.

    Integer programs end at the time `until` (of `time.perf_counter`), or after
    `time_limit_s`.

    Raises:
        InfeasibleBudgetError: gates and choices leave no sub-network that connects
            every target.
        NoAnswerError: it was not found whether they leave one.
    """
    until = time.perf_counter() + time_limit_s(fabric) if until is None else until
    if isinstance(cost, AdditiveCost):
        return _cheapest_sum(fabric, cost, until)
    return _cheapest_found(fabric, cost, until)


def cheapest_each(fabric: Fabric, costs: Sequence[Cost]) -> dict[str, Cheapest]:
    """The cheapest sub-network by each cost; costs that are the same but for a power of
    2 (MACs and FLOPs) are solved once. All integer programs together take
    `time_limit_s`, or little more.

    Raises:
        InfeasibleBudgetError: gates and choices leave no sub-network that connects
            every target.
        NoAnswerError: it was not found whether they leave one.
    """
    until = time.perf_counter() + time_limit_s(fabric)
    solved: dict[bytes, Cheapest] = {}
    found = {}
    for cost in costs:
        if not isinstance(cost, AdditiveCost):
            found[cost.name] = cheapest(fabric, cost, until=until)
            continue
        shape = same_but_for_scale(cost.per_edge)
        if shape not in solved:
            solved[shape] = cheapest(fabric, cost, until=until)
        one = solved[shape]
        found[cost.name] = replace(one, value=float(cost.of(one.architecture.mask[None])[0]))
    return found


def cheap_starts(fabric: Fabric, cost: Cost, until: float | None = None) -> list[Booleans]:
    """Choices (edges,) to walk from when looking for the least of a cost: the fewest
    edges, and what a schedule's path and work ask for.
    """
    until = time.perf_counter() + time_limit_s(fabric) if until is None else until
    edges = np.ones(len(fabric.edges))
    weights = [cost.durations + 1e-6 * edges, edges] if isinstance(cost, Scheduled) else [edges]
    starts = [
        _completed(fabric, _cheapest_sum(fabric, AdditiveCost("", "", weight), until, asked=1).architecture)
        for weight in weights
    ]
    path = _only_path(fabric, weights[0])
    completed = None if path is None else fabric.decisions.completed(path)
    return starts if completed is None else [completed, *starts]


# --- costs that are no sums


def _cheapest_found(fabric: Fabric, cost: Cost, until: float) -> Cheapest:
    bound = _least_possible(fabric, cost, until)
    effort = effort_of(cost, len(fabric.edges))
    found = least(fabric, cost.of, cheap_starts(fabric, cost, until), effort=effort, enough=bound)
    if found is None:
        raise InfeasibleBudgetError(_NO_SUB_NETWORK)
    return Cheapest(Architecture.of_mask(found.live), found.score, found.proved or found.score <= bound)


def _least_possible(fabric: Fabric, cost: Cost, until: float) -> float:
    """A value that no sub-network is below: the shortest path to the furthest target,
    and the least work, shared by all cores.

    A schedule adds durations up along its paths as it is done here, and rounding keeps
    their order; so no computed schedule is below the computed path.
    """
    if not isinstance(cost, Scheduled):
        return -math.inf
    path = lightest_distance(fabric, cost.durations)
    least_work = _cheapest_sum(fabric, AdditiveCost("", "", cost.durations), until)
    if not least_work.proved:
        return path
    work = least_work.value / cost.cores
    if (cost.durations == cost.durations.round()).all():
        return max(path, math.ceil(work - 1e-9))  # steps are whole
    rounding = 2.0**-52 * (len(fabric.edges) + 2)
    return max(path, work * (1 - rounding))


# --- sums


def _cheapest_sum(fabric: Fabric, cost: AdditiveCost, until: float, asked: int = _ASKED) -> Cheapest:
    path = _only_path(fabric, cost.per_edge)
    kept = None if path is None else fabric.decisions.completed(path)
    if path is not None and kept is not None:
        found = architecture_of(fabric, kept)
        if np.array_equal(found.mask, path):
            return Cheapest(found, float(cost.of(path[None])[0]), proved=True)
    try:
        found, proved = _solved(fabric, cost.per_edge, until, asked)
    except NoAnswerError:
        some = _some_sub_network(fabric, cost.per_edge)
        if some is None:
            raise
        found, proved = some, False
    return Cheapest(found, float(cost.of(found.mask[None])[0]), proved)


def _solved(fabric: Fabric, weights: Costs, until: float, asked: int) -> tuple[Architecture, bool]:
    """The answer of integer programs, and whether it is proved.

    The program sees sums through a blur. What it finds is proved where no two sums are
    as close as that. Otherwise it is asked for others, without all that hold what it
    has found and cost as much at least, until the next one is clearly dearer.
    """
    exact = exact_weights(weights)
    blur = max(exact) // _SHARPNESS
    best: Architecture | None = None
    others: list[Limit] = []
    for _ in range(asked):
        seconds = max(until - time.perf_counter(), _LEAST_SECONDS)
        try:
            choice = solve_choice(fabric, np.zeros(len(weights)), weights, others, seconds=seconds)
        except NoAnswerError:
            if best is None:
                raise
            return best, False
        if choice is None:
            if best is None:  # without ties every valid fabric connects its targets
                raise InfeasibleBudgetError(_NO_SUB_NETWORK)
            return best, True
        found = architecture_of(fabric, choice.kept)
        dearer = 0 if best is None else exact_sum(exact, found.live) - exact_sum(exact, best.live)
        if best is None or dearer < 0:
            best = found
        if not choice.proved:
            return best, False
        if dearer > blur or certain_step(exact) > blur:
            return best, True
        others.append(Limit(found.mask.astype(np.float64), len(found.live) - 1))
    assert best is not None
    return best, False


def _some_sub_network(fabric: Fabric, weights: Costs) -> Architecture | None:
    """The lightest paths to all targets with what must come along, or else everything
    that may be kept beside the first option of every choice; None where neither
    connects every target.
    """
    decisions = fabric.decisions
    wanted = np.zeros(len(decisions.edges_of), dtype=np.bool_)
    wanted[list(decisions.free)] = True
    for edges in (lightest_paths(fabric, exact_weights(weights)), decisions.kept(wanted) & ~fabric.fixed):
        kept = decisions.completed(edges)
        if kept is not None:
            try:
                return architecture_of(fabric, kept)
            except BsngraphError:
                continue
    return None


def _completed(fabric: Fabric, architecture: Architecture) -> Booleans:
    kept = fabric.decisions.completed(architecture.mask)
    assert kept is not None, "an architecture is the live part of a legitimate choice"
    return kept


def _only_path(fabric: Fabric, weights: Costs) -> Booleans | None:
    """The edges (edges,) of the cheapest source-target path; None where there are
    several sources or targets.
    """
    if len(fabric.sources) != 1 or len(fabric.targets) != 1:
        return None
    return lightest_paths(fabric, exact_weights(weights))
