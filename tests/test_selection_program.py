"""The integer program and the checks of budgets against enumeration of every
sub-network there is.
"""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from random_fabrics import every_sample, small_fabrics

from bsngraph.costs import AdditiveCost, Budget, Budgets, cheapest, check_budgets, inside_budgets
from bsngraph.costs.solving import program
from bsngraph.costs.solving.program import Limit, solve_choice
from bsngraph.errors import InfeasibleBudgetError
from bsngraph.fabric import Fabric, architecture_of, connected, fabric_from_networkx, live_edges

NO_SUB_NETWORK = (
    "no choice of edges connects every target: the file's gates and choices exclude each other's paths"
)


@st.composite
def several(draw) -> Fabric:
    """A small fabric; in half of them some edges are tied by gates and choices. One
    target in half of them.
    """
    options = {"operations": "identity", "max_edges": 10, "max_inner": 4, "inner_targets": True}
    fabric = draw(small_fabrics(**options) | small_fabrics(**options, max_sources=2, max_targets=2))
    if draw(st.booleans()):
        return fabric
    choice_of = {gate: draw(st.sampled_from((None, "c", "d"))) for gate in ("g", "h")}
    edges = []
    for edge in fabric.edges:
        gate = draw(st.sampled_from((None, None, "g", "h")))
        choice = choice_of[gate] if gate else draw(st.sampled_from((None, None, "c", "d")))
        edges.append(edge if edge.fixed else replace(edge, probability=None, gate=gate, choice=choice))
    for choice in ("c", "d"):  # a choice of one option is none
        if len({edge.gate or edge.name for edge in edges if edge.choice == choice}) == 1:
            edges = [replace(edge, choice=None) if edge.choice == choice else edge for edge in edges]
    return replace(fabric, edges=tuple(edges))


# Whole numbers, so that sums are exact: some of no weight, and some of very different
# sizes.
prices = st.sampled_from((0, 0, 1, 2, 3, 5, 8, 13, 1000, 1001, 10**7, 10**7 + 1, 10**9))
logits = st.integers(-40, 40).map(lambda number: number / 8)


@st.composite
def priced(draw, count: int = 2, amounts=prices):
    """A fabric with `count` costs."""
    fabric = draw(several())
    edges = len(fabric.edges)
    vectors = [
        np.array(draw(st.lists(amounts, min_size=edges, max_size=edges)), dtype=np.float64)
        for _ in range(count)
    ]
    return fabric, [AdditiveCost(f"cost{number}", "", vector) for number, vector in enumerate(vectors)]


def everything(fabric: Fabric) -> tuple[np.ndarray, np.ndarray]:
    """Every choice of edges that connects every target, and its live edges."""
    kept = every_sample(fabric)
    kept = kept[[allowed(fabric, row) for row in kept]]
    live = live_edges(fabric.sweep, kept)
    whole = connected(fabric, live).all(axis=1)
    return kept[whole], live[whole]


def allowed(fabric: Fabric, kept: np.ndarray) -> bool:
    """Whether the edges of every gate are kept or dropped together, and exactly one
    option of every choice is kept.
    """
    gates: dict[str, set[bool]] = {}
    options: dict[str, set[str]] = {}
    for edge, on in zip(fabric.edges, kept, strict=True):
        if edge.gate:
            gates.setdefault(edge.gate, set()).add(bool(on))
        if edge.choice:
            options.setdefault(edge.choice, set()).update([edge.gate or edge.name] if on else [])
    return all(len(states) == 1 for states in gates.values()) and all(len(on) == 1 for on in options.values())


@st.composite
def budgeted(draw, count: int = 2):
    """A fabric with budgets: each at, just below, or a share of what some sub-network
    costs.
    """
    fabric, costs = draw(priced(count))
    _, live = everything(fabric)
    assume(len(live))
    budgets = []
    for cost in costs:
        base = float(cost.of(live)[draw(st.integers(0, len(live) - 1))])
        limit = draw(st.sampled_from((base, base - 0.5, base * 0.7, base + 1)))
        budgets.append(Budget(cost, limit if limit > 0 else 0.25, f"{cost.name}=LIMIT"))
    return fabric, Budgets(tuple(budgets))


