"""Budgets: what can be written, what it means, and what is refused."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bsngraph.costs import AdditiveCost, Budget, Budgets, check_units, parse_budget, price, resolve_budgets
from bsngraph.errors import InputError
from bsngraph.fabric import fabric_from_networkx
from bsngraph.profile import FabricProfile, profile_fabric


def profile_of(edge: dict | None = None) -> FabricProfile:
    """Two parallel 1x1 convs, 2 → 3 channels on 4x4: 96 MACs and 9 parameters each."""
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input="2x4x4")
    for _ in range(2):
        graph.add_edge(
            "x",
            "y",
            **({"op": "conv", "channels": 3, "kernel": 1, "norm": "none", "cost_energy": 1.5} | (edge or {})),
        )
    return profile_fabric(fabric_from_networkx(graph))


def limit_of(text: str, profile: FabricProfile | None = None) -> float:
    (budget,) = resolve_budgets(profile or profile_of(), [parse_budget(text)])
    assert budget.text == text
    return budget.limit


@pytest.mark.parametrize(
    ("text", "cost", "amount", "unit"),
    [
        ("macs=25%", "macs", 25, "%"),
        ("macs = 25 %", "macs", 25, "%"),
        ("  macs=0.5%", "macs", 0.5, "%"),
        ("macs=2.5M", "macs", 2.5, "M"),
        ("params=40k", "params", 40, "k"),
        ("params=40 k", "params", 40, "k"),
        ("params=40K", "params", 40, "K"),
        ("flops=3G", "flops", 3, "G"),
        ("macs=1e6", "macs", 1e6, ""),
        ("macs=1E6", "macs", 1e6, ""),
        ("macs=1.5e-2M", "macs", 0.015, "M"),
        ("energy_mj=.5", "energy_mj", 0.5, ""),
        ("energy=5.", "energy", 5, ""),
        ("energy=+5", "energy", 5, ""),
        ("latency=100ms", "latency", 100, "ms"),
        ("steps:4=12", "steps:4", 12, ""),
    ],
)
def test_a_budget_reads_name_equals_limit_with_a_unit_or_a_share(text, cost, amount, unit):
    request = parse_budget(text)
    assert (request.cost, request.amount, request.unit, request.text) == (cost, amount, unit, text)


@pytest.mark.parametrize("text", ["abc", "", " ", "=5", " =5", "25%"])
def test_a_budget_without_a_name_or_a_limit_is_refused_with_an_example(text):
    with pytest.raises(InputError) as caught:
        parse_budget(text)
    assert str(caught.value) == f"budget {text!r} does not read NAME=LIMIT: write e.g. macs=25% or params=40k"
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "limit",
    ["", " ", "abc", "25%%", "2,5M", "1 000", "k", "%", "--5", "5 M x", "0x10", "2.5.1", "==5", "1_000"],
)
def test_a_limit_that_is_no_number_is_refused_with_what_was_written(limit):
    with pytest.raises(InputError) as caught:
        parse_budget(f"macs={limit}")
    assert (
        str(caught.value)
        == f"budget 'macs={limit}': {limit!r} is no number with a unit or %: write e.g. macs=25% or macs=2.5M"
    )


@pytest.mark.parametrize(
    "limit",
    ["0", "0%", "-1", "-5%", "0.0k", "nan", "NaN", "inf", "-inf", "inf%", "Infinity", "1e400", "1e-400"],
)
def test_a_limit_must_be_positive_and_finite(limit):
    with pytest.raises(InputError) as caught:
        parse_budget(f"macs={limit}")
    assert str(caught.value) == f"budget 'macs={limit}': the limit must be a positive finite number"


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("macs=25%", 48.0),
        ("macs=100%", 192.0),
        ("macs=150 %", 288.0),
        ("params=50%", 9.0),
        ("flops=50%", 192.0),
        ("energy=10%", 0.3),
        ("macs=2.5M", 2.5e6),
        ("macs=40k", 4e4),
        ("macs=40K", 4e4),
        ("macs=3G", 3e9),
        ("macs=1e6", 1e6),
        ("energy=.5", 0.5),
        ("energy=2k", 2000.0),
    ],
)
def test_a_limit_is_in_the_unit_of_its_cost_and_a_share_is_of_the_whole_fabric(text, limit):
    assert math.isclose(limit_of(text), limit, rel_tol=1e-15)


def refused(profile: FabricProfile, *texts: str) -> str:
    with pytest.raises(InputError) as caught:
        resolve_budgets(profile, [parse_budget(text) for text in texts])
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("unit", ["ms", "s", "MB", "m", "g", "kB", "Macs", "e"])
def test_a_unit_that_does_not_measure_the_cost_is_refused(unit):
    meant = f"; did you mean {unit.upper()!r}?" if unit in ("m", "g") else ""
    text = refused(profile_of(), f"macs=5{unit}")
    assert text == (
        f"budget 'macs=5{unit}': unit {unit!r} does not measure macs (MACs): use k, M, G, none, or %{meant}"
    )
    text = refused(profile_of(), f"energy=5{unit}")
    assert (
        text
        == f"budget 'energy=5{unit}': unit {unit!r} does not measure energy (its own unit): use k, M, G, "
        f"none, or %{meant}"
    )


def test_two_budgets_on_one_cost_are_refused():
    assert (
        refused(profile_of(), "macs=5", "params=3", "macs=6%")
        == "budget 'macs=6%': macs has a budget already: give it one"
    )


@pytest.mark.parametrize(
    ("name", "meant"), [("mac", "macs"), ("param", "params"), ("enrgy", "energy"), ("flop", "flops")]
)
def test_an_unknown_cost_is_refused_with_the_one_that_was_meant(name, meant):
    assert refused(profile_of(), f"{name}=5") == f"there is no cost {name!r}: did you mean {meant!r}?"


def test_an_unknown_cost_unlike_all_others_is_refused_with_the_list():
    assert (
        refused(profile_of(), "zzz=5")
        == "there is no cost 'zzz': known are bytes, energy, flops, latency, latency@onnx, macs, makespan, "
        "memory, params, steps"
    )


def test_a_share_of_a_cost_that_is_zero_is_refused_and_an_amount_of_it_is_not():
    profile = profile_of({"op": "identity", "channels": None, "kernel": None, "norm": None})
    assert (
        refused(profile, "macs=25%")
        == "budget 'macs=25%': the whole fabric costs nothing, so a share of it is no limit"
    )
    assert limit_of("macs=5", profile) == 5


@pytest.mark.parametrize("text", ["macs=1e305G", "macs=1e307%", "energy=1e-323%"])
def test_a_limit_that_its_unit_makes_infinite_or_zero_is_refused(text):
    assert refused(profile_of(), text) == f"budget {text!r}: the limit must be a positive finite number"


@pytest.mark.parametrize("micro", ["us", "\N{MICRO SIGN}s", "\N{GREEK SMALL LETTER MU}s"])
def test_microseconds_have_three_spellings(micro: str):
    request = parse_budget(f"makespan:2=5{micro}")
    assert (request.amount, request.unit) == (5.0, micro)
    check_units([request])


def test_budgets_keep_their_order():
    budgets = resolve_budgets(
        profile_of(), [parse_budget(text) for text in ("params=3", "energy=1", "macs=5")]
    )
    assert [budget.cost.name for budget in budgets] == ["params", "energy", "macs"]
    assert resolve_budgets(profile_of(), []) == Budgets()


def test_a_budget_is_slack_when_the_whole_fabric_is_inside_it():
    profile = profile_of()
    for text, slack in [
        ("macs=100%", True),
        ("macs=99.9%", False),
        ("macs=192", True),
        ("macs=191", False),
        ("energy=3", True),
    ]:
        (budget,) = resolve_budgets(profile, [parse_budget(text)])
        assert budget.slack is slack


@given(st.lists(st.floats(0, 1e12, allow_subnormal=False), min_size=1, max_size=30), st.randoms())
def test_a_budget_is_met_at_exactly_the_limit_whatever_the_order_of_the_sum(costs, random):
    cost = AdditiveCost("energy", "", np.array(costs))
    shuffled = list(costs)
    random.shuffle(shuffled)
    limit = sum(shuffled)
    if limit:
        assert Budget(cost, limit, "").met(cost.total)
        assert not Budget(cost, limit, "").met(limit * 1.000001)


def test_a_budget_is_met_at_its_limit_and_not_above():
    budget = Budget(price(profile_of(), "macs"), 96.0, "macs=96")
    assert budget.met(96)
    assert budget.met(0)
    assert not budget.met(97)
    assert not budget.met(96.0001)
