"""The architectures that a predictor may choose from: thousands inside the budgets,
whatever Γ learned.

Small fabrics have all of theirs in it. Of large ones random networks are drawn, each
from probabilities of its own: a level for all edges, more or less for each kind of
operation and for each resolution, and less for what is dear. So the pool holds networks
that no sample with one probability for all edges would show, such as some without any
edge of a kind. Half of them are filled: edges are added in a random order as long as
the budgets have room, since most networks that leave room would be better with more.

Hardly a random network of a deep fabric is connected. Where too few are found, the
others are grown: from a path of the edges that were nearest to being drawn, by what
else was drawn, as far as the budgets have room.

Under a range of limits each limit of its front has a share of the pool, drawn for it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from bsngraph.costs import Budgets, Costs
from bsngraph.costs.user_costs import BlackBox
from bsngraph.fabric import Booleans, Fabric, connected, every_choice, live_edges
from bsngraph.searching.choosing.predicting.network_facts import FactSheet, Floats
from bsngraph.searching.choosing.predicting.one_thread import in_one_thread

# Up to so many choices are all tried; of more so many are drawn at once, at most so
# often. A function of the user's is called for each network, so fewer are drawn, and
# fewer are enough.
MOST_TRIED = 2**12
DRAWN, DRAWN_FOR_USERS = 2048, 128
_ROUNDS = 16

# Deviations of a network's logits: of all edges together, and of a group of them. What
# the price of an edge takes from its logit grows up to so much.
_LEVEL, _GROUP, _STEEPEST = 2.0, 1.5, 32.0

# In how many steps a network is filled, a part of the decisions at a time.
_FILLED_IN = 64


@in_one_thread
def draw_pool(
    sheet: FactSheet, budgets: Budgets, prices: Costs, count: int, rng: np.random.Generator
) -> Booleans:
    """Live edges of distinct architectures inside the budgets, (networks, edges): all
    there are of a small fabric, about `count` random ones of a large one.

    `prices` (hard budgets, variables) is what each decision costs in shares of each
    budget. The order is random; of those drawn half are filled. Under a range of limits
    each limit of the front has as many networks drawn for it.
    """
    fabric = sheet.profile.fabric
    every = every_choice(fabric, MOST_TRIED)
    if every is not None:
        return rng.permutation(distinct_inside(fabric, every, budgets))
    if budgets.range_index is None:
        return _draw_inside(sheet, budgets, prices, count, _ROUNDS, rng)
    share, slow = -(-count // len(budgets.front_limits)), _is_slow(budgets)
    rounds = -(-_ROUNDS // len(budgets.front_limits)) if slow else _ROUNDS
    parts = []
    for limit in budgets.front_limits:
        held = budgets.at_limit(limit)
        dearer = budgets.hard.limits / held.hard.limits
        parts.append(_draw_inside(sheet, held, prices * dearer[:, None], share, rounds, rng))
    return rng.permutation(distinct_inside(fabric, np.concatenate(parts), budgets))


def _draw_inside(
    sheet: FactSheet, budgets: Budgets, prices: Costs, count: int, rounds: int, rng: np.random.Generator
) -> Booleans:
    """Up to `count` random architectures inside the budgets, every other one filled. If
    the first round shows that these will be too few, those that are outside or leave a
    target out of reach are grown from now on.
    """
    fabric, groups = sheet.profile.fabric, _groups(sheet)
    rows, enough = (DRAWN_FOR_USERS, DRAWN_FOR_USERS) if _is_slow(budgets) else (DRAWN, count)
    found: dict[bytes, Booleans] = {}
    growing = False
    for number in range(rounds):
        noisy = _draw(groups, prices.sum(axis=0), rows, rng)
        values = _values(fabric, noisy)
        inside = _is_inside(fabric, values, budgets)
        if growing:
            inside &= connected(fabric, live_edges(fabric.sweep, fabric.decisions.kept(values))).all(axis=1)
            grown = _grow(fabric, values[~inside], noisy[~inside], budgets, rng)
            values = np.concatenate([values[inside], grown])
        else:
            values = values[inside]
        filled = fill(fabric, values[::2], budgets, rng.permutation(_free(fabric)))
        mixed = np.concatenate([filled, values[1::2]])
        mixed = mixed[np.argsort(np.r_[0 : len(mixed) : 2, 1 : len(mixed) : 2], kind="stable")]
        kept, before = fabric.decisions.kept(mixed), len(found)
        found |= {row.tobytes(): row for row in distinct_inside(fabric, kept, budgets)}
        exhausted = growing and len(found) == before > 0
        growing = growing or (number == 0 and len(found) * rounds < enough)
        if exhausted or len(found) >= count:
            break
    return np.stack([*found.values()][:count]) if found else np.zeros((0, len(fabric.edges)), dtype=np.bool_)


def _is_slow(budgets: Budgets) -> bool:
    """Whether a function of the user's is called for each network."""
    return any(isinstance(each.cost, BlackBox) for each in budgets)


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
    firsts: dict[bytes, int] = {}
    for index, row in enumerate(np.packbits(live, axis=1)):
        firsts.setdefault(row.tobytes(), index)
    distinct: Booleans = live[list(firsts.values())]
    return distinct


