"""Step 1, propose: architectures inside every budget, which alone may be chosen.

The guarantee stands here and not in a penalty. Nothing outside a hard budget is ever a
candidate. There is always one, since integer programming finds the most probable choice
inside the budgets.
"""

from __future__ import annotations

import numpy as np
import torch

from bsngraph.costs import AdditiveCost, Budgets, Cost, Costs, best_found, closest, inside_budgets
from bsngraph.errors import InfeasibleBudgetError
from bsngraph.fabric import Architecture, Booleans, Fabric, connected, live_edges
from bsngraph.searching.learning.gamma.edge_logits import EdgeLogits
from bsngraph.supernet import SuperNet

# How samples are drawn, until enough distinct ones are inside the budgets: temperatures
# of Γ, and how strongly the cost tilts it.
_EASINGS = (
    (1.0, 0.0), (2.0, 0.0), (2.0, 1.0), (4.0, 0.0), (4.0, 2.0), (4.0, 4.0), (4.0, 8.0), (4.0, 16.0),
    (4.0, 32.0),
)  # fmt: skip

# How many edges of networks are held at once when decisions are priced.
_AT_ONCE = 1 << 24


def propose(
    logits: EdgeLogits,
    net: SuperNet,
    budgets: Budgets,
    count: int,
    generator: torch.Generator,
    known: Architecture | None = None,
) -> list[Architecture]:
    """Distinct architectures inside the budgets, about `count`: the most probable
    choice that is inside, the thresholded Γ, samples of Γ, and `known` if it is inside.

    Γ is nearly certain at the end of a search. Until `count` distinct samples are
    inside, it is drawn from at a higher temperature, and tilted by the cost:
    logit_e/T − τ·Σ_k c_ke/B_k with growing T and τ. So there is something to choose
    from, also under a budget far below the one searched for.

    Raises:
        InfeasibleBudgetError: no sub-network is inside the budgets.
    """
    found = dict.fromkeys(inside_of(net, logits.thresholded()[None], budgets))
    weight = torch.zeros(len(logits.logits), dtype=torch.float64)
    weight[logits.index.first] = torch.from_numpy(decision_prices(net.fabric, budgets).sum(axis=0))
    for temperature, tilt in _EASINGS:
        if len(found) >= count:
            break
        kept = logits.sample(2 * count, generator, temperature=temperature, shift=-tilt * weight)
        found |= dict.fromkeys(inside_of(net, kept, budgets))
    against = -(logits.logits * logits.index.leading).numpy()
    likeliest = inside_budgets(net.fabric, budgets, kept_weight=against).architecture
    first = [] if likeliest is None else [likeliest]
    last = [known] if known is not None and budgets.met_by(known.mask) else []
    proposals = list(dict.fromkeys([*first, *list(found)[: count + 1], *last]))
    if not proposals:
        raise InfeasibleBudgetError(best_found(net.fabric, budgets))
    return _near(proposals, net, budgets)


def inside_of(net: SuperNet, kept: Booleans, budgets: Budgets) -> list[Architecture]:
    """The architectures among samples (count, edges) that connect every target inside
    every hard budget, in order.
    """
    live = live_edges(net.sweep, kept | net.fabric.fixed)
    live = live[connected(net.fabric, live).all(axis=1)]
    return [Architecture.of_mask(row) for row in live[budgets.inside(live)]]


def decision_prices(fabric: Fabric, budgets: Budgets) -> Costs:
    """What keeping each decision costs in shares of each hard budget: (hard budgets,
    variables).

    For costs that are no sums it is what the whole fabric would save without it.
    """
    decisions = fabric.decisions
    prices = np.zeros((len(budgets.hard), len(decisions.edges_of)))
    for price, budget in zip(prices, budgets.hard, strict=True):
        cost = budget.cost
        if isinstance(cost, AdditiveCost):
            saved = np.array([float(cost.per_edge[list(edges)].sum()) for edges in decisions.edges_of])
        else:
            saved = cost.total - _costs_without_each(fabric, cost)
        price[:] = saved / budget.limit
    return prices


def _costs_without_each(fabric: Fabric, cost: Cost) -> Costs:
    """What the whole fabric costs without each of its decisions: (variables,)."""
    count = len(fabric.decisions.edges_of)
    rows = max(_AT_ONCE // max(len(fabric.edges), 1), 1)
    costs = np.empty(count)
    for start in range(0, count, rows):
        part = np.arange(start, min(start + rows, count))
        without = fabric.decisions.kept(np.arange(count) != part[:, None])
        costs[part] = cost.of(live_edges(fabric.sweep, without))
    return costs


def _near(proposals: list[Architecture], net: SuperNet, budgets: Budgets) -> list[Architecture]:
    """The proposals that are close to the soft budgets, or the closest there are."""
    if not budgets.soft.each:
        return proposals
    proposals = list(dict.fromkeys([*proposals, closest(net.fabric, budgets, proposals[0])]))
    masks = np.stack([proposal.mask for proposal in proposals])
    near = budgets.near(masks, allowed=float(budgets.miss(masks).min()))
    return [proposal for proposal, chosen in zip(proposals, near, strict=True) if chosen]