def inside(live: np.ndarray, budgets: Budgets) -> np.ndarray:
    return (
        np.all([budget.cost.of(live) <= budget.limit for budget in budgets], axis=0)
        if len(budgets)
        else np.ones(len(live), dtype=bool)
    )


@settings(max_examples=100)
@given(budgeted(), st.data())
def test_the_best_choice_inside_the_budgets_is_the_best_of_all_2_to_the_edges(case, data):
    fabric, budgets = case
    budgets = Budgets(budgets.each[: data.draw(st.integers(0, 2))])
    edges = len(fabric.edges)
    kept_weight = np.array(data.draw(st.lists(logits, min_size=edges, max_size=edges)))
    live_weight = np.array(data.draw(st.lists(logits.map(abs), min_size=edges, max_size=edges)))
    kept, live = everything(fabric)
    allowed = inside(live, budgets)
    found = inside_budgets(fabric, budgets, kept_weight=kept_weight, live_weight=live_weight).architecture
    if not allowed.any():
        assert found is None
        return
    assert found is not None
    assert budgets.met_by(found.mask)
    assert inside(found.mask[None], budgets)[0]
    objective = kept @ kept_weight + live @ live_weight
    same = (live == found.mask).all(axis=1)
    assert objective[same].min() <= objective[allowed].min() + 1e-9


@settings(max_examples=100)
@given(priced(1))
def test_the_cheapest_choice_is_the_cheapest_of_all_and_proved(case):
    fabric, (cost,) = case
    _, live = everything(fabric)
    if not len(live):
        with pytest.raises(InfeasibleBudgetError) as caught:
            cheapest(fabric, cost)
        assert str(caught.value) == NO_SUB_NETWORK
        return
    least = cost.of(live).min()
    choice = solve_choice(fabric, np.zeros(len(fabric.edges)), cost.per_edge)
    assert choice.proved
    assert float(cost.of(architecture_of(fabric, choice.kept).mask[None])[0]) == least
    found = cheapest(fabric, cost)
    assert (found.value, found.proved) == (least, True)
    assert float(cost.of(found.architecture.mask[None])[0]) == least
    assert (live == found.architecture.mask).all(axis=1).any()


@settings(max_examples=40)
@given(priced(1), st.data())
def test_a_choice_holds_the_fixed_edges_connects_every_target_and_is_the_same_each_time(case, data):
    fabric, (cost,) = case
    _, live = everything(fabric)
    assume(len(live))
    limit = float(cost.of(live).min()) + data.draw(st.sampled_from((0, 1, 100)))
    assume(limit > 0)
    kept_weight = np.array(
        data.draw(st.lists(logits, min_size=len(fabric.edges), max_size=len(fabric.edges)))
    )
    choice = solve_choice(fabric, kept_weight, np.zeros(len(fabric.edges)), [Limit(cost.per_edge, limit)])
    assert choice.kept[[index for index, edge in enumerate(fabric.edges) if edge.fixed]].all()
    assert allowed(fabric, choice.kept)
    architecture_of(fabric, choice.kept)
    assert (
        solve_choice(
            fabric, kept_weight, np.zeros(len(fabric.edges)), [Limit(cost.per_edge, limit)]
        ).kept.tolist()
        == choice.kept.tolist()
    )


@settings(max_examples=100)
@given(st.integers(1, 3).flatmap(budgeted))
def test_budgets_can_be_met_exactly_when_enumeration_finds_a_sub_network(case):
    fabric, budgets = case
    _, live = everything(fabric)
    if inside(live, budgets).any():
        found = check_budgets(fabric, budgets)
        assert budgets.met_by(found.mask)
        assert (live == found.mask).all(axis=1).any()
        return
    with pytest.raises(InfeasibleBudgetError) as caught:
        check_budgets(fabric, budgets)
    assert caught.value.exit_code == 1
    assert str(caught.value).startswith("no sub-network meets ")
    assert "\n" not in str(caught.value)


