"""What is inside budgets of any kinds, and what is cheapest, against enumeration of
every sub-network there is.
"""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from random_fabrics import every_sample, small_fabrics

from bsngraph.costs import (
    AdditiveCost,
    Budget,
    Budgets,
    best_found,
    cheapest,
    check_budgets,
    closest,
    inside_budgets,
    price,
    spending,
)
from bsngraph.costs.solving.program import NoAnswerError
from bsngraph.costs.solving.walk import least
from bsngraph.errors import InfeasibleBudgetError
from bsngraph.fabric import (
    Architecture,
    Fabric,
    connected,
    every_choice,
    fabric_from_networkx,
    live_edges,
    neighbouring_choices,
)
from bsngraph.profile import FabricProfile, profile_fabric
from bsngraph.searching.choosing.propose import propose
from bsngraph.searching.learning.gamma.gamma import Gamma
from bsngraph.supernet import compile_fabric

KINDS = ("macs", "params", "bytes", "memory", "steps:1", "steps:2", "steps:3")


class Odd:
    """A cost that nobody can bound: it falls when some edges are added."""

    name, unit = "odd", ""

    def __init__(self, edges: int) -> None:
        self.weights = np.array([(7 * edge) % 5 - 1.5 for edge in range(edges)])
        self.total = float(self.of(np.ones((1, edges), dtype=bool))[0])

    def of(self, live: np.ndarray) -> np.ndarray:
        return np.abs(live @ self.weights) + 1


def all_live(profile: FabricProfile) -> np.ndarray:
    fabric = profile.fabric
    live = live_edges(fabric.sweep, every_sample(fabric))
    return np.unique(live[connected(fabric, live).all(axis=1)], axis=0)


@st.composite
def budgeted(draw: st.DrawFn) -> tuple[FabricProfile, Budgets, np.ndarray]:
    """A fabric, one to three budgets of different kinds at or around what some
    sub-network costs, and every sub-network's live edges.
    """
    profile = profile_fabric(draw(small_fabrics(max_edges=9, max_inner=4, max_targets=2)))
    live = all_live(profile)
    names = draw(st.lists(st.sampled_from((*KINDS, "odd")), min_size=1, max_size=3, unique=True))
    costs = [Odd(len(profile.fabric.edges)) if name == "odd" else price(profile, name) for name in names]
    budgets = []
    for cost in costs:
        base = float(cost.of(live)[draw(st.integers(0, len(live) - 1))])
        limit = draw(st.sampled_from((base, base - 0.5, base * 0.7, base + 1)))
        budgets.append(Budget(cost, limit if limit > 0 else 0.25, f"{cost.name}=LIMIT"))
    return profile, Budgets(tuple(budgets)), live


@settings(max_examples=60)
@given(budgeted())
def test_budgets_of_all_kinds_can_be_met_exactly_when_enumeration_finds_a_sub_network(case) -> None:
    profile, budgets, live = case
    fits = np.all([[budget.met(value) for value in budget.cost.of(live)] for budget in budgets], axis=0)
    if fits.any():
        found = check_budgets(profile.fabric, budgets)
        assert found is not None
        assert budgets.met_by(found.mask)
        assert (live == found.mask).all(axis=1).any()
    else:
        with pytest.raises(InfeasibleBudgetError, match=r"^no sub-network meets "):
            check_budgets(profile.fabric, budgets)


