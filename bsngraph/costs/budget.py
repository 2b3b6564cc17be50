"""Budgets: `macs=25%`, `params=40k`, `energy_mj=12.5` → a limit in the cost's unit.

In: text of the command line, and the fabric's costs for shares of the whole. Out: `Budget`s.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bsngraph.costs.profile import FabricProfile
from bsngraph.costs.table import COSTS, Cost, price
from bsngraph.errors import InputError

_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?inf|nan)\s*(%|[A-Za-z]*)\s*", re.IGNORECASE)
_NOT_A_LIMIT = "the limit must be a positive finite number"
_COUNTS = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9}


@dataclass(frozen=True)
class BudgetRequest:
    """A budget as written: an amount, and its unit (`%` for a share of the whole fabric)."""

    cost: str
    amount: float
    unit: str
    text: str


@dataclass(frozen=True)
class Budget:
    """The limit that one cost must not exceed, in the cost's unit."""

    cost: Cost
    limit: float
    text: str

    def met(self, value: float) -> bool:
        """Whether a cost is inside the budget (to the rounding of a sum)."""
        return value <= self.limit * (1 + 1e-12)

    @property
    def slack(self) -> bool:
        """Whether even the whole fabric is inside the budget."""
        return self.met(self.cost.total)


def parse_budget(text: str) -> BudgetRequest:
    """Read `NAME=LIMIT`.

    Raises:
        InputError: the text does not read so, or the limit is not a positive finite number.
    """
    name, equals, limit = text.partition("=")
    if not equals or not name.strip():
        raise InputError(f"budget {text!r} does not read NAME=LIMIT: write e.g. macs=25% or params=40k")
    found = _NUMBER.fullmatch(limit)
    if not found:
        raise InputError(f"budget {text!r}: {limit!r} is no number with a unit or %: write e.g. macs=25% or macs=2.5M")
    amount = float(found.group(1))
    if not math.isfinite(amount) or amount <= 0:
        raise InputError(f"budget {text!r}: {_NOT_A_LIMIT}")
    return BudgetRequest(name.strip(), amount, found.group(2), text)


def resolve_budgets(profile: FabricProfile, requests: Sequence[BudgetRequest]) -> tuple[Budget, ...]:
    """Give each request its cost and its limit in that cost's unit.

    Raises:
        InputError: an unknown cost, a unit that is not the cost's, two budgets on one cost, a limit that its unit makes 0 or infinite.
    """
    budgets: list[Budget] = []
    for request in requests:
        if request.cost in (budget.cost.name for budget in budgets):
            raise InputError(f"budget {request.text!r}: {request.cost} has a budget already: give it one")
        cost = price(profile, request.cost)
        limit = _limit(request, cost)
        if not 0 < limit < math.inf:  # as its unit or share makes it
            raise InputError(f"budget {request.text!r}: {_NOT_A_LIMIT}")
        budgets.append(Budget(cost, limit, request.text))
    return tuple(budgets)


def _limit(request: BudgetRequest, cost: Cost) -> float:
    if request.unit == "%":
        if not cost.total:
            raise InputError(f"budget {request.text!r}: the whole fabric costs nothing, so a share of it is no limit")
        return cost.total * request.amount / 100
    if request.unit in _COUNTS:
        return request.amount * _COUNTS[request.unit]
    unit = cost.unit if cost.name in COSTS else "the file's own unit"
    raise InputError(f"budget {request.text!r}: unit {request.unit!r} does not measure {request.cost} ({unit}): use k, M, G, none, or %")
