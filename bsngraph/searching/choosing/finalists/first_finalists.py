"""Which finalists come first, before any training says what is good: diverse ones.

A predictor learns more from networks that differ than from the favourites of one
opinion. So the best by shared weights, the likeliest of Γ and random ones take turns,
under a range of limits each under another limit.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from bsngraph.costs import Budgets
from bsngraph.fabric import Architecture, Booleans
from bsngraph.profile import FabricProfile
from bsngraph.searching.choosing.candidate import Candidate
from bsngraph.searching.choosing.finalists.finalists_state import ChosenBy, Finalist
from bsngraph.searching.choosing.predicting.structure import structure_of

_TURNS: tuple[ChosenBy, ...] = ("shared weights", "random", "magnitudes", "gamma")


def first_finalists(
    profile: FabricProfile,
    ranked: Sequence[Candidate],
    largest: Sequence[Architecture],
    likeliest: Architecture,
    pool: Booleans,
    wanted: int,
) -> dict[Architecture, Finalist]:
    """Networks in the order in which they are tried, more than are `wanted`, and no two
    that are the same but for edges that change nothing.

    The best by shared weights comes first. Then random ones of the pool are mixed with
    what the largest magnitudes leave and with the likeliest of Γ. If only one is
    wanted, shared weights alone decide.
    """
    by_rank: list[tuple[Architecture, ChosenBy]] = [(each.architecture, "shared weights") for each in ranked]
    by_chance: list[tuple[Architecture, ChosenBy]] = [
        (Architecture.of_mask(row), "random") for row in pool[: 4 * wanted]
    ]
    order = by_rank
    if wanted > 1:
        by_size: list[tuple[Architecture, ChosenBy]] = [(each, "magnitudes") for each in largest]
        mixed = [*by_chance[:1], *by_size, (likeliest, "gamma"), *by_chance[1:wanted]]
        order = [*by_rank[:1], *mixed, *by_rank[1:], *by_chance[wanted:]]
    found: dict[bytes, tuple[Architecture, ChosenBy]] = {}
    for architecture, chosen_by in order:
        found.setdefault(structure_of(profile, architecture.mask), (architecture, chosen_by))
    return {architecture: Finalist(architecture.live, why) for architecture, why in found.values()}


def turns_along(budgets: Budgets, wanted: int) -> list[tuple[float, ChosenBy]]:
    """Limits of the range, spread from its upper end to its lower one, each with who
    chooses under it. Γ has the lower end, where there may be few networks. If only one
    is wanted, it is the best by shared weights inside the upper end.
    """
    last = len(budgets.front_limits) - 1
    places = np.linspace(last, 0, wanted).round().astype(int).tolist()
    turns = list(itertools.islice(itertools.cycle(_TURNS), wanted))
    turns[1:] = [*turns[1:-1], "gamma"][: wanted - 1]
    return [(budgets.front_limits[place], turn) for place, turn in zip(places, turns, strict=True)]


def random_under(limit: float, budgets: Budgets, pool: Booleans, count: int) -> list[Architecture]:
    """Up to `count` networks of the pool (networks, edges) inside a limit of the range,
    in its order: first those that the next smaller limit of the front excludes.
    """
    assert budgets.range_index is not None
    costs = budgets[budgets.range_index].cost.of(pool)
    below = max((each for each in budgets.front_limits if each < limit), default=0.0)
    inside = np.flatnonzero(budgets.at_limit(limit).inside(pool))
    order = inside[np.argsort(costs[inside] <= below, kind="stable")]
    return [Architecture.of_mask(pool[index]) for index in order[:count]]


def in_turn(
    profile: FabricProfile, suggested: Sequence[tuple[ChosenBy, Sequence[Architecture]]]
) -> dict[Architecture, Finalist]:
    """The first network of each suggestion, then the second of each, and so on; no two
    are the same but for edges that change nothing.
    """
    queues = [(why, iter(networks)) for why, networks in suggested]
    known: set[bytes] = set()
    found: dict[Architecture, Finalist] = {}
    while True:
        before = len(found)
        for why, networks in queues:
            for architecture in networks:
                structure = structure_of(profile, architecture.mask)
                if structure not in known:
                    known.add(structure)
                    found[architecture] = Finalist(architecture.live, why)
                    break
        if len(found) == before:
            return found
