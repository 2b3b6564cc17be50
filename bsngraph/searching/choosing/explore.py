"""Explorers: architectures inside the budgets that neither Γ nor shared weights chose.

Shared weights favour networks like the samples that they learned from. So some of the
finalists are drawn without regard to them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from bsngraph.costs import Budgets
from bsngraph.fabric import Architecture
from bsngraph.searching.choosing.candidate import Candidate
from bsngraph.searching.choosing.propose import cost_tilt, inside_of
from bsngraph.searching.learning.gamma.edge_logits import EdgeLogits
from bsngraph.supernet import SuperNet

# The tilts of uniform samples, how many are drawn at each for one that is wanted, and
# the share of a budget they should spend.
_TILTS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
_DRAWN = 32
WELL_SPENT = 0.8


def explore(
    logits: EdgeLogits, net: SuperNet, budgets: Budgets, count: int, generator: torch.Generator
) -> list[Architecture]:
    """At most `count` distinct architectures inside the budgets, whatever Γ learned.

    Every decision is open, p = ½, but for what its cost takes from that: logit_e =
    −τ·Σ_k c_ke/B_k, with growing τ. What spends at least `WELL_SPENT` of a budget is
    taken as it is drawn. If that is too few, what spends most is taken too.
    """
    if not count:
        return []
    weight = cost_tilt(logits, net, budgets)
    found: dict[Architecture, float] = {}
    for tilt in _TILTS:
        kept = logits.sample(_DRAWN * count, generator, temperature=math.inf, shift=-tilt * weight)
        drawn = [other for other in inside_of(net, kept, budgets) if budgets.near(other.mask[None])[0]]
        found |= {other: _spent(other, budgets) for other in drawn if other not in found}
        if sum(spent >= WELL_SPENT for spent in found.values()) >= count:
            break
    return sorted(found, key=lambda architecture: -min(found[architecture], WELL_SPENT))[:count]


def with_explorers(
    ranked: Sequence[Candidate], explorers: Sequence[Candidate], count: int
) -> list[Candidate]:
    """The candidates with explorers among the first `count`.

    As many of the best as the explorers leave room for come first, then these, then the
    rest.
    """
    best = list(ranked[: max(count - len(explorers), 0)])
    every = [*best, *explorers, *ranked]
    return list({candidate.architecture: candidate for candidate in every}.values())


def _spent(architecture: Architecture, budgets: Budgets) -> float:
    """The share spent of the limit it is nearest to, or of what the whole fabric costs
    if that is less; 1 without limits.
    """
    live = architecture.mask[None]
    return max(
        (float(budget.cost.of(live)[0]) / min(budget.limit, budget.cost.total) for budget in budgets.hard),
        default=1.0,
    )
