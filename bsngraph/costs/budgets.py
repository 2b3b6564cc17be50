"""The budgets of a search: limits on costs, hard ones and soft ones, as one noun.

In: live edges of samples. Out: which samples are inside every hard budget, and how far
they are from the soft ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from bsngraph.costs.cost import Cost, Costs
from bsngraph.fabric import Booleans

Relation = Literal["<=", "~="]

# For how many limits of a range a front has a network.
FRONT = 9

# A soft budget counts as met within this share of its limit.
CLOSE = 0.02

# What a number in a cost's unit is followed by in a budget's text; counts by nothing.
_UNITS = {"bytes": "B", "ms": "ms"}

# A sum may round differently when its terms are added in another order.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Budget:
    """A limit on one cost, in the cost's unit.

    A hard budget (`<=`) must not be exceeded. A soft one (`~=`) is to be met as closely
    as possible. With `least` it is a range: any limit from `least` to `limit` may be
    asked for, and what is inside the range is inside `limit`.
    """

    cost: Cost
    limit: float
    text: str
    relation: Relation = "<="
    least: float | None = None

    @property
    def hard(self) -> bool:
        return self.relation == "<="

    @property
    def most(self) -> float:
        """The largest cost that counts as inside a hard budget."""
        return self.limit * (1 + _ROUNDING)

    @property
    def slack(self) -> bool:
        """Whether the budget is hard and even the whole fabric is inside it; inside the
        lower end of a range.
        """
        return self.hard and self.at(self.limit if self.least is None else self.least).met(self.cost.total)

    def met(self, value: float) -> bool:
        """Whether a cost is inside a hard budget, or close to a soft one."""
        return value <= self.most if self.hard else abs(value / self.limit - 1) <= CLOSE

    def at(self, limit: float) -> Budget:
        """The budget with one limit in its cost's unit, and a text that asks for it."""
        text = f"{self.cost.name}={limit!r}{_UNITS.get(self.cost.unit, '')}"
        return replace(self, limit=limit, text=text, least=None)


@dataclass(frozen=True)
class Budgets:
    """Budgets in the order in which they were asked for, each on a cost of its own."""

    each: tuple[Budget, ...] = ()

    def __iter__(self) -> Iterator[Budget]:
        return iter(self.each)

    def __len__(self) -> int:
        return len(self.each)

    def __getitem__(self, index: int) -> Budget:
        return self.each[index]

    @cached_property
    def hard(self) -> Budgets:
        """Those that must not be exceeded."""
        return Budgets(tuple(budget for budget in self.each if budget.hard))

    @cached_property
    def soft(self) -> Budgets:
        """Those that are to be met as closely as possible."""
        return Budgets(tuple(budget for budget in self.each if not budget.hard))

    @cached_property
    def limits(self) -> Costs:
        """The limit of each, (budgets,), in its cost's unit."""
        return np.array([budget.limit for budget in self.each], dtype=np.float64)

    def costs(self, live: Booleans) -> Costs:
        """The cost of each sample for each budget: live edges (batch, edges) Boolean →
        (budgets, batch).
        """
        values = [budget.cost.of(live) for budget in self.each]
        return np.stack(values) if values else np.zeros((0, len(live)))

    def inside(self, live: Booleans) -> Booleans:
        """Which of live edges (batch, edges) are inside every hard budget: (batch,)."""
        fits = np.ones(len(live), dtype=np.bool_)
        for budget in self.hard:
            if fits.any():
                fits[fits] = budget.cost.of(live[fits]) <= budget.most
        return fits

    def met_by(self, live: Booleans) -> bool:
        """Whether live edges (edges,) are inside every hard budget."""
        return bool(self.inside(live[None])[0])

    def miss(self, live: Booleans) -> Costs:
        """How far live edges (batch, edges) are from the soft budgets: the sum of the
        distances, each in shares of its limit, (batch,).
        """
        total = np.zeros(len(live))
        for budget in self.soft:
            total += np.abs(budget.cost.of(live) / budget.limit - 1)
        return total

    def near(self, live: Booleans, allowed: float = 0.0) -> Booleans:
        """Which of live edges (batch, edges) are close to the soft budgets, or no
        further from them than `allowed`: (batch,).
        """
        return self.miss(live) <= max(CLOSE * len(self.soft), allowed)

    @cached_property
    def range_index(self) -> int | None:
        """The place of the one budget that is a range; None if none is."""
        return next((index for index, each in enumerate(self.each) if each.least is not None), None)

    @cached_property
    def front_limits(self) -> tuple[float, ...]:
        """The limits of a range that a front has a network for: `FRONT` of them from
        the least to the most, the same factor apart. None without a range.
        """
        if self.range_index is None:
            return ()
        budget = self.each[self.range_index]
        assert budget.least is not None
        steps = np.linspace(0.0, 1.0, FRONT)
        limits = budget.least * (budget.limit / budget.least) ** steps
        return (budget.least, *limits[1:-1].tolist(), budget.limit)

    def on(self, name: str) -> Budget | None:
        """The hard budget on the cost of that name, if there is one."""
        return next((budget for budget in self.hard if budget.cost.name == name), None)

    def with_limit(self, name: str, limit: float) -> Budgets:
        """The same budgets, the one on the cost `name` with another limit; both ends
        of a range change by the same factor.
        """
        changed = (
            replace(each, limit=limit, least=each.least and each.least * (limit / each.limit))
            if each.cost.name == name
            else each
            for each in self.each
        )
        return Budgets(tuple(changed))

    def at_limit(self, limit: float) -> Budgets:
        """The same budgets, the range replaced by one hard limit in its cost's unit; as
        they are without a range.
        """
        return Budgets(tuple(each if each.least is None else each.at(limit) for each in self.each))

    @cached_property
    def lowest(self) -> Budgets:
        """The same budgets, the range replaced by its lower end: a sub-network inside
        them is inside every limit of the range.
        """
        return Budgets(
            tuple(
                each
                if each.least is None
                else replace(each.at(each.least), text=f"the lower end of {each.text}")
                for each in self.each
            )
        )
