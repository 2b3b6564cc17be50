"""certificate.json: what a delivered network costs, counted on the network itself, and
the hashes of the files that a reader believes.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from bsngraph.costs.budgets import Relation
from bsngraph.runs.rows.front import NETWORK_FILES
from bsngraph.runs.rows.latencies import Conditions
from bsngraph.typed_files import Amount, Finite, Number, Positive, Row, Sha256

CERTIFICATE_FORMAT = 2
COVERED = (
    "config.json",
    "splits.json",
    "fabric.dot",
    "latencies.json",
    "metrics.jsonl",
    "probabilities.dot",
    "architecture.dot",
    "model.safetensors",
    "oracle.csv",
    "oracle.json",
    "answers.json",
    *NETWORK_FILES,
    "front.csv",
    "result.json",
)
"""The files whose hashes stand in a certificate, those that the run has.

Pictures are drawn from these, and checkpoint.pt may go when the run is over.
"""

# A sum of integers stays one.
Counted = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | Amount


class BudgetClaim(Row, frozen=True):
    """A budget as a run states it: `limit` in the cost's unit; `~=` is a soft budget,
    which need not be met.
    """

    text: str
    cost: str
    limit: Positive
    relation: Relation = "<="


class JudgedBudget(BudgetClaim, frozen=True, kw_only=True):
    """A budget with the cost counted, what is left of it, and whether it is met; None
    for a soft one.
    """

    value: Counted
    slack: Finite
    met: bool | None


class CountedCost(Row, frozen=True, kw_only=True, omit_defaults=True):
    """A cost, and by what it was counted.

    A latency has its 10th and 90th percentile, the number of calls and its conditions;
    one of a device that was not here the spread that its sum of edges holds instead;
    a makespan the durations of edges that the file lacks; a cost of the user's own the
    hash of its code.
    """

    value: Counted
    unit: str
    by: str
    low: Amount | None = None
    high: Amount | None = None
    runs: Number | None = None
    spread: Amount | None = None
    conditions: Conditions | None = None
    durations_ms: dict[str, Amount] | None = None
    code: str | None = None


class MeasuredOn(Row, frozen=True, kw_only=True):
    """The device of the run, by torch's name and its model."""

    name: str
    model: str


class Certificate(Row, frozen=True, kw_only=True):
    """The content of certificate.json. `files`: SHA-256 by the name of the file.
    `weights`: over the weights, whatever file they are in. `seal`: over all the rest.
    """

    format: Annotated[int, msgspec.Meta(ge=CERTIFICATE_FORMAT, le=CERTIFICATE_FORMAT)] = CERTIFICATE_FORMAT
    date: str
    versions: dict[str, str]
    device: MeasuredOn
    files: dict[str, Sha256]
    weights: Sha256
    costs: dict[str, CountedCost]
    budgets: tuple[JudgedBudget, ...]
    seal: Sha256

    def __post_init__(self) -> None:
        for budget in self.budgets:
            if budget.cost not in self.costs:
                raise ValueError(f"there is a budget on {budget.cost}, but no such cost")
        for name in ("architecture.dot", "model.safetensors"):
            if name not in self.files:
                raise ValueError(f"there is no hash of {name}")
