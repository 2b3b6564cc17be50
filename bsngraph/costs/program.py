"""The choice of edges as an integer program, solved by HiGHS through scipy.

In: a fabric, a weight for each kept edge and each live edge, limits on sums over live edges. Out: the best choice of
edges, and whether it is proved the best.

Variables for each edge e = (u, v): kept_e (integer; 1 for fixed edges), live_e; for each node: reached_v (from a source) and
leads_v (to a target); for each target t a unit of flow over kept edges that connects it. Constraints:

    reached_v ≥ reached_u + kept_e − 1        leads_u ≥ leads_v + kept_e − 1
    live_e ≥ kept_e + reached_u + leads_v − 2     flow_te ≤ kept_e, conserved, 1 into t

Costs are not negative and limits bound from above, so nothing gains by setting live_e above what these force, which is
exactly the live edges of the choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array

from bsngraph.costs.profile import Costs
from bsngraph.errors import BsngraphError
from bsngraph.fabric import Booleans, Fabric

TIME_LIMIT_S = 60.0


@dataclass(frozen=True)
class Limit:
    """Σ per_edge · live ≤ limit."""

    per_edge: Costs
    limit: float


@dataclass(frozen=True)
class Choice:
    """The edges kept (edges,), and whether no better choice exists."""

    kept: Booleans
    proved: bool


def solve_choice(fabric: Fabric, kept_weight: Costs, live_weight: Costs, limits: Sequence[Limit] = ()) -> Choice | None:
    """The choice that minimises Σ kept_weight·kept + Σ live_weight·live inside the limits; None where there is none.

    `live_weight` must not be negative.

    Raises:
        BsngraphError: the solver found neither a choice nor a proof in `TIME_LIMIT_S` seconds.
    """
    rows = _Rows(fabric)
    rows.reachability()
    rows.connection()
    for limit in limits:
        rows.limit(limit)
    weights = np.zeros(rows.width)
    scale = float(max(np.abs(kept_weight).max(initial=0), np.abs(live_weight).max(initial=0))) or 1.0
    weights[rows.kept] = kept_weight / scale
    weights[rows.live] = live_weight / scale
    integrality = np.zeros(rows.width)
    integrality[rows.kept] = 1
    fixed = np.array([edge.fixed for edge in fabric.edges], dtype=np.float64)
    lower, upper = np.zeros(rows.width), np.ones(rows.width)
    lower[rows.kept] = fixed
    lower[rows.reached][list(fabric.source_indices)] = 1
    lower[rows.leads][list(fabric.target_indices)] = 1
    options = {"time_limit": TIME_LIMIT_S, "mip_rel_gap": 0.0}
    result = milp(weights, integrality=integrality, bounds=Bounds(lower, upper), constraints=rows.constraint(), options=options)
    if result.status == 2:
        return None
    if result.x is None:
        raise BsngraphError(f"the integer program gave no answer in {TIME_LIMIT_S:.0f} s ({result.message})")
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

    def limit(self, limit: Limit) -> None:
        scale = limit.limit or 1.0
        terms = [(self.edges + edge, float(cost) / scale) for edge, cost in enumerate(limit.per_edge)]
        self.add(terms, -np.inf, limit.limit / scale)

    def constraint(self) -> LinearConstraint:
        rows, columns, factors = zip(*self.entries, strict=True)
        matrix = csr_array(coo_array((factors, (rows, columns)), shape=(len(self.low), self.width)))
        return LinearConstraint(matrix, np.array(self.low), np.array(self.high))
