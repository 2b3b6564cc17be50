"""What is called proved, against enumeration of every sub-network with sums of exact
rational numbers: costs that agree to twelve digits are not the same cost.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_fabrics import every_sample, small_fabrics

from bsngraph.costs import (
    AdditiveCost,
    Budget,
    Budgets,
    cheapest,
    cheapest_each,
    check_budgets,
    inside_budgets,
)
from bsngraph.costs.schedules.schedule_costs import Makespan
from bsngraph.costs.solving.exact import certain_step, exact_sum, exact_weights, same_but_for_scale
from bsngraph.errors import InfeasibleBudgetError
from bsngraph.fabric import Booleans, Edge, Fabric, Node, connected, every_choice, live_edges


def ways(count: int, **more: object) -> Fabric:
    """`count` edges from a source to a target, of which any may stay alone."""
    edges = tuple(Edge("x", "y", str(number), "identity", **more) for number in range(count))
    return Fabric("ways", (Node("x", input=(1, 2, 2)), Node("y")), edges, ("x",), ("y",))


def every_live(fabric: Fabric) -> Booleans:
    """The live edges of every choice that connects every target."""
    choices = every_choice(fabric, 2**12)
    assert choices is not None
    live = live_edges(fabric.sweep, choices | fabric.fixed)
    return np.unique(live[connected(fabric, live).all(axis=1)], axis=0)


def total(weights: np.ndarray, live: np.ndarray) -> Fraction:
    return sum((Fraction(float(weights[edge])) for edge in np.flatnonzero(live)), Fraction(0))


#: Weights that are alike up to some digit, or far apart, or awkward in binary.
SIMILAR = st.one_of(
    st.builds(
        lambda base, digits, steps: base * (1 + steps * 10.0**-digits),
        st.sampled_from((0.1, 1.0, 3.0, 1e9)),
        st.integers(5, 15),
        st.integers(0, 3),
    ),
    st.sampled_from((0.0, 0.1, 0.2, 0.3, 0.7, 1e-9, 1e-300, 2.0**60)),
    st.floats(0, 1e6),
)


@st.composite
def weighted(draw: st.DrawFn) -> tuple[Fabric, np.ndarray]:
    fabric = draw(small_fabrics(max_edges=9, max_inner=4, max_targets=2, operations="identity"))
    some = draw(st.lists(SIMILAR, min_size=len(fabric.edges), max_size=len(fabric.edges)))
    return fabric, np.array(some, dtype=np.float64)


@settings(max_examples=80, deadline=None)
@given(weighted())
def test_what_is_proved_the_cheapest_has_the_least_exact_sum(case) -> None:
    fabric, weights = case
    found = cheapest(fabric, AdditiveCost("c", "", weights))
    least = min(total(weights, live) for live in every_live(fabric))
    chosen = total(weights, found.architecture.mask)
    assert chosen >= least
    if found.proved:
        assert chosen == least
    # A program knows its weights to a share of the largest.
    assert float(chosen) <= float(least) + 1e-6 * weights.max(), "what is found without a proof is as good"


@settings(max_examples=60, deadline=None)
@given(weighted(), st.integers(1, 3))
def test_what_is_proved_the_shortest_schedule_is_no_longer_than_any(case, cores: int) -> None:
    fabric, durations = case
    cost = Makespan(fabric, durations, cores)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bsngraph.costs.solving.walk.MOST_ENUMERATED", 0.5)
        found = cheapest(fabric, cost)
    least = cost.of(every_live(fabric)).min()
    assert found.value >= least
    if found.proved:
        assert found.value == least


def test_costs_that_agree_to_twelve_digits_have_an_answer_each() -> None:
    fabric = ways(2)
    first, second = np.array([1.0, 1.0 + 1e-14]), np.array([1.0 + 1e-14, 1.0])
    found = cheapest_each(fabric, [AdditiveCost("a", "", first), AdditiveCost("b", "", second)])
    assert found["a"].proved
    assert found["b"].proved
    assert (found["a"].architecture.live, found["b"].architecture.live) == ((0,), (1,))


def test_costs_that_are_twice_each_other_are_solved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    weights, asked = np.array([3.0, 5.0, 0.1]), []
    fabric = ways(3)
    from bsngraph.costs.solving import cheapest as module

    real = module.cheapest
    monkeypatch.setattr(module, "cheapest", lambda *given, **more: asked.append(1) or real(*given, **more))
    found = cheapest_each(fabric, [AdditiveCost("a", "", weights), AdditiveCost("b", "", 4 * weights)])
    assert len(asked) == 1
    assert (found["a"].value, found["b"].value) == (0.1, 0.4)


def test_near_ties_that_an_integer_program_cannot_see_are_told_apart_or_not_proved() -> None:
    """A fixed edge beside the path comes along, so that no path is the answer alone."""
    nodes = (Node("x", input=(1, 2, 2)), Node("a"), Node("b"), Node("y"))
    edges = [Edge("x", "a", "0", "identity"), Edge("x", "b", "0", "identity")]
    edges += [Edge("a", "y", "0", "identity", fixed=True), Edge("b", "y", "0", "identity", fixed=True)]
    fabric = Fabric("near", nodes, tuple(edges), ("x",), ("y",))
    weights = np.array([1.0 + 3e-13, 1.0, 1.0, 1.0])
    for order in (weights, weights[[1, 0, 2, 3]]):
        found = cheapest(fabric, AdditiveCost("c", "", order))
        assert found.proved
        assert total(order, found.architecture.mask) == 2


@settings(max_examples=60, deadline=None)
@given(weighted(), st.floats(0.2, 1.2))
def test_what_is_proved_impossible_is_impossible_in_exact_sums(case, share: float) -> None:
    fabric, weights = case
    limit = float(weights.sum()) * share
    if not 0 < limit < 1e300:
        return
    cost = AdditiveCost("c", "", weights)
    budgets = Budgets(
        (Budget(cost, limit, "c"), Budget(AdditiveCost("n", "", np.ones(len(weights))), 6, "n"))
    )
    sums = [(total(weights, live), int(live.sum())) for live in every_live(fabric)]
    possible = any(one <= Fraction(limit) and count <= 6 for one, count in sums)
    inside = inside_budgets(fabric, budgets)
    if possible:
        check_budgets(fabric, budgets)
        assert inside.architecture is not None or not inside.proved
    else:
        try:
            found = check_budgets(fabric, budgets)
        except InfeasibleBudgetError:
            return
        assert found is None or budgets.met_by(found.mask)


@settings(max_examples=60, deadline=None)
@given(weighted())
def test_the_best_inside_a_budget_is_the_best_where_it_is_proved(case) -> None:
    fabric, weights = case
    whole = AdditiveCost("n", "", np.ones(len(weights)))
    limit = float(np.median([live.sum() for live in every_live(fabric)]))
    found = inside_budgets(fabric, Budgets((Budget(whole, limit, "n"),)), live_weight=weights)
    fits = [live for live in every_live(fabric) if live.sum() <= limit]
    assert found.architecture is not None
    if found.proved:
        least = min(float(total(weights, live)) for live in fits)
        assert float(total(weights, found.architecture.mask)) <= least + 1e-6 * float(weights.max())


@given(st.lists(st.floats(0, 1e300), min_size=1, max_size=6))
def test_exact_weights_keep_every_sum_and_every_order(weights: list[float]) -> None:
    exact = exact_weights(np.array(weights))
    largest = max(weights)
    if largest:
        scale = Fraction(exact[weights.index(largest)]) / Fraction(largest)
        assert [Fraction(weight) * scale for weight in weights] == exact
        step = certain_step(exact)
        assert all(weight % step == 0 for weight in exact)
    assert exact_sum(exact, range(len(exact))) == sum(exact)


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=6), st.integers(-20, 20))
def test_scale_is_told_from_everything_else(weights: list[float], exponent: int) -> None:
    some = np.array(weights)
    scaled = np.ldexp(some, exponent)
    if (np.ldexp(scaled, -exponent) == some).all():
        assert same_but_for_scale(scaled) == same_but_for_scale(some)
    other = some.copy()
    other[0] = np.nextafter(other[0], np.inf)
    assert same_but_for_scale(other) != same_but_for_scale(some)


def test_samples_and_choices_agree() -> None:
    fabric = ways(3)
    assert len(every_live(fabric)) == len(np.unique(every_sample(fabric), axis=0)) - 1
