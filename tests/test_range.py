"""A budget that is a range: how it reads, the limits of its front, the networks that
may be chosen for each, and a search of one from end to end.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import networkx as nx
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from random_fabrics import small_fabrics
from test_feasible import all_live
from tiny import DIGITS, STRIPES, fabric_of, written

from bsngraph.cli.main import cli
from bsngraph.costs import (
    Budgets,
    asks_range,
    check_budgets,
    parse_budget,
    price,
    resolve_budgets,
)
from bsngraph.costs.budgets import FRONT, Budget
from bsngraph.errors import InfeasibleBudgetError, InputError
from bsngraph.fabric import connected, fabric_from_networkx
from bsngraph.profile import FabricProfile, profile_fabric
from bsngraph.searching.choosing.finalists.first_finalists import random_under, turns_along
from bsngraph.searching.choosing.predicting import pool as pools
from bsngraph.searching.choosing.predicting.network_facts import FactSheet
from bsngraph.searching.choosing.predicting.pool import draw_pool
from bsngraph.searching.choosing.propose import decision_prices
from bsngraph.searching.choosing.shortlist import contenders_inside
from bsngraph.searching.learning.penalty.limits import is_tight
from bsngraph.settings import SearchSettings, resolve_settings


def ranged(profile: FabricProfile, text: str) -> Budgets:
    return resolve_budgets(profile, [parse_budget(text)])


# --- how a range reads


@pytest.mark.parametrize(
    ("text", "least", "most", "unit"),
    [
        ("macs=10%..60%", 10, 60, "%"),
        ("macs=10..60%", 10, 60, "%"),
        ("macs=10%..60", 10, 60, "%"),
        ("macs = 1k .. 2M", 1, 2, "M"),
        ("macs=1..2k", 1, 2, "k"),
        ("latency=.5ms..5ms", 0.5, 5, "ms"),
        ("latency<=0.5..2ms", 0.5, 2, "ms"),
    ],
)
def test_a_range_reads_as_two_limits_that_may_share_a_unit(
    text: str, least: float, most: float, unit: str
) -> None:
    request = parse_budget(text)
    assert request.least is not None
    assert (request.least.amount, request.amount, request.unit) == (least, most, unit)
    assert request.text == request.least.text == text
    assert asks_range(["params=1k", text])
    assert not asks_range(["params=1k"])


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["macs=60%..10%"], "a range begins below its end"),
        (["macs=10%..10%"], "a range begins below its end"),
        (["macs=1M..10k"], "a range begins below its end"),
        (["macs=10%.."], "a range reads LEAST..MOST"),
        (["macs=..10%"], "a range reads LEAST..MOST"),
        (["macs=1..2..3"], "a range reads LEAST..MOST"),
        (["macs=a..b"], "a range reads LEAST..MOST"),
        (["macs=0..60%"], "must be a positive finite number"),
        (["macs=10%..inf"], "must be a positive finite number"),
        (["macs~=10%..60%"], "a range has hard limits"),
        (["macs=10ms..20ms"], "does not measure macs"),
        (["macs=10%..60%", "params=10%..60%"], "only one budget may be a range"),
        (["macs=10%..60%", "params~=50%"], "make it hard, params=50%"),
        (["macs=10%..60%", "macs=5%"], "macs has a budget already"),
    ],
)
def test_a_range_that_is_none_is_told_with_its_cure(texts: list[str], said: str, tmp_path: Path) -> None:
    profile = profile_fabric(fabric_of(DIGITS, tmp_path))
    with pytest.raises(InputError, match=said.replace("..", r"\.\.")):
        resolve_budgets(profile, [parse_budget(text) for text in texts])


@settings(max_examples=30)
@given(st.floats(0.5, 99), st.floats(0.5, 99), st.sampled_from(["macs", "params", "bytes", "memory"]))
def test_limits_of_a_front_are_inside_the_range_the_same_factor_apart(
    one: float, other: float, name: str
) -> None:
    least, most = sorted((one, other))
    assume(least < most * 0.999)
    graph = nx.MultiDiGraph(format=1, source="x", target="y")
    graph.add_node("x", input="1x8x8")
    graph.add_edge("x", "y", op="conv", channels=64, kernel=5)
    profile = profile_fabric(fabric_from_networkx(graph))
    budgets = ranged(profile, f"{name}={least}%..{most}%")
    limits = budgets.front_limits
    total = price(profile, name).total
    assert len(limits) == FRONT
    assert (limits[0], limits[-1]) == pytest.approx((total * least / 100, total * most / 100))
    assert budgets[0].least == limits[0]
    assert budgets[0].limit == limits[-1]
    factors = np.diff(np.log(limits))
    assert factors == pytest.approx(np.full(FRONT - 1, np.log(most / least) / (FRONT - 1)))
    for limit in limits:
        held = budgets.at_limit(limit)
        assert held.range_index is None
        assert resolve_budgets(profile, [parse_budget(held[0].text)]).limits.tolist() == [limit]


def test_what_is_inside_the_lower_end_is_inside_every_limit(tmp_path: Path) -> None:
    profile = profile_fabric(fabric_of(STRIPES, tmp_path))
    budgets = resolve_budgets(profile, [parse_budget("price=2..8"), parse_budget("params=90%")])
    known = check_budgets(profile.fabric, budgets)
    assert known is not None
    assert all(budgets.at_limit(limit).met_by(known.mask) for limit in budgets.front_limits)
    assert budgets.at_limit(3.0).limits.tolist() == [3.0, budgets[1].limit]
    lowered = budgets.with_limit("price", 4.0)
    assert (lowered[0].least, lowered[0].limit) == (1.0, 4.0)
    assert Budgets(budgets.each[1:]).at_limit(3.0) == Budgets(budgets.each[1:])


def test_a_range_is_slack_only_where_its_lower_end_is(tmp_path: Path) -> None:
    profile = profile_fabric(fabric_of(STRIPES, tmp_path))
    assert not ranged(profile, "price=10%..200%")[0].slack
    assert is_tight(ranged(profile, "price=10%..200%")[0])
    assert ranged(profile, "price=100%..200%")[0].slack


def test_a_lower_end_that_nothing_meets_is_told_with_the_cheapest(tmp_path: Path) -> None:
    profile = profile_fabric(fabric_of(STRIPES, tmp_path))
    with pytest.raises(
        InfeasibleBudgetError,
        match=r"no sub-network meets the lower end of price=0\.5\.\.8 \(0\.5\): the cheapest costs 1",
    ):
        check_budgets(profile.fabric, ranged(profile, "price=0.5..8"))


@pytest.mark.parametrize(("least", "satisfiable", "code"), [("40%", True, 0), ("0.1%", False, 1)])
def test_check_judges_both_ends(least: str, satisfiable: bool, code: int, tmp_path: Path) -> None:
    fabric = str(written(DIGITS, tmp_path))
    result = CliRunner().invoke(
        cli, ["check", fabric, "--budget", f"energy={least}..90%", "--format", "json"]
    )
    (budget,) = json.loads(result.stdout)["budgets"]
    assert result.exit_code == code
    assert (budget["satisfiable"], budget["least_satisfiable"]) == (True, satisfiable)
    assert budget["least"] < budget["limit"]


def test_a_range_has_more_trainings_unless_it_is_said_otherwise() -> None:
    assert resolve_settings(None)[1].finalists == SearchSettings().finalists == 12
    assert resolve_settings(None, ranged=True)[1].finalists == 20
    assert resolve_settings(None, ranged=True)[0].epochs == 3 * resolve_settings(None)[0].epochs
    warm = resolve_settings(None, ranged=True, warm=True)
    assert (warm[0].epochs, warm[1].finalists, warm[1].reopen) == (12, 20, 0.9)
    assert resolve_settings(None, ranged=True, settings={"finalists": 7})[1].finalists == 7
    assert resolve_settings("paper", ranged=True)[1].finalists == 0


# --- the networks for it


@st.composite
def ranges(draw: st.DrawFn) -> tuple[FabricProfile, Budgets, np.ndarray]:
    """A fabric, a range from at or around what some sub-network costs upwards, and
    every sub-network's live edges.
    """
    profile = profile_fabric(draw(small_fabrics(max_edges=9, max_inner=4, max_targets=2)))
    live = all_live(profile)
    cost = price(profile, draw(st.sampled_from(["params", "bytes", "memory", "steps:2"])))
    base = float(cost.of(live)[draw(st.integers(0, len(live) - 1))])
    least = max(base, 0.5) * draw(st.sampled_from((0.7, 1.0, 1.3)))
    most = least * draw(st.sampled_from((1.5, 4.0, 50.0)))
    return profile, Budgets((Budget(cost, most, "RANGE", least=least),)), live


@pytest.mark.parametrize("tried", [2**12, 1], ids=["all", "drawn"])
@settings(max_examples=8)
@given(ranges(), st.integers(0, 2**20))
def test_contenders_are_inside_and_each_limit_has_one_if_the_lower_end_can_be_met(
    tried: int, case: Any, seed: int
) -> None:
    profile, budgets, live = case
    job = SimpleNamespace(
        profile=profile, fabric=profile.fabric, seed=seed, settings=SearchSettings(pool=40, finalists=4)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pools, "MOST_TRIED", tried)
        patch.setattr(pools, "DRAWN", 32)
        found = contenders_inside(job, budgets).live
    live = live[connected(profile.fabric, live).all(axis=1)]
    assert budgets.inside(found).all()
    assert connected(profile.fabric, found).all()
    assert len(np.unique(found, axis=0)) == len(found)
    if not budgets.lowest.inside(live).any():
        return
    for limit in budgets.front_limits:
        inside = budgets.at_limit(limit).inside(found)
        assert inside.any()
        picked = random_under(limit, budgets, found, 3)
        assert len(picked) == min(3, inside.sum())
        assert all(budgets.at_limit(limit).met_by(each.mask) for each in picked)


def chain(pairs: int) -> FabricProfile:
    """A chain in which each node is reached by a convolution or by an identity."""
    graph = nx.MultiDiGraph(format=1, source="n0", target=f"n{pairs}")
    graph.add_node("n0", input="4x2x2")
    for number in range(pairs):
        graph.add_edge(f"n{number}", f"n{number + 1}", op="conv", channels=4, kernel=1, norm="none")
        graph.add_edge(f"n{number}", f"n{number + 1}", op="identity")
    return profile_fabric(fabric_from_networkx(graph))


@pytest.mark.parametrize("budget", ["macs=25%", "macs=5%..60%"])
def test_the_pool_of_a_deep_chain_fills_though_hardly_a_random_network_is_connected(
    budget: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "DRAWN", 256)
    profile = chain(100)
    budgets = ranged(profile, budget)
    prices = decision_prices(profile.fabric, budgets)
    found = draw_pool(FactSheet(profile), budgets, prices, 450, np.random.default_rng(0))
    assert len(found) >= 400
    assert budgets.inside(found).all()
    costs = budgets.costs(found)[0]
    for limit in budgets.front_limits:
        assert (costs <= limit).sum() >= 25
    spread = found[:, [edge.op == "conv" for edge in profile.fabric.edges]].mean(axis=0)
    assert spread.min() > 0, "every convolution is in some network"


def test_the_pool_keeps_choices_legitimate(tmp_path: Path) -> None:
    graph = nx.MultiDiGraph(format=1, source="n0", target="n9")
    graph.add_node("n0", input="4x2x2")
    for number in range(9):
        for key, kernel in enumerate((1, 1, 3)):
            more = {"choice": f"c{number % 4}"} if key else {}
            graph.add_edge(
                f"n{number}", f"n{number + 1}", op="conv", channels=4, kernel=kernel, norm="none", **more
            )
    profile = profile_fabric(fabric_from_networkx(graph))
    budgets = ranged(profile, "macs=5%..60%")
    prices = decision_prices(profile.fabric, budgets)
    found = draw_pool(FactSheet(profile), budgets, prices, 90, np.random.default_rng(0))
    assert len(found) > 50
    for row in found:
        kept = profile.fabric.decisions.completed(row)
        assert kept is not None, "no two options of a choice"


@given(st.integers(1, 12))
def test_turns_go_from_the_upper_end_to_the_lower_one_which_gamma_has(wanted: int) -> None:
    budgets = ranged(chain(2), "params=10%..60%")
    turns = turns_along(budgets, wanted)
    limits = [limit for limit, _ in turns]
    assert len(turns) == wanted
    assert limits == sorted(limits, reverse=True)
    assert limits[0] == budgets.front_limits[-1]
    assert turns[0][1] == "shared weights"
    if wanted > 1:
        assert turns[-1] == (budgets.front_limits[0], "gamma")
    if wanted > 3:
        assert {turn for _, turn in turns} == {"shared weights", "random", "magnitudes", "gamma"}
