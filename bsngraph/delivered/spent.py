"""What the edges of a run's architecture spend of its budgets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsngraph.costs import AdditiveCost, Cost, Costs, parse_budget, price, spending
from bsngraph.fabric import Fabric, architecture_of, read_fabric
from bsngraph.measure import CostOptions, find_hardware
from bsngraph.measure.pricing import find_sources, with_recorded
from bsngraph.profile import profile_fabric
from bsngraph.runs import RunFolder
from bsngraph.runs.rows.epochs import SearchRow
from bsngraph.training import Silent


@dataclass(frozen=True)
class SpentPart:
    """One cost: its value, its limit and multiplier where it has a budget, and what
    each edge spends of it, (edges,).
    """

    cost: Cost
    value: float
    limit: float | None
    multiplier: float | None
    per_edge: Costs

    @property
    def adds_up(self) -> bool:
        return isinstance(self.cost, AdditiveCost) and bool(np.isclose(self.per_edge.sum(), self.value))


@dataclass(frozen=True)
class Spent:
    """The delivered network as a fabric, and the costs of its budgets; MACs where it
    had none.
    """

    fabric: Fabric
    parts: tuple[SpentPart, ...]


def spending_of_run(path: str | Path, costs: CostOptions | None = None) -> Spent:
    """Where the budgets of a finished run went.

    Raises:
        InputError: `path` holds no finished run, or a cost of the user's own is not
            named in `costs`.
    """
    run = RunFolder(Path(path))
    config, result = run.read_config(), run.read_result()
    profile = profile_fabric(read_fabric(run.file("architecture.dot")))
    values = {budget.cost: budget.value for budget in result.budgets}
    limits = {budget.cost: budget.limit for budget in result.budgets}
    searched = [row for row in run.read_epochs() if isinstance(row, SearchRow)]
    multipliers = searched[-1].penalty if searched else {}
    options = with_recorded(costs, profile, run.path)
    requests = [parse_budget(budget.text) for budget in config.budgets]
    sources, _ = find_sources(profile, requests, options, find_hardware("cpu", 1), Silent())
    whole = architecture_of(profile.fabric, np.ones(len(profile.fabric.edges), dtype=np.bool_))
    parts = []
    for name in list(limits) or ["macs"]:
        cost = price(profile, name, sources)
        value = values.get(name, float(cost.of(whole.mask[None])[0]))  # of a latency, what was measured whole
        parts.append(
            SpentPart(
                cost, value, limits.get(name), multipliers.get(name), spending(profile.fabric, cost, whole)
            )
        )
    return Spent(profile.fabric, tuple(parts))
