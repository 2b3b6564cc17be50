"""Proposals: architectures inside every budget, which alone may be chosen.

The guarantee stands here and not in a penalty: nothing outside a budget is ever a
candidate, and there is always one, since the most probable choice inside the budgets is
found by integer programming.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from bsngraph.costs import (
    CLOSE,
    AdditiveCost,
    Budget,
    best_found,
    closest,
    inside,
    inside_budgets,
    meets,
    misses,
)
from bsngraph.errors import InfeasibleBudgetError
from bsngraph.fabric import Architecture, Booleans, connected, live_edges
from bsngraph.searching.learning.gamma import EdgeDistribution
from bsngraph.supernet import SuperNet

# How samples are drawn, until enough distinct ones are inside the budgets: temperatures
# of Γ, and how strongly the cost tilts it.
_EASINGS = (
    (1.0, 0.0),
    (2.0, 0.0),
    (2.0, 1.0),
    (4.0, 0.0),
    (4.0, 2.0),
    (4.0, 4.0),
    (4.0, 8.0),
    (4.0, 16.0),
    (4.0, 32.0),
)

# The tilts of fair samples, how many are drawn at each for one that is wanted, and the
# share of a budget they should spend.
_TILTS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
_DRAWN = 32
WELL_SPENT = 0.8


def propose(
    distribution: EdgeDistribution,
    net: SuperNet,
    budgets: Sequence[Budget],
    count: int,
    generator: torch.Generator,
    known: Architecture | None = None,
) -> list[Architecture]:
    """Distinct architectures inside the budgets: the thresholded Γ, samples of Γ, the
    most probable choice that is inside, and `known` where it is inside.

    Γ is nearly certain at the end of a search. Where fewer than `count` distinct
    samples are inside, it is drawn from at a higher temperature, and tilted by the
    cost: logit_e/T − τ·Σ_k c_ke/B_k with growing T and τ. So there is something to
    choose from, also under a budget far below the one searched for.

    Raises:
        InfeasibleBudgetError: no sub-network is inside the budgets.
    """
    found: dict[Architecture, None] = {}
    found |= dict.fromkeys(fitting(net, distribution.thresholded()[None], budgets))
    weight = _budget_weights(distribution, net, budgets)
    for temperature, tilt in _EASINGS:
        if len(found) >= count:
            break
        kept = distribution.sample(2 * count, generator, temperature=temperature, shift=-tilt * weight)
        found |= dict.fromkeys(fitting(net, kept, budgets))
    likeliest = inside_budgets(
        net.fabric, budgets, kept_weight=-(distribution.logits * distribution.leading).numpy()
    ).architecture
    first = [] if likeliest is None else [likeliest]
    last = [known] if known is not None and meets(known.mask, budgets) else []
    proposals = list(dict.fromkeys([*first, *list(found)[: count + 1], *last]))
    if not proposals:
        raise InfeasibleBudgetError(best_found(net.fabric, budgets))
    return _close(proposals, net, budgets)


def explore(
    distribution: EdgeDistribution,
    net: SuperNet,
    budgets: Sequence[Budget],
    count: int,
    generator: torch.Generator,
) -> list[Architecture]:
    """At most `count` distinct architectures inside the budgets, drawn without regard
    to what Γ has learned.

    Every decision is open, p = ½, but for what its cost takes from that, logit_e =
    −τ·Σ_k c_ke/B_k, with growing τ. What spends at least `WELL_SPENT` of a budget is
    taken as it is drawn; where that is too few, what spends most is taken too.
    """
    if not count:
        return []
    weight, wishes = (
        _budget_weights(distribution, net, budgets),
        [budget for budget in budgets if not budget.binding],
    )
    found: dict[Architecture, float] = {}
    for tilt in _TILTS:
        kept = distribution.sample(_DRAWN * count, generator, temperature=math.inf, shift=-tilt * weight)
        drawn = [
            other
            for other in fitting(net, kept, budgets)
            if misses(other.mask[None], wishes)[0] <= CLOSE * len(wishes)
        ]
        found |= {other: _spent(other, budgets) for other in drawn if other not in found}
        if sum(spent >= WELL_SPENT for spent in found.values()) >= count:
            break
    return sorted(found, key=lambda architecture: -min(found[architecture], WELL_SPENT))[:count]


def _spent(architecture: Architecture, budgets: Sequence[Budget]) -> float:
    """The share spent of the limit it is nearest to, or of what the whole fabric costs
    where that is less; 1 without limits.
    """
    live, limits = architecture.mask[None], [budget for budget in budgets if budget.binding]
    return max(
        (float(budget.cost.of(live)[0]) / min(budget.limit, budget.cost.total) for budget in limits),
        default=1.0,
    )


def _close(proposals: list[Architecture], net: SuperNet, budgets: Sequence[Budget]) -> list[Architecture]:
    """The proposals that are close to the budgets that are wishes (all of them where
    there are none), or the closest there are.
    """
    wishes = [budget for budget in budgets if not budget.binding]
    if not wishes:
        return proposals
    proposals = list(dict.fromkeys([*proposals, closest(net.fabric, budgets, proposals[0])]))
    missed = misses(np.stack([proposal.mask for proposal in proposals]), wishes)
    near = missed <= max(CLOSE * len(wishes), float(missed.min()))
    return [proposal for proposal, chosen in zip(proposals, near, strict=True) if chosen]


def _budget_weights(distribution: EdgeDistribution, net: SuperNet, budgets: Sequence[Budget]) -> Tensor:
    """What keeping each decision costs in shares of the budgets, on its leading edge:
    (edges,).

    For costs that are no sums it is what the whole fabric would save without it.
    """
    decisions = distribution.decisions
    weights = torch.zeros(len(distribution.logits), dtype=torch.float64)
    without_each = live_edges(net.sweep, decisions.kept(~np.eye(len(decisions.edges_of), dtype=np.bool_)))
    for budget in (budget for budget in budgets if budget.binding):
        if isinstance(budget.cost, AdditiveCost):
            saved = [float(budget.cost.per_edge[list(edges)].sum()) for edges in decisions.edges_of]
        else:
            saved = (budget.cost.total - budget.cost.of(without_each)).tolist()
        weights[torch.from_numpy(decisions.first_edges)] += (
            torch.tensor(saved, dtype=torch.float64) / budget.limit
        )
    return weights


def fitting(net: SuperNet, kept: Booleans, budgets: Sequence[Budget]) -> list[Architecture]:
    """The architectures among samples (count, edges) that connect every target inside
    every budget, in order.
    """
    fixed = net.fabric.fixed
    live = live_edges(net.sweep, kept | fixed)
    live = live[connected(net.fabric, live).all(axis=1)]
    return [Architecture.of_mask(row) for row in live[inside(live, budgets)]]
