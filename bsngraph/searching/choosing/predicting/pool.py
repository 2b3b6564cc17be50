"""The architectures that a predictor may choose from: thousands inside the budgets,
whatever Γ learned.

Small fabrics have all of theirs in it. Of large ones random networks are drawn, each
from probabilities of its own: a level for all edges, more or less for each kind of
operation and for each resolution, and less for what is dear. So the pool holds networks
that no sample with one probability for all edges would show, such as some without any
edge of a kind. Half of them are filled: edges are added in a random order as long as
the budgets have room, since most networks that leave room would be better with more.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from bsngraph.costs import Budgets, Costs
from bsngraph.costs.user_costs import BlackBox
from bsngraph.fabric import Booleans, Fabric, connected, every_choice, live_edges
from bsngraph.searching.choosing.predicting.network_facts import FactSheet, Floats

# Up to so many choices are all tried; of more so many are drawn at once, at most so
# often. A function of the user's is called for each network, so fewer are drawn.
MOST_TRIED = 2**12
DRAWN, DRAWN_FOR_USERS = 2048, 128
_ROUNDS = 16

# Deviations of a network's logits: of all edges together, and of a group of them. What
# the price of an edge takes from its logit grows up to so much.
_LEVEL, _GROUP, _STEEPEST = 2.0, 1.5, 32.0

# In how many steps a network is filled, a part of the decisions at a time.
_FILLED_IN = 64


def draw_pool(
    sheet: FactSheet, budgets: Budgets, prices: Costs, count: int, rng: np.random.Generator
) -> Booleans:
    """Live edges of distinct architectures inside the budgets, (networks, edges): all
    there are of a small fabric, about `count` random ones of a large one.

    `prices` (variables,) is what each decision costs in shares of the budgets. The
    order is random, but every other one of those drawn is filled.
    """
    fabric = sheet.profile.fabric
    every = every_choice(fabric, MOST_TRIED)
    if every is not None:
        return rng.permutation(distinct_inside(fabric, every, budgets))
    groups = _groups(sheet)
    rows = DRAWN_FOR_USERS if any(isinstance(each.cost, BlackBox) for each in budgets) else DRAWN
    found: dict[bytes, Booleans] = {}
    for _ in range(_ROUNDS):
        values = _draw(fabric, groups, prices, rows, rng)
        values = values[_is_inside(fabric, values, budgets)]
        filled = _fill(fabric, values[::2], budgets, rng)
        mixed = np.concatenate([filled, values[1::2]])
        mixed = mixed[np.argsort(np.r_[0 : len(mixed) : 2, 1 : len(mixed) : 2], kind="stable")]
        kept = fabric.decisions.kept(mixed)
        found |= {row.tobytes(): row for row in distinct_inside(fabric, kept, budgets)}
        if len(found) >= count:
            break
    return np.stack([*found.values()][:count]) if found else np.zeros((0, len(fabric.edges)), dtype=np.bool_)


def masks_of(live: Iterable[tuple[int, ...]], edges: int) -> Booleans:
    """Live edges by their numbers as masks: (networks, edges)."""
    rows = list(live)
    masks = np.zeros((len(rows), edges), dtype=np.bool_)
    for mask, numbers in zip(masks, rows, strict=True):
        mask[list(numbers)] = True
    return masks


def distinct_inside(fabric: Fabric, kept: Booleans, budgets: Budgets) -> Booleans:
    """The distinct live edges of kept ones (networks, edges) that connect every target
    inside the hard budgets, in their order.
    """
    live = live_edges(fabric.sweep, kept | fabric.fixed)
    live = live[connected(fabric, live).all(axis=1)]
    live = live[budgets.inside(live)]
    _, order = np.unique(live, axis=0, return_index=True)
    distinct: Booleans = live[np.sort(order)]
    return distinct


def _draw(fabric: Fabric, groups: Floats, prices: Costs, count: int, rng: np.random.Generator) -> Booleans:
    """Random values of the decisions, half of them without regard to prices: (count,
    variables).
    """
    decisions = fabric.decisions
    logits = _LEVEL * rng.standard_normal((count, 1))
    logits = logits + _GROUP * rng.standard_normal((count, len(groups))) @ groups
    steepness = np.where(rng.random(count) < 0.5, 0.0, _STEEPEST ** rng.random(count))
    noisy = logits - steepness[:, None] * prices + rng.logistic(size=(count, len(prices)))
    values: Booleans = noisy > 0
    for choice in decisions.choices:
        likeliest = noisy[:, list(choice)].argmax(axis=1)
        values[:, list(choice)] = np.arange(len(choice)) == likeliest[:, None]
    return values


def _fill(fabric: Fabric, values: Booleans, budgets: Budgets, rng: np.random.Generator) -> Booleans:
    """Values (networks, variables) with more decisions on, in one random order, as long
    as the budgets have room; options of choices stay.
    """
    values = values.copy()
    free = rng.permutation(np.array(fabric.decisions.free, dtype=np.intp))
    for part in np.array_split(free, min(len(free), _FILLED_IN) or 1):
        tried = values.copy()
        tried[:, part] = True
        fits = _is_inside(fabric, tried, budgets)
        values[fits] = tried[fits]
    return values


def _is_inside(fabric: Fabric, values: Booleans, budgets: Budgets) -> Booleans:
    """Whether values (networks, variables) are inside the hard budgets: (networks,)."""
    return budgets.inside(live_edges(fabric.sweep, fabric.decisions.kept(values)))


def _groups(sheet: FactSheet) -> Floats:
    """Which decisions belong to a kind of operation or lead to a resolution: (groups,
    variables) of 0 and 1.
    """
    first = sheet.profile.fabric.decisions.first_edges
    members = [*sheet.kinds.values(), *sheet.bands.values()]
    return np.array([group[first] for group in members], dtype=np.float64).reshape(len(members), len(first))
