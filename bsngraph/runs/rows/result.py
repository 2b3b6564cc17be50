"""result.json: metrics, every cost against its budget, the edges kept."""

from __future__ import annotations

from bsngraph.costs.budgets import Relation
from bsngraph.runs.rows.config import Seed
from bsngraph.runs.rows.front import Weights
from bsngraph.runs.rows.latencies import Conditions
from bsngraph.typed_files import Amount, Count, Finite, Row

Scores = dict[str, Finite | dict[str, Finite | None]]
"""Metrics and the loss of a split by name; some have a value a class, None for a class
that does not occur.
"""


class SplitScores(Row, frozen=True, kw_only=True):
    """What was measured on the data that chose, and on the data that was left for the
    end.
    """

    validation: Scores
    test: Scores


class CostResult(Row, frozen=True, kw_only=True, omit_defaults=True):
    """A cost of the network, of the whole fabric, and of the cheapest sub-network.

    A latency is measured whole: `estimated` is the sum over edges, `low` and `high` the
    10th and 90th percentile. That of a device that was not here is the sum and
    `spread`, a share of it, under the `conditions` there.
    """

    value: Amount
    unit: str
    fabric: Amount
    cheapest: Amount
    proved: bool
    estimated: Amount | None = None
    low: Amount | None = None
    high: Amount | None = None
    spread: Amount | None = None
    conditions: Conditions | None = None


class BudgetResult(Row, frozen=True, kw_only=True, omit_defaults=True):
    """A budget, and whether the network's cost met it; of a range `limit` is the upper
    end and `least` the lower one.
    """

    cost: str
    relation: Relation
    limit: Amount
    value: Amount
    met: bool
    least: Amount | None = None


class EdgeCounts(Row, frozen=True, kw_only=True):
    """How many searchable edges were kept, and how many edges of each kind the fabric
    has.
    """

    kept: Count
    searchable: Count
    fixed: Count

    def __post_init__(self) -> None:
        if self.kept > self.searchable:
            raise ValueError("more edges are kept than there are")


class RunResult(Row, frozen=True, kw_only=True):
    """The content of result.json. `notes` are lines for people: of budgets that were
    not pursued, with what to do. `weights` says where the network's weights are from;
    older versions do not say it.
    """

    task: str
    metrics: SplitScores
    costs: dict[str, CostResult]
    budgets: tuple[BudgetResult, ...]
    edges: EdgeCounts
    seconds: Amount
    seed: Seed
    weights: Weights | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for budget in self.budgets:
            if budget.cost not in self.costs:
                raise ValueError(f"there is a budget on {budget.cost}, but no such cost")