def test_without_budgets_every_sub_network_will_do():
    assert check_budgets(parallel((1, 1)), Budgets()) is not None


def parallel(*costs: tuple[float, float]) -> Fabric:
    """Edges of two costs beside each other."""
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input="4")
    for a, b in costs:
        graph.add_edge("x", "y", op="identity", cost_a=a, cost_b=b)
    return fabric_from_networkx(graph)


def budget(fabric: Fabric, name: str, limit: float, unit: str = "") -> Budget:
    return Budget(
        AdditiveCost(name, unit, np.array([edge.costs[name] for edge in fabric.edges])),
        limit,
        f"{name}={limit:g}",
    )


def refusal(fabric: Fabric, *budgets: Budget) -> str:
    with pytest.raises(InfeasibleBudgetError) as caught:
        check_budgets(fabric, Budgets(budgets))
    return str(caught.value)


def test_a_budget_below_the_cheapest_is_refused_with_what_the_cheapest_costs():
    fabric = parallel((412_000, 1), (588_000, 1))
    assert refusal(fabric, budget(fabric, "a", 300_000, "MACs")) == (
        "no sub-network meets a=300000 (300 k MACs): the cheapest costs 412 k MACs, 41.20 % of the fabric"
    )
    assert (
        refusal(fabric, budget(fabric, "b", 0.5))
        == "no sub-network meets b=0.5 (0.5): the cheapest costs 1, 50.00 % of the fabric"
    )


def test_budgets_that_can_each_be_met_alone_but_not_together_are_refused_with_what_is_possible():
    fabric = parallel((10, 1), (1, 10), (6, 6))
    both = [budget(fabric, "a", 5), budget(fabric, "b", 5)]
    for one in both:
        assert check_budgets(fabric, Budgets((one,))) is not None
    assert (
        refusal(fabric, *both)
        == "no sub-network meets the budgets together: inside b=5, the cheapest costs 10, over a=5 (5)"
    )
    assert check_budgets(fabric, Budgets((budget(fabric, "a", 6), budget(fabric, "b", 6)))).live == (2,)


def test_three_budgets_of_which_two_exclude_each_other_are_refused_with_their_names():
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input="4")
    for a, b, c in [(10, 1, 1), (1, 10, 1)]:
        graph.add_edge("x", "y", op="identity", cost_a=a, cost_b=b, cost_c=c)
    fabric = fabric_from_networkx(graph)
    text = refusal(fabric, *(budget(fabric, name, limit) for name, limit in [("c", 5), ("a", 5), ("b", 5)]))
    assert text == "no sub-network meets a=5 and b=5 together, though each can be met alone"


def test_a_sub_network_at_exactly_the_limit_is_found_beside_one_just_over_it():
    fabric = parallel((1e7, 0), (1e7 + 1, 0))
    weight = np.array([1.0, -5.0])
    assert inside_budgets(
        fabric, Budgets((budget(fabric, "a", 1e7),)), kept_weight=weight
    ).architecture.live == (0,)
    assert inside_budgets(
        fabric, Budgets((budget(fabric, "a", 1e7 + 1),)), kept_weight=weight
    ).architecture.live == (1,)


