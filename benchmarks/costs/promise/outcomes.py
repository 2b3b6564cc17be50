"""What checking and choosing end in, on a random case, and whether that keeps the
promise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from unittest import mock

import numpy as np
import torch

import bsngraph
from benchmarks.costs.promise.cases import Case, random_case
from benchmarks.costs.promise.random_fabrics import CLASSES
from benchmarks.costs.promise.reference import ENUMERATED, Reference, recounted
from bsngraph.costs import check_budgets
from bsngraph.data import Augmentation, Dataset, Split
from bsngraph.errors import BsngraphError, InfeasibleBudgetError
from bsngraph.searching.choosing.propose import propose
from bsngraph.searching.choosing.rank import rank
from bsngraph.searching.learning.gamma.edge_logits import EdgeLogits
from bsngraph.searching.learning.gamma.gamma import Gamma

CANDIDATES = 8
ROUNDING = 1 + 1e-9
SMALL, SMALL_WALKED, LARGE = (
    f"at most {ENUMERATED:,} choices",
    "the same, enumeration switched off",
    f"more than {ENUMERATED:,} choices",
)


@dataclass(frozen=True)
class Outcome:
    """`said`: delivered, impossible (proved), or not found (not proved). `outside`: the
    budgets that what was delivered is over.
    """

    said: str
    outside: tuple[str, ...] = ()


def outcome(case: Case, seed: int) -> Outcome:
    """Check the budgets, then choose under random Γ and weights, as a search does."""
    try:
        known = check_budgets(case.profile.fabric, case.budgets)
    except InfeasibleBudgetError:
        return Outcome("impossible")
    except BsngraphError as error:
        return Outcome(f"gave up: {error}")
    generator = torch.Generator().manual_seed(seed)
    net = bsngraph.compile_fabric(case.profile, seed=seed)
    undecided = Gamma(case.profile.fabric, 0.5).at(case.budgets.limits[:, None])
    away = 4 * torch.randn(len(undecided.logits), generator=generator, dtype=torch.float64)
    logits = EdgeLogits(undecided.index, undecided.logits + away)
    try:
        proposals = propose(logits, net, case.budgets, CANDIDATES, generator, known)
    except InfeasibleBudgetError:
        return Outcome("not found")
    best = rank(net, _data(net, generator), proposals, case.budgets)[0].architecture
    pruned = bsngraph.prune_net(net, best)
    every = [(budget, recounted(pruned, budget.cost.name)) for budget in case.budgets]
    outside = tuple(
        f"{budget.text} costs {value:g}" for budget, value in every if value > budget.limit * ROUNDING
    )
    return Outcome("delivered", outside)


def _data(net: bsngraph.SuperNet, generator: torch.Generator) -> Dataset:
    fabric = net.profile.fabric
    shape = net.profile.node_shapes[fabric.source_indices[0]]

    def split(count: int) -> Split:
        return Split(
            torch.randn(count, *shape, generator=generator),
            torch.randint(CLASSES, (count,), generator=generator),
        )

    return Dataset(
        "noise",
        tuple("abc"),
        (0.0,) * shape[0],
        (1.0,) * shape[0],
        split(8),
        split(8),
        split(8),
        Augmentation(),
    )


@dataclass(frozen=True)
class Trial:
    """What happened on a case: an outcome a way to run it, and whether a sub-network
    inside the budgets is known; None where nobody needed to look.
    """

    case: Case
    outcomes: dict[str, Outcome]
    possible: bool | None

    @property
    def broken(self) -> list[str]:
        """In which ways the promise was broken."""
        return [
            f"{where}: {found.said}, {', '.join(found.outside) or 'though there is one'}"
            for where, found in self.outcomes.items()
            if found.outside or (found.said == "impossible" and self.possible)
        ]

    def label(self, where: str) -> str:
        """How an outcome is counted."""
        found = self.outcomes[where]
        if found.said == "delivered":
            return "delivered OUTSIDE" if found.outside else "delivered inside"
        if found.said == "impossible":
            return "said to be impossible, WRONGLY" if self.possible else "proved impossible"
        if found.said == "not found":
            return "none found, though there is one" if self.possible else "none found, nor by the reference"
        return found.said


def trial(seed: Sequence[int]) -> Trial:
    """Draw a case, run it, and look for a sub-network where none was delivered.

    A case that the package enumerates runs a second time with that switched off.
    """
    case, number = random_case(np.random.default_rng(seed)), seed[-1]
    reference = Reference(case)
    small = reference.choices <= ENUMERATED
    outcomes = {SMALL if small else LARGE: outcome(case, number)}
    if small:
        with (
            mock.patch("bsngraph.costs.solving.walk.MOST_ENUMERATED", 0.5),
            mock.patch("bsngraph.costs.solving.best_inside.MOST_ENUMERATED", 0.5),
        ):
            outcomes[SMALL_WALKED] = outcome(case, number)
    delivered = all(found.said == "delivered" for found in outcomes.values())
    return Trial(case, outcomes, None if delivered else reference.finds(number))