def _draw(groups: Floats, prices: Costs, count: int, rng: np.random.Generator) -> Floats:
    """How far random decisions are from being off, half of them without regard to
    prices: (count, variables); what is above 0 is on.
    """
    logits = _LEVEL * rng.standard_normal((count, 1))
    logits = logits + _GROUP * rng.standard_normal((count, len(groups))) @ groups
    steepness = np.where(rng.random(count) < 0.5, 0.0, _STEEPEST ** rng.random(count))
    noisy: Floats = logits - steepness[:, None] * prices + rng.logistic(size=(count, len(prices)))
    return noisy


def _values(fabric: Fabric, noisy: Floats) -> Booleans:
    """The values of decisions drawn: (networks, variables)."""
    values: Booleans = noisy > 0
    for choice in fabric.decisions.choices:
        likeliest = noisy[:, list(choice)].argmax(axis=1)
        values[:, list(choice)] = np.arange(len(choice)) == likeliest[:, None]
    return values


def _grow(
    fabric: Fabric, values: Booleans, noisy: Floats, budgets: Budgets, rng: np.random.Generator
) -> Booleans:
    """Values (networks, variables) from a path on, as many of them in a random order as
    the budgets have room for. Those whose path is outside are left out.
    """
    start = values.copy()
    start[:, np.array(fabric.decisions.free, dtype=np.intp)] = False
    start = _with_paths(fabric, start, noisy)
    inside = _is_inside(fabric, start, budgets)
    return fill(fabric, start[inside], budgets, rng.permutation(_free(fabric)), values[inside])


def _with_paths(fabric: Fabric, values: Booleans, noisy: Floats) -> Booleans:
    """Values (networks, variables) with a path to every target on, of the edges with
    the largest `noisy` (networks, variables); unchanged where such a path takes two
    options of one choice.
    """
    decisions = fabric.decisions
    scores = np.concatenate([noisy, np.zeros((len(noisy), 1))], axis=1)  # −1, the fixed edges, picks 0
    path = np.zeros((len(values), values.shape[1] + 1), dtype=np.bool_)
    needed = np.zeros((len(values), len(fabric.nodes)), dtype=np.bool_)
    needed[:, list(fabric.target_indices)] = True
    for node in reversed(range(len(fabric.nodes))):
        incoming = np.array(fabric.incoming[node], dtype=np.intp)
        rows = np.flatnonzero(needed[:, node])
        if not len(incoming):
            continue
        variables = decisions.variable_of[incoming]
        best = scores[np.ix_(rows, variables)].argmax(axis=1)
        path[rows, variables[best]] = True
        tails = np.array([fabric.endpoints[edge][0] for edge in incoming], dtype=np.intp)
        needed[rows, tails[best]] = True
    found = values | path[:, :-1]
    possible = np.ones(len(values), dtype=np.bool_)
    for choice in decisions.choices:
        options = path[:, list(choice)]
        possible &= options.sum(axis=1) < 2
        taken = np.flatnonzero(options.any(axis=1))
        found[np.ix_(taken, np.array(choice))] = options[taken]
    return np.where(possible[:, None], found, values)


def fill(
    fabric: Fabric,
    values: Booleans,
    budgets: Budgets,
    order: NDArray[np.intp],
    most: Booleans | None = None,
) -> Booleans:
    """Values (networks, variables) with more decisions on, in the order of these
    variables, as long as the budgets have room: those of `most`, or all. Of many some
    are tried together.
    """
    values = values.copy(order="F")  # all networks' values of a decision lie together
    for part in np.array_split(order, min(len(order), _FILLED_IN) or 1):
        before = values[:, part]
        values[:, part] |= True if most is None else most[:, part]
        outside = np.flatnonzero(~_is_inside(fabric, values, budgets))
        values[np.ix_(outside, part)] = before[outside]
    return values


def _free(fabric: Fabric) -> NDArray[np.intp]:
    """Variables that are filled: options of choices stay."""
    return np.array(fabric.decisions.free, dtype=np.intp)


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