@settings(max_examples=60)
@given(budgeted())
def test_without_enumeration_nothing_possible_is_called_impossible_and_nothing_outside_is_given(case) -> None:
    profile, budgets, live = case
    fits = np.all([[budget.met(value) for value in budget.cost.of(live)] for budget in budgets], axis=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bsngraph.costs.solving.walk.MOST_ENUMERATED", 0.5)
        patch.setattr("bsngraph.costs.solving.best_inside.MOST_ENUMERATED", 0.5)
        try:
            found = check_budgets(profile.fabric, budgets)
        except InfeasibleBudgetError:
            assert not fits.any()
            return
        if found is None:
            assert best_found(profile.fabric, budgets).startswith("no sub-network ")
        else:
            assert budgets.met_by(found.mask)
            assert (live == found.mask).all(axis=1).any()


@settings(max_examples=60)
@given(budgeted(), st.data())
def test_the_best_choice_inside_is_the_best_of_all(case, data) -> None:
    profile, budgets, live = case
    weight = np.array(
        data.draw(st.lists(st.integers(-20, 20), min_size=live.shape[1], max_size=live.shape[1])), dtype=float
    )
    found = inside_budgets(profile.fabric, budgets, kept_weight=weight)
    fits = budgets.inside(live)
    assert (found.architecture is not None) == fits.any()
    assert found.proved
    if found.architecture is not None:
        kept = every_sample(profile.fabric)
        rows = live_edges(profile.fabric.sweep, kept)
        allowed = budgets.inside(rows) & connected(profile.fabric, rows).all(axis=1)
        same = (rows == found.architecture.mask).all(axis=1)
        assert (kept[same] @ weight).min() == (kept[allowed] @ weight).min()


@settings(max_examples=60)
@given(small_fabrics(max_edges=9, max_inner=4, max_targets=2), st.sampled_from(KINDS), st.booleans())
def test_the_cheapest_is_the_cheapest_of_all_where_it_is_called_proved(fabric, name, enumerated) -> None:
    profile = profile_fabric(fabric)
    cost, live = price(profile, name), all_live(profile)
    with pytest.MonkeyPatch.context() as patch:
        if not enumerated:
            patch.setattr("bsngraph.costs.solving.walk.MOST_ENUMERATED", 0.5)
        found = cheapest(fabric, cost)
    true = cost.of(live).min()
    assert cost.of(found.architecture.mask[None])[0] == found.value
    assert (live == found.architecture.mask).all(axis=1).any()
    assert found.value >= true * (1 - 1e-12)
    if enumerated or found.proved:
        assert found.value == pytest.approx(true)
    if enumerated or isinstance(cost, AdditiveCost) or name == "steps:1":
        assert found.proved


@settings(max_examples=40)
@given(budgeted(), st.integers(0, 2**20))
def test_whatever_gamma_is_only_what_is_inside_every_budget_is_proposed(case, seed) -> None:
    profile, budgets, live = case
    net = compile_fabric(profile, seed=0)
    gamma = Gamma(profile.fabric, 0.5)
    generator = torch.Generator().manual_seed(seed)
    gamma.logits += 4 * torch.randn(len(gamma.logits), generator=generator, dtype=torch.float64)
    logits = gamma.at(budgets.limits[:, None])
    if budgets.inside(live).any():
        proposals = propose(logits, net, budgets, 4, generator)
        assert proposals
        assert all(budgets.met_by(proposal.mask) for proposal in proposals)
    else:
        with pytest.raises(InfeasibleBudgetError):
            propose(logits, net, budgets, 4, generator)


@settings(max_examples=40)
@given(budgeted(), st.data())
def test_a_soft_budget_is_come_as_close_to_as_any_sub_network_does(case, data) -> None:
    profile, (budget, *_), live = case
    soft = Budgets((Budget(budget.cost, budget.limit, budget.text, "~="),))
    start = Architecture(
        live.shape[1], tuple(np.flatnonzero(live[data.draw(st.integers(0, len(live) - 1))]).tolist())
    )
    found = closest(profile.fabric, soft, start)
    assert soft.miss(found.mask[None])[0] == pytest.approx(soft.miss(live).min())
    assert soft.met_by(found.mask)  # whatever it costs: a soft budget excludes nothing
    assert not soft[0].slack


@settings(max_examples=40)
@given(small_fabrics(max_edges=9, max_inner=4))
def test_every_choice_is_every_choice_and_neighbours_decide_one_thing_otherwise(fabric) -> None:
    every = every_choice(fabric, 1024)
    assert every is not None
    assert {row.tobytes() for row in every} == {row.tobytes() for row in every_sample(fabric)}
    assert every_choice(fabric, len(every) - 1) is None
    kept = every[len(every) // 2]
    near = neighbouring_choices(fabric, kept)
    changed = (near != kept).sum(axis=1)
    assert sorted(np.flatnonzero((near != kept)[changed == 1].any(axis=0)).tolist()) == sorted(
        fabric.searchable
    )
    for row in near[changed == 2]:  # one parallel edge in place of another
        one, other = np.flatnonzero(row != kept)
        assert fabric.endpoints[one] == fabric.endpoints[other]
        assert row[one] != row[other]
    assert set(changed.tolist()) <= {1, 2}


@settings(max_examples=40)
@given(small_fabrics(max_edges=9, max_inner=4), st.sampled_from(KINDS), st.data())
def test_spending_is_what_is_saved_without_each_edge(fabric, name, data) -> None:
    profile = profile_fabric(fabric)
    cost, live = price(profile, name), all_live(profile)
    mask = live[data.draw(st.integers(0, len(live) - 1))]
    spent = spending(fabric, cost, Architecture.of_mask(mask))
    assert not spent[~mask].any()
    value = float(cost.of(mask[None])[0])
    if isinstance(cost, AdditiveCost):
        assert spent.sum() == pytest.approx(value)
        return
    for edge in np.flatnonzero(mask):
        without = mask.copy()
        without[edge] = False
        assert spent[edge] == pytest.approx(value - cost.of(live_edges(fabric.sweep, without[None]))[0])


def test_a_walk_ends_at_the_nearest_low_point_and_says_that_it_proves_nothing() -> None:
    profile = profile_fabric(_ladder(14))
    cost = price(profile, "macs")
    found = least(profile.fabric, cost.of, [np.ones(len(profile.fabric.edges), dtype=bool)])
    assert found is not None
    assert not found.proved
    assert found.score == cheapest(profile.fabric, cost).value


def test_a_budget_that_nothing_found_meets_is_not_called_impossible() -> None:
    profile = profile_fabric(_ladder(14))
    odd = Odd(len(profile.fabric.edges))
    budgets = Budgets((Budget(odd, 0.5, "odd=0.5"),))  # it is never below 1, but who can tell
    assert check_budgets(profile.fabric, budgets) is None
    assert best_found(profile.fabric, budgets).startswith(
        "no sub-network meets odd=0.5 (0.5): the best found costs "
    )


def _ladder(rungs: int) -> Fabric:
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input="2x4x4")
    names = ["x", *(f"n{rung}" for rung in range(rungs - 1)), "y"]
    for before, after in itertools.pairwise(names):
        graph.add_edge(before, after, op="conv", channels=2, kernel=3)
        graph.add_edge(before, after, op="identity")
    return fabric_from_networkx(graph)


@settings(max_examples=40)
@given(budgeted())
def test_where_the_program_has_no_answer_in_time_walking_goes_on_and_proves_nothing(case) -> None:
    profile, budgets, live = case

    def no_answer(*_: object, **__: object) -> None:
        raise NoAnswerError("it thinks for too long")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bsngraph.costs.solving.best_inside.solve_choice", no_answer)
        patch.setattr("bsngraph.costs.solving.best_inside.MOST_ENUMERATED", 0.5)
        found = inside_budgets(profile.fabric, budgets)
    assert not found.proved
    assert (found.architecture is not None) == budgets.inside(live).any(), (
        "the walk itself enumerates small fabrics"
    )
    assert found.architecture is None or budgets.met_by(found.architecture.mask)
