"""What the search minimises: penalties against formulas by hand, and how the limits
come down.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny import STRIPES, fabric_of, recipe, settings

from bsngraph.costs import AdditiveCost, Budget, Budgets, parse_budget, resolve_budgets
from bsngraph.errors import InputError
from bsngraph.fabric import fabric_from_networkx
from bsngraph.profile import profile_fabric
from bsngraph.searching.learning.penalty.limits import excess, limits_at
from bsngraph.searching.learning.penalty.multipliers import Multipliers
from bsngraph.settings import Recipe, SearchSettings
from bsngraph.supernet import compile_fabric
from bsngraph.training import make_optimizer, step_weights

PRICES = np.array([1.0, 2.0, 4.0])
# 7, 3, 1, 0
LIVE = np.array([[True, True, True], [True, True, False], [True, False, False], [False, False, False]])


def budget(limit: float, name: str = "price", prices: np.ndarray = PRICES) -> Budget:
    return Budget(AdditiveCost(name, "", prices), limit, f"{name}={limit}")


def column(*limits: float) -> np.ndarray:
    """Limits that are the same for every row: (budgets, 1)."""
    return np.array(limits)[:, None]


def penalty_of(budgets: tuple[Budget, ...], limits: list[float], **values) -> np.ndarray:
    every = Budgets(budgets)
    return Multipliers(every, settings(**values)).penalty_of().of(every.costs(LIVE), column(*limits))


def test_relative_penalty_is_lambda_times_the_share_over_the_limit() -> None:
    penalty = penalty_of((budget(2.0),), [2.0], penalty=3.0, penalty_form="relative")
    assert penalty.tolist() == pytest.approx([3 * (7 / 2 - 1), 3 * (3 / 2 - 1), 0, 0])


def test_absolute_penalty_is_lambda_times_what_is_over_the_limit() -> None:
    penalty = penalty_of((budget(2.0),), [2.0], penalty=0.5, penalty_form="absolute")
    assert penalty.tolist() == pytest.approx([0.5 * 5, 0.5 * 1, 0, 0])


def test_distance_penalty_is_lambda_times_how_far_a_cost_is_from_the_limit() -> None:
    penalty = penalty_of((budget(2.0),), [2.0], penalty=0.5, penalty_form="absolute-distance")
    assert penalty.tolist() == pytest.approx([0.5 * 5, 0.5 * 1, 0.5 * 1, 0.5 * 2])


def test_penalties_of_several_budgets_add_up() -> None:
    budgets = (budget(2.0), budget(5.0, "steps", np.array([10.0, 0.0, 0.0])))
    assert penalty_of(budgets, [2.0, 5.0], penalty=1.0).tolist() == pytest.approx(
        [2.5 + 1, 0.5 + 1, 0 + 1, 0]
    )


def test_penalty_counts_against_the_limits_in_force_and_not_the_final_ones() -> None:
    assert penalty_of((budget(2.0),), [7.0], penalty=1.0).tolist() == [0, 0, 0, 0]
    assert penalty_of((budget(2.0),), [3.5], penalty=1.0).tolist() == pytest.approx([1, 0, 0, 0])


def test_without_budgets_nothing_is_penalised() -> None:
    assert penalty_of((), []).tolist() == [0, 0, 0, 0]


def test_relative_penalty_is_free_of_units() -> None:
    in_thousands = penalty_of((budget(2000.0, prices=1000 * PRICES),), [2000.0])
    assert in_thousands == pytest.approx(penalty_of((budget(2.0),), [2.0]))


def test_excess_is_the_mean_share_over_the_budgets_own_limit() -> None:
    (costs,) = Budgets((budget(2.0),)).costs(LIVE)
    assert excess(costs, np.full(4, 2.0)) == pytest.approx((2.5 + 0.5) / 4)
    assert excess(costs, np.array(7.0)) == 0
    assert excess(np.array([2.0, 4.0]), np.array([1.0, 8.0])) == 0.5


# --- the multiplier finds itself


def adapted(costs: list[float], limits: list[float], start: float, steps: int, budgets=None) -> np.ndarray:
    every = Budgets(budgets or (budget(2.0),))
    multipliers = Multipliers(every, settings(penalty=start, adapt_penalty=True))
    for _ in range(steps):
        multipliers.adapt(column(*costs), column(*limits))
    return multipliers.values


@pytest.mark.parametrize("start", [1e-1, 1.0, 10.0])
@pytest.mark.parametrize("cost", [3.0, 1.0])
def test_a_multiplier_grows_while_the_mean_cost_is_away_from_its_limit(start: float, cost: float) -> None:
    values = [float(adapted([cost], [2.0], start, steps)[0]) for steps in (10, 20, 30)]
    assert start < values[0] < values[1] < values[2]


def test_a_multiplier_shrinks_while_the_mean_cost_is_at_its_limit() -> None:
    values = [float(adapted([2.02], [2.0], 5.0, steps)[0]) for steps in (1, 10, 20)]
    assert 5 > values[0] > values[1] > values[2] > 0


@pytest.mark.parametrize("start", [1e-3, 1.0, 1e3])
def test_the_expected_cost_of_one_who_answers_late_settles_at_the_limit(start: float) -> None:
    """Like Γ: the cost drifts up by what the loss wants, and moves by the penalty's
    slope, the larger of both drowning the other.
    """
    budgets, limit = Budgets((budget(2.0),)), 2.0
    multipliers, cost, noise = (
        Multipliers(budgets, settings(penalty=start, adapt_penalty=True)),
        6.0,
        np.linspace(-0.3, 0.3, 31),
    )
    for _ in range(3000):
        batch = (cost + noise)[None]
        slope = float(
            (
                multipliers.penalty_of().of(batch + 1e-6, column(limit))
                - multipliers.penalty_of().of(batch, column(limit))
            ).mean()
            / 1e-6
        )
        cost += 0.01 * (0.2 - slope) * multipliers.penalty_of().scale
        multipliers.adapt(batch, column(limit))
    assert cost == pytest.approx(limit, rel=0.05)


def test_only_what_the_tightest_budget_has_left_costs_something() -> None:
    budgets = Budgets((budget(2.0), budget(5.0, "steps", np.array([10.0, 0.0, 0.0]))))
    multipliers = Multipliers(budgets, settings(penalty=1.0, adapt_penalty=True))
    multipliers.values[:] = 3.0, 7.0
    costs = np.array([[1.0, 1.8, 1.0], [1.0, 1.0, 5.0]])  # shares 0.5, 0.9, 0.5 and 0.2, 0.2, 1
    assert multipliers.penalty_of().of(costs, column(2.0, 5.0)).tolist() == pytest.approx(
        [3 * 0.5, 3 * 0.1, 0]
    )


def test_nothing_is_left_of_a_budget_that_the_whole_fabric_meets() -> None:
    multipliers = Multipliers(Budgets((budget(100.0),)), settings(penalty=1.0, adapt_penalty=True))
    assert multipliers.penalty_of().of(np.array([[7.0, 1.0]]), column(100.0)).tolist() == [0, 0]


def test_a_fixed_multiplier_stays() -> None:
    multipliers = Multipliers(Budgets((budget(2.0),)), settings(penalty=3.0, adapt_penalty=False))
    multipliers.adapt(column(9.0), column(2.0))
    assert multipliers.values.tolist() == [3.0]
    assert multipliers.penalty_of().scale == 1


def test_multipliers_go_on_from_their_state() -> None:
    first = Multipliers(Budgets((budget(2.0),)), settings(penalty=1.0, adapt_penalty=True))
    for cost in (3.0, 2.5, 1.0):
        first.adapt(column(cost), column(2.0))
    second = Multipliers(Budgets((budget(2.0),)), settings(penalty=1.0, adapt_penalty=True))
    second.load(first.state())
    for multipliers in (first, second):
        multipliers.adapt(column(2.2), column(2.0))
    assert first.values.tolist() == second.values.tolist()


def limit_at(
    epoch: int, what: Budget, how: Recipe, when: SearchSettings, starts: tuple[float, ...] | None = None
) -> float:
    """The limit in force of one budget alone."""
    limits = limits_at(epoch, Budgets((what,)), how, when, starts)
    assert limits.shape == (1, 1)
    return float(limits[0, 0])


@st.composite
def schedules(draw: st.DrawFn) -> tuple[Recipe, SearchSettings, Budget]:
    epochs = draw(st.integers(1, 40))
    burn_in, settle = sorted(
        draw(st.tuples(*[st.sampled_from([0.0, 0.1, 0.2, 0.25, 1 / 3, 0.5, 0.6, 0.75, 0.9, 1.0])] * 2))
    )
    limit = draw(st.floats(0.01, 20.0))
    return recipe(epochs=epochs), settings(burn_in=burn_in, settle=settle), budget(limit)


@given(schedules())
def test_limits_never_rise_never_pass_the_budget_and_stand_at_it_once_settled(
    schedule: tuple[Recipe, SearchSettings, Budget],
) -> None:
    how, when, what = schedule
    limits = [limit_at(epoch, what, how, when) for epoch in range(how.epochs)]
    assert all(later <= earlier for earlier, later in itertools.pairwise(limits))
    assert min(limits) >= what.limit
    assert max(limits) <= max(what.cost.total, what.limit) * (1 + 1e-12)
    for epoch, limit in enumerate(limits):
        if epoch + 1 <= when.burn_in * how.epochs and when.burn_in < when.settle:
            # the whole fabric as long as only the weights learn
            assert limit == pytest.approx(max(what.cost.total, what.limit))
        if epoch + 1 >= when.settle * how.epochs:
            assert limit == what.limit


@given(schedules())
def test_slack_budgets_stay_at_their_limit(schedule: tuple[Recipe, SearchSettings, Budget]) -> None:
    how, when, _ = schedule
    slack = budget(7.5)
    assert {limit_at(epoch, slack, how, when) for epoch in range(how.epochs)} == {7.5}


def test_limits_come_down_evenly_between_burn_in_and_settling() -> None:
    limits = [
        limit_at(epoch, budget(2.0), recipe(epochs=10), settings(burn_in=0.2, settle=0.7))
        for epoch in range(10)
    ]
    assert limits == pytest.approx([7, 7, 6, 5, 4, 3, 2, 2, 2, 2])


def test_settling_where_burn_in_ends_is_one_step_down() -> None:
    limits = [
        limit_at(epoch, budget(2.0), recipe(epochs=4), settings(burn_in=0.5, settle=0.5))
        for epoch in range(4)
    ]
    assert limits == pytest.approx([7, 2, 2, 2])


def test_limits_of_several_budgets_come_down_each_from_its_own_whole() -> None:
    budgets = (budget(2.0), budget(5.0, "steps", np.array([10.0, 0.0, 5.0])), budget(100.0))
    limits = limits_at(2, Budgets(budgets), recipe(epochs=10), settings(burn_in=0.0, settle=0.6))
    assert limits == pytest.approx(column(4.5, 10.0, 100.0))


def test_share_budgets_are_shares_of_the_whole_fabric(tmp_path: Path) -> None:
    profile = profile_fabric(fabric_of(STRIPES, tmp_path))
    (found,) = resolve_budgets(profile, [parse_budget("price=50%")])
    assert found.limit == pytest.approx(0.5 * (4 + 1 + 1 + 3))


# --- settings


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: recipe(epochs=-1), "epochs=-1 must not be negative"),
        (lambda: recipe(batch_size=1), "batch-size=1 must be at least 2"),
        (lambda: recipe(learning_rate=-0.1), "learning-rate=-0.1 must be a finite number"),
        (lambda: recipe(momentum=float("nan")), "momentum=nan must be a finite number"),
        (lambda: recipe(weight_decay=float("inf")), "weight-decay=inf must be a finite number"),
        (lambda: recipe(drops=(0.5, 1.5)), "drops=0.5,1.5 must be shares"),
        (lambda: settings(burn_in=0.7, settle=0.6), "burn-in=0.7 and settle=0.6 must read"),
        (lambda: settings(initial_probability=1.0), "initial-probability=1.0 must lie between"),
        (lambda: settings(penalty=float("nan")), "penalty=nan must be a finite number"),
        (lambda: settings(candidates=-1), "candidates=-1 must not be negative"),
        (lambda: settings(finetune_epochs=-1), "finetune-epochs=-1 must not be negative"),
    ],
)
def test_settings_outside_their_range_are_refused_with_name_and_value(make, words: str) -> None:
    with pytest.raises(InputError, match=words.replace(".", r"\.")):
        make()


def test_every_wrong_setting_is_named_at_once() -> None:
    with pytest.raises(InputError) as caught:
        recipe(epochs=-1, batch_size=0, drops=(2.0,))
    assert all(word in str(caught.value) for word in ("epochs", "batch-size", "drops"))


def test_learning_rate_drops_to_a_tenth_at_each_share_of_the_epochs() -> None:
    how = recipe(epochs=10, learning_rate=1.0, drops=(0.5, 0.8))
    assert [how.rate(epoch) for epoch in range(10)] == pytest.approx(
        [1, 1, 1, 1, 1, 0.1, 0.1, 0.1, 0.01, 0.01]
    )


def test_limits_come_down_to_their_aim_below_the_budget_unless_it_is_slack() -> None:
    for limit, last in ((2.0, 1.5), (7.5, 7.5)):
        assert limit_at(9, budget(limit), recipe(epochs=10), settings(aim=0.75)) == pytest.approx(last)


@pytest.mark.parametrize("aim", [0.0, 1.1, float("nan")])
def test_an_aim_that_is_no_share_is_refused(aim: float) -> None:
    with pytest.raises(InputError, match="aim="):
        settings(aim=aim)


def test_a_step_never_follows_more_gradient_than_the_clip() -> None:
    net = compile_fabric(fabric_from_networkx(_line()), seed=0)
    before = {name: tensor.clone() for name, tensor in net.named_parameters()}
    how = recipe(clip=0.5, momentum=0.0, weight_decay=0.0, learning_rate=1.0)
    step_weights(make_optimizer(net, how), 1e4 * net(torch.ones(2, 3)).sum(), how)
    moved = torch.stack([(tensor - before[name]).norm() for name, tensor in net.named_parameters()]).norm()
    assert float(moved.detach()) == pytest.approx(0.5, rel=1e-3)


def _line() -> nx.MultiDiGraph:
    graph = nx.MultiDiGraph(source="x", target="y")
    graph.add_node("x", input="3")
    graph.add_edge("x", "y", op="linear", features=2)
    return graph


@pytest.mark.parametrize("clip", [0.0, -1.0, float("nan")])
def test_a_clip_that_stops_everything_is_refused(clip: float) -> None:
    with pytest.raises(InputError, match="clip="):
        recipe(clip=clip)


def test_the_multiplier_of_a_budget_that_the_whole_fabric_meets_does_not_grow() -> None:
    multipliers = Multipliers(
        Budgets((budget(100.0), budget(90.0, "other"))), settings(penalty=1.0, adapt_penalty=True)
    )
    for _ in range(100):
        multipliers.adapt(column(7.0, 7.0), column(100.0, 90.0))
    assert (multipliers.values < 1).all()


def test_a_slack_budget_near_its_limit_does_not_take_the_place_of_the_tightest() -> None:
    budgets = (budget(5.0), budget(16.0, "steps", np.array([16.0, 0.0, 0.0])))
    assert budgets[1].slack
    binding, slack = adapted([2.5, 15.0], [5.0, 16.0], 1.0, 40, budgets)
    assert binding > 1, "half of the only budget that binds is left, so its price grows"
    assert slack < 1


@pytest.mark.parametrize("form", ["absolute", "absolute-distance"])
def test_an_absolute_penalty_needs_its_lambda_given(form: str) -> None:
    with pytest.raises(InputError, match="give a penalty, a number"):
        settings(penalty_form=form, adapt_penalty=True)
    assert settings(penalty_form=form, adapt_penalty=False).penalty_form == form
