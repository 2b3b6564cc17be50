"""The choice of edges as an integer program, solved by HiGHS through scipy.

In: a fabric, a weight for each kept edge and each live edge, limits on sums over live
edges. Out: the best choice of edges, and whether it is proved the best.

Variables for each edge e = (u, v): kept_e (integer; 1 for fixed edges), live_e; for
each node: reached_v (from a source) and leads_v (to a target); for each target t a unit
of flow over kept edges that connects it. Constraints:

    reached_v ≥ reached_u + kept_e − 1        leads_u ≥ leads_v + kept_e − 1
    live_e ≥ kept_e + reached_u + leads_v − 2     flow_te ≤ kept_e, conserved, 1 into t
    kept equal within a gate                      Σ kept = 1 over a choice

Costs are not negative and limits bound from above, so nothing gains by setting live_e
above what these force, which is exactly the live edges of the choice. A limit on the
longest path adds a depth to each node:

    depth_v ≥ depth_u + weight_e − (limit + weight_e)·(1 − live_e)     0 ≤ depth ≤ limit
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bsngraph.costs.cost import Costs
from bsngraph.errors import BsngraphError
from bsngraph.fabric import Booleans, Decisions, Fabric

if TYPE_CHECKING:
    from scipy.optimize import LinearConstraint

# Large programs get less time: HiGHS seldom proves anything about them. Larger ones
# are not begun, as it finds nothing for them.
_TIME_LIMIT_S, _LARGE_TIME_LIMIT_S = 60.0, 20.0
_LARGE, _MOST_VARIABLES = 5_000, 50_000


class NoAnswerError(BsngraphError):
    """The solver found neither a choice nor a proof in its time, or the program is too
    large for it.
    """


# The largest number of the objective and of a limit. HiGHS is content within 1e-6 of
# both, whatever their size: with numbers as large as these that is 1e-12 of the whole,
# as exact as a sum.
_LARGEST = 1e6


@dataclass(frozen=True)
class Limit:
    """Σ per_edge · live ≤ limit."""

    per_edge: Costs
    limit: float


@dataclass(frozen=True)
class PathLimit:
    """No path of live edges weighs more than `limit`, which is positive."""

    per_edge: Costs
    limit: float


@dataclass(frozen=True)
class Choice:
    """The edges kept (edges,), and whether no better choice exists."""

    kept: Booleans
    proved: bool


def time_limit_s(fabric: Fabric) -> float:
    """How long integer programs for a fabric may take, all that are for one purpose."""
    return _LARGE_TIME_LIMIT_S if _variables(fabric) > _LARGE else _TIME_LIMIT_S


def _variables(fabric: Fabric) -> int:
    edges = len(fabric.edges)
    return 2 * (edges + len(fabric.nodes)) + len(fabric.targets) * edges


def solve_choice(
    fabric: Fabric,
    kept_weight: Costs,
    live_weight: Costs,
    limits: Sequence[Limit | PathLimit] = (),
    *,
    seconds: float = _TIME_LIMIT_S,
) -> Choice | None:
    """The choice that minimises Σ kept_weight·kept + Σ live_weight·live inside the
    limits; None where there is none.

    `live_weight` must not be negative.

    Raises:
        NoAnswerError: the solver found neither a choice nor a proof in so many seconds,
            or the fabric is too large for it.
    """
    variables = _variables(fabric)
    if variables > _MOST_VARIABLES:
        raise NoAnswerError(
            f"no sub-network was found: an integer program of {variables:,} variables would have to find it, "
            f"and {_MOST_VARIABLES:,} are the most: take a smaller fabric, or fewer targets and ties"
        )
    from scipy.optimize import Bounds, milp  # half a second, for those only who need a choice

    rows = _Rows(fabric)
    rows.reachability()
    rows.connection()
    rows.decisions(fabric.decisions)
    for limit in limits:
        if isinstance(limit, Limit):
            rows.limit(limit)
        else:
            rows.path_limit(limit)
    weights = np.zeros(rows.width)
    largest = float(max(np.abs(kept_weight).max(initial=0), np.abs(live_weight).max(initial=0))) or 1.0
    weights[rows.kept] = kept_weight / largest * _LARGEST
    weights[rows.live] = live_weight / largest * _LARGEST
    integrality = np.zeros(rows.width)
    integrality[rows.kept] = 1
    fixed = fabric.fixed.astype(np.float64)
    lower, upper = np.zeros(rows.width), np.ones(rows.width)
    lower[rows.kept] = fixed
    lower[rows.reached][list(fabric.source_indices)] = 1
    lower[rows.leads][list(fabric.target_indices)] = 1
    options = {"time_limit": seconds, "mip_rel_gap": 0.0}
    result = milp(
        weights,
        integrality=integrality,
        bounds=Bounds(lower, upper),
        constraints=rows.constraint(),
        options=options,
    )
    if result.status == 2:
        return None
    if result.x is None:
        raise NoAnswerError(f"the integer program gave no answer in {seconds:.0f} s ({result.message})")
    return Choice(result.x[rows.kept] > 0.5, bool(result.status == 0))


class _Rows:
    """The constraint matrix while it is written, row by row: `low ≤ row·x`."""

    def __init__(self, fabric: Fabric) -> None:
        self.fabric = fabric
        edges, nodes, targets = len(fabric.edges), len(fabric.nodes), len(fabric.targets)
        self.edges, self.nodes = edges, nodes
        self.kept = slice(0, edges)
        self.live = slice(edges, 2 * edges)
        self.reached = slice(2 * edges, 2 * edges + nodes)
        self.leads = slice(2 * edges + nodes, 2 * edges + 2 * nodes)
        self.flow = 2 * edges + 2 * nodes
        self.width = self.flow + targets * edges
        self.entries: list[tuple[int, int, float]] = []
        self.low: list[float] = []
        self.high: list[float] = []

    def add(self, terms: Sequence[tuple[int, float]], low: float, high: float = np.inf) -> None:
        row = len(self.low)
        self.entries += [(row, column, factor) for column, factor in terms]
        self.low.append(low)
        self.high.append(high)

    def reachability(self) -> None:
        for edge, (source, target) in enumerate(self.fabric.endpoints):
            reached, leads = self.reached.start, self.leads.start
            self.add([(reached + target, 1), (reached + source, -1), (edge, -1)], -1)
            self.add([(leads + source, 1), (leads + target, -1), (edge, -1)], -1)
            self.add([(self.edges + edge, 1), (edge, -1), (reached + source, -1), (leads + target, -1)], -2)

    def connection(self) -> None:
        for number, goal in enumerate(self.fabric.target_indices):
            start = self.flow + number * self.edges
            balance: list[list[tuple[int, float]]] = [[] for _ in range(self.nodes)]
            for edge, (source, target) in enumerate(self.fabric.endpoints):
                self.add([(edge, 1), (start + edge, -1)], 0)
                balance[source].append((start + edge, -1.0))
                balance[target].append((start + edge, 1.0))
            for node, terms in enumerate(balance):
                if node not in self.fabric.source_indices:
                    demand = 1.0 if node == goal else 0.0
                    self.add(terms, demand, demand)

    def decisions(self, decisions: Decisions) -> None:
        for first, *others in decisions.edges_of:
            for other in others:
                self.add([(first, 1), (other, -1)], 0, 0)
        for choice in decisions.choices:
            self.add([(decisions.edges_of[variable][0], 1) for variable in choice], 1, 1)

    def limit(self, limit: Limit) -> None:
        """An edge over the limit by itself counts twice the limit, so that the numbers
        of a row stay of one size.
        """
        capped = np.minimum(limit.per_edge, 2 * limit.limit) if limit.limit else limit.per_edge
        factors = capped / (limit.limit or 1.0) * _LARGEST
        self.add(
            [(self.edges + edge, float(factor)) for edge, factor in enumerate(factors)],
            -np.inf,
            _LARGEST if limit.limit else 0.0,
        )

    def path_limit(self, limit: PathLimit) -> None:
        """Depths are shares of the limit; an edge over it by itself counts twice the
        limit.
        """
        depth, self.width = self.width, self.width + self.nodes
        for edge, (source, target) in enumerate(self.fabric.endpoints):
            weight = float(min(limit.per_edge[edge] / limit.limit, 2.0)) * _LARGEST
            switch = _LARGEST + weight
            self.add(
                [(depth + target, _LARGEST), (depth + source, -_LARGEST), (self.edges + edge, -switch)],
                weight - switch,
            )

    def constraint(self) -> LinearConstraint:
        from scipy.optimize import LinearConstraint
        from scipy.sparse import coo_array, csr_array

        rows, columns, factors = zip(*self.entries, strict=True)
        matrix = csr_array(coo_array((factors, (rows, columns)), shape=(len(self.low), self.width)))
        return LinearConstraint(matrix, np.array(self.low), np.array(self.high))