def test_a_shortest_path_that_gates_or_choices_forbid_is_not_the_cheapest():
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input="4")
    graph.add_edge("x", "y", op="identity", cost_a=1, cost_b=0, gate="both")
    graph.add_edge("x", "y", op="identity", cost_a=9, cost_b=0, gate="both")
    graph.add_edge("x", "y", op="identity", cost_a=5, cost_b=0)
    fabric = fabric_from_networkx(graph)
    found = cheapest(fabric, budget(fabric, "a", 1).cost)
    assert (found.value, found.architecture.live, found.proved) == (5, (2,), True)

    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input="4")
    graph.add_edge("x", "m", op="identity", cost_a=1, cost_b=0, choice="one")
    graph.add_edge("m", "y", op="identity", cost_a=1, cost_b=0, choice="one")
    graph.add_edge("x", "y", op="identity", cost_a=5, cost_b=0)
    fabric = fabric_from_networkx(graph)
    found = cheapest(fabric, budget(fabric, "a", 1).cost)
    assert (found.value, [fabric.edges[edge].name for edge in found.architecture.live], found.proved) == (
        5,
        ["x->y#0"],
        True,
    )


def all_but_inside() -> tuple[Fabric, np.ndarray]:
    """Parallel edges that cost 1e8 and a hair, and weights that like the dearest
    best.
    """
    fabric = parallel(*((1e8 + step, 0) for step in range(8)), (1e8 - 3, 0), (1e8 - 5, 0))
    return fabric, np.array([-9.0, -8, -7, -6, -5, -4, -3, -2, 2, 1])


@pytest.mark.parametrize(
    ("limit", "live"), [(1e8, (0,)), (1e8 - 1, (9,)), (1e8 - 4, (9,)), (1e8 - 5, (9,)), (1e8 - 6, None)]
)
def test_the_best_of_many_sub_networks_that_are_all_but_inside_is_inside(limit, live):
    fabric, weight = all_but_inside()
    found = inside_budgets(fabric, Budgets((budget(fabric, "a", limit),)), kept_weight=weight).architecture
    assert (found and found.live) == live


@pytest.mark.parametrize("limit", [1e8, 1e8 - 1, 1e8 - 4, 1e8 - 5, 1e8 - 6])
def test_what_the_solver_takes_for_inside_by_its_tolerance_is_never_given(limit, monkeypatch):
    monkeypatch.setattr(program, "_LARGEST", 1.0)  # now HiGHS lets a limit be exceeded by its millionth
    fabric, weight = all_but_inside()
    budgets = Budgets((budget(fabric, "a", limit),))
    over = program.solve_choice(fabric, weight, np.zeros(10), [Limit(budgets[0].cost.per_edge, limit)])
    assert over is not None
    assert not budgets.met_by(over.kept) or limit == 1e8
    found = inside_budgets(fabric, budgets, kept_weight=weight).architecture
    assert (found is None) == (limit == 1e8 - 6)
    assert found is None or budgets.met_by(found.mask)


def test_the_cheapest_is_told_apart_from_one_that_costs_a_billionth_more():
    graph = nx.MultiDiGraph(source="x", target="y,z")
    graph.add_node("x", input="4")
    for name in ("a", "b", "c"):
        graph.add_edge("x", name, op="identity")
        graph.add_edge(name, "y", op="identity")
        graph.add_edge(name, "z", op="identity")
    fabric = fabric_from_networkx(graph)
    costs = {"x->a#0": 1e9 + 2, "x->b#0": 1e9 + 1, "x->c#0": 1e9 + 3}
    cost = AdditiveCost("e", "", np.array([costs.get(edge.name, 0.0) for edge in fabric.edges]))
    found = cheapest(fabric, cost)
    assert (found.value, found.proved) == (1e9 + 1, True)


def test_a_limit_far_below_the_costs_of_most_edges_is_kept():
    fabric = parallel((0, 0), (1e9, 0), (1e-12, 0))
    weight = np.array([1.0, -5.0, -1.0])
    assert inside_budgets(
        fabric, Budgets((budget(fabric, "a", 1e-300),)), kept_weight=weight
    ).architecture.live == (0,)
    assert inside_budgets(
        fabric, Budgets((budget(fabric, "a", 1e-12),)), kept_weight=weight
    ).architecture.live == (2,)
