"""One step of a search as a pure function: what it leaves alone, both gradients against
references, a batch in parts, and limits that differ from row to row.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from recursive_evaluator import evaluate
from test_gamma import Enumeration, enumerated
from tiny import NO_LIMITS, STRIPES, STRIPES_NORM, fabric_of, recipe, settings, stripes
from torch import Tensor

from bsngraph.costs import AdditiveCost, Budget, Budgets, Costs, parse_budget, resolve_budgets
from bsngraph.fabric import Booleans, live_edges
from bsngraph.searching.learning.gamma.edge_logits import EdgeLogits
from bsngraph.searching.learning.gamma.gamma import Gamma
from bsngraph.searching.learning.gamma.policy_gradient import advantages
from bsngraph.searching.learning.penalty.multipliers import Multipliers, Penalty
from bsngraph.searching.learning.step import LearnState, Samples, StepOutcome, draw_samples, learn_step
from bsngraph.settings import SearchSettings
from bsngraph.supernet import SuperNet, compile_fabric
from bsngraph.tasks import task_of

DATA = stripes()
LAMBDA = 2.0


def state_of(
    net: SuperNet,
    logits: EdgeLogits,
    budgets: Budgets,
    limits: Costs,
    what: SearchSettings,
    *,
    gamma_learns: bool = True,
) -> LearnState:
    penalty = Multipliers(budgets, what).penalty_of()
    return LearnState(net, logits, task_of(DATA), budgets, limits, penalty, recipe(), what, gamma_learns)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Enumeration:
    return enumerated(fabric_of(STRIPES, tmp_path_factory.mktemp("fabric")))


# --- it changes nothing


@pytest.mark.parametrize("gamma_learns", [True, False])
@pytest.mark.parametrize("adapt", [True, False])
def test_two_calls_give_the_same_outcome_and_leave_all_but_running_statistics_as_it_was(
    tmp_path: Path, adapt: bool, gamma_learns: bool
) -> None:
    net = compile_fabric(fabric_of(STRIPES_NORM, tmp_path), seed=1).train()
    gamma = Gamma(net.fabric, 0.7)
    budgets = resolve_budgets(net.profile, [parse_budget("price=3"), parse_budget("macs~=40%")])
    multipliers = Multipliers(budgets, settings(penalty=LAMBDA, adapt_penalty=adapt))
    limits = budgets.limits[:, None]
    logits = gamma.at(limits)
    samples = draw_samples(logits, 24, 0.25, torch.Generator().manual_seed(3))
    inputs, labels = DATA.train.inputs[:24], DATA.train.labels[:24]
    state = LearnState(
        net,
        logits,
        task_of(DATA),
        budgets,
        limits,
        multipliers.penalty_of(),
        recipe(),
        multipliers.settings,
        gamma_learns,
    )

    def everything() -> dict[str, bytes]:
        """All that a step can reach, but for what any training pass moves."""
        arrays = {
            "kept": samples.kept,
            "limits": limits,
            "λ": multipliers.values,
            "missed": multipliers.missed,
            "λ of the state": state.penalty.multipliers,
            "Γ": gamma.logits.numpy(),
            "logits": logits.logits.numpy(),
            "inputs": inputs.numpy(),
            "labels": labels.numpy(),
        }
        weights = {name: weight.detach().numpy() for name, weight in net.named_parameters()}
        return {name: array.tobytes() for name, array in (arrays | weights).items()}

    before, statistics = everything(), [buffer.clone() for buffer in net.buffers()]
    random = torch.random.get_rng_state()
    first, second = (learn_step(state, inputs, labels, samples) for _ in range(2))
    assert everything() == before
    assert torch.equal(torch.random.get_rng_state(), random)
    assert all(weight.grad is None and weight.requires_grad for weight in net.parameters())
    assert gamma.logits.grad is None
    assert not gamma.optimizer.state
    assert net.training
    assert any(not torch.equal(old, new) for old, new in zip(statistics, net.buffers(), strict=True))
    assert tensors_of(first) == tensors_of(second)
    assert (first.gamma_gradient is not None) == gamma_learns
    assert not any(tensor.requires_grad for tensor in (first.losses, first.outputs))


def tensors_of(outcome: StepOutcome) -> list[bytes | None]:
    """The bits of an outcome."""
    assert outcome.weight_gradients is not None
    tensors = [outcome.losses, outcome.outputs, *outcome.weight_gradients, outcome.gamma_gradient]
    return [
        outcome.live.tobytes(),
        outcome.costs.tobytes(),
        *(None if tensor is None else tensor.numpy().tobytes() for tensor in tensors),
    ]


# --- θ


def losses_by_hand(net: SuperNet, inputs: Tensor, labels: Tensor, kept: Booleans) -> Tensor:
    """log Σ exp(scores) − score of the label, one example and one path at a time."""
    (scores,) = evaluate(net, {net.fabric.sources[0]: inputs}, kept).values()
    return scores.exp().sum(dim=1).log() - scores[torch.arange(len(labels)), labels]


@pytest.mark.parametrize("seed", range(4))
def test_weight_gradients_are_those_of_a_loss_by_hand_over_drawn_and_uniform_rows(
    world: Enumeration, seed: int
) -> None:
    inputs, labels = DATA.train.inputs[:12].double(), DATA.train.labels[:12]
    samples = draw_samples(world.logits, 12, 0.5, torch.Generator().manual_seed(seed))
    assert samples.drawn == 6
    state = state_of(world.net, world.logits, Budgets(), NO_LIMITS, settings())
    outcome = learn_step(state, inputs, labels, samples)
    losses = losses_by_hand(world.net, inputs, labels, samples.kept)
    expected = torch.autograd.grad(losses.mean(), tuple(world.net.parameters()), allow_unused=True)
    assert outcome.weight_gradients is not None
    assert any(gradient is not None and gradient.abs().max() > 1e-3 for gradient in expected)
    for found, exact in zip(outcome.weight_gradients, expected, strict=True):
        assert (found is None) == (exact is None)
        if found is not None and exact is not None:
            torch.testing.assert_close(found, exact, rtol=0, atol=1e-12)
    torch.testing.assert_close(outcome.losses, losses[:6].detach(), rtol=0, atol=1e-12)
    assert np.array_equal(outcome.live, live_edges(world.net.sweep, samples.kept)[:6])


# --- Γ


@pytest.mark.parametrize("limits", [[[3.0], [200.0]], [[3.0, 8.0], [500.0, 200.0]]])
def test_the_gradient_of_gamma_averages_to_the_exact_one_over_all_pairs_of_samples(
    world: Enumeration, limits: list[list[float]]
) -> None:
    """Two examples, a sample for each, limits that are the same for both or not: the
    mean over all pairs of samples is the derivative of the enumerated expectation.
    """
    net, samples = world.net, world.samples
    budgets = resolve_budgets(net.profile, [parse_budget("price=3"), parse_budget("macs=40%")])
    state = state_of(net, world.logits, budgets, np.array(limits), settings(penalty=LAMBDA))
    inputs, labels = world.inputs[:2], world.labels[:2]

    logits = world.logits.logits.clone().requires_grad_(True)
    chances = world.probabilities(logits)
    costs = budgets.costs(live_edges(net.sweep, samples))  # (budgets, samples)
    expected = torch.zeros((), dtype=torch.float64)
    for example in range(2):
        mine = np.array(limits)[:, min(example, len(limits[0]) - 1)]
        over = LAMBDA * np.maximum(costs / mine[:, None] - 1, 0).sum(axis=0)
        assert over.std() > 0
        expected = expected + chances @ (world.losses[:, example] + torch.from_numpy(over)) / 2
    (exact,) = torch.autograd.grad(expected, logits)
    assert exact.abs().max() > 1e-2

    mean = torch.zeros_like(exact)
    for first, one in enumerate(chances.tolist()):
        for second, other in enumerate(chances.tolist()):
            outcome = learn_step(state, inputs, labels, Samples(samples[[first, second]], 2))
            assert outcome.gamma_gradient is not None
            mean += one * other * outcome.gamma_gradient
    torch.testing.assert_close(mean, exact, rtol=0, atol=1e-10)


def test_uniform_rows_say_nothing_to_gamma_and_the_penalty_is_scaled_with_the_loss(
    world: Enumeration,
) -> None:
    net, kept = world.net, world.samples[[3, 20, 31, 12]]
    inputs, labels = DATA.train.inputs[:4].double(), DATA.train.labels[:4]
    budgets = resolve_budgets(net.profile, [parse_budget("price=3")])
    what = settings(penalty=LAMBDA, adapt_penalty=True)
    state = state_of(net, world.logits, budgets, budgets.limits[:, None], what)
    outcome = learn_step(state, inputs, labels, Samples(kept, 3))
    losses = losses_by_hand(net, inputs, labels, kept)[:3].detach()
    shares = outcome.costs[0] / 3.0
    worth = losses + LAMBDA * torch.from_numpy(
        np.abs(shares - 1)
    )  # of one tight budget, over it or left of it
    by_hand = advantages(worth / (1 + LAMBDA), "leave-one-out") @ world.logits.score(kept[:3]) / 3
    torch.testing.assert_close(outcome.gamma_gradient, by_hand, rtol=0, atol=1e-12)


# --- a batch in parts: the seam for several processes


def added(outcomes: Sequence[StepOutcome], rows: Sequence[int]) -> list[Tensor | None]:
    """The weight gradients of parts, each times its share of the rows."""
    whole: list[Tensor | None] = []
    every = [outcome.weight_gradients for outcome in outcomes]
    count = max(len(gradients) for gradients in every if gradients is not None)
    for place in range(count):
        parts = [
            gradients[place] * number / sum(rows)  # type: ignore[operator]
            for gradients, number in zip(every, rows, strict=True)
            if gradients is not None and gradients[place] is not None
        ]
        whole.append(torch.stack(parts).sum(dim=0) if parts else None)
    return whole


@given(data=st.data())
def test_gradients_of_parts_weighted_by_rows_add_up_to_those_of_the_batch(
    world: Enumeration, data: st.DataObject
) -> None:
    """For θ exactly. For Γ each part has a baseline of its own, so the sum is the
    policy gradient of the batch with these baselines.
    """
    count = data.draw(st.integers(4, 12))
    cut = data.draw(st.integers(2, count - 2))
    numbers = data.draw(st.lists(st.integers(0, 31), min_size=count, max_size=count))
    kept, inputs, labels = (
        world.samples[numbers],
        DATA.train.inputs[:count].double(),
        DATA.train.labels[:count],
    )
    budgets = resolve_budgets(world.net.profile, [parse_budget("price=3")])
    limits = np.array([data.draw(st.lists(st.floats(1, 9), min_size=count, max_size=count))])
    parts = [slice(0, cut), slice(cut, count)]

    def step(part: slice) -> StepOutcome:
        state = state_of(world.net, world.logits, budgets, limits[:, part], settings(penalty=LAMBDA))
        return learn_step(state, inputs[part], labels[part], Samples(kept[part], len(kept[part])))

    whole, outcomes = step(slice(0, count)), [step(part) for part in parts]
    rows = [len(kept[part]) for part in parts]
    torch.testing.assert_close(
        torch.cat([outcome.losses for outcome in outcomes]), whole.losses, rtol=0, atol=1e-12
    )
    assert np.array_equal(np.concatenate([outcome.costs for outcome in outcomes], axis=1), whole.costs)

    if whole.weight_gradients is None:
        assert all(outcome.weight_gradients is None for outcome in outcomes), "no example reached the target"
    else:
        for mine, theirs in zip(added(outcomes, rows), whole.weight_gradients, strict=True):
            assert (mine is None) == (theirs is None)
            if mine is not None and theirs is not None:
                torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-12)

    shares = [number / count for number in rows]
    found = sum(share * one.gamma_gradient for share, one in zip(shares, outcomes, strict=True))  # type: ignore[operator]
    worth = whole.losses + LAMBDA * torch.from_numpy(np.maximum(whole.costs[0] / limits[0] - 1, 0))
    centred = torch.cat([advantages(worth[part], "leave-one-out") for part in parts])
    torch.testing.assert_close(found, centred @ world.logits.score(kept) / count, rtol=0, atol=1e-12)


def test_a_part_without_a_path_for_any_example_gives_nothing_to_add(world: Enumeration) -> None:
    nothing = world.samples[[0, 0]]
    assert not live_edges(world.net.sweep, nothing).any()
    state = state_of(world.net, world.logits, Budgets(), NO_LIMITS, settings())
    outcome = learn_step(state, world.inputs[:2], world.labels[:2], Samples(nothing, 2))
    assert outcome.weight_gradients is None
    torch.testing.assert_close(outcome.losses, torch.full((2,), 2.0).double().log())
    assert outcome.gamma_gradient is not None
    assert not outcome.gamma_gradient.any(), "both paid the same"


# --- limits (budgets, rows)


@st.composite
def priced_rows(draw: st.DrawFn) -> tuple[Penalty, Costs, Costs]:
    """A penalty of any form on hard, slack and soft budgets, each with a λ of its own;
    costs and limits of a few rows, (budgets, rows).
    """
    rows = draw(st.integers(1, 6))
    budgets = tuple(
        Budget(
            AdditiveCost(f"cost{number}", "", np.array([4.0, 6.0])),
            draw(st.sampled_from((3.0, 9.0, 11.0))),
            f"cost{number}",
            draw(st.sampled_from(("<=", "<=", "<=", "~="))),
        )
        for number in range(draw(st.integers(1, 4)))
    )
    form, adapt = draw(
        st.sampled_from(
            (
                ("relative", True),
                ("relative", True),
                ("relative", False),
                ("absolute", False),
                ("absolute-distance", False),
            )
        )
    )
    what = settings(penalty=1.0, penalty_form=form, adapt_penalty=adapt)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    multipliers = random.uniform(0.1, 5.0, len(budgets))
    limits = random.uniform(0.5, 20.0, (len(budgets), rows))
    costs = limits * random.uniform(0.2, 1.2, limits.shape)
    return Penalty(Budgets(budgets), multipliers, what), costs, limits


def by_loop(penalty: Penalty, costs: Costs, limits: Costs) -> list[float]:
    """The penalty of each row, one number after the other."""
    budgets, what, rows = penalty.budgets, penalty.settings, costs.shape[1]
    tight = [k for k, budget in enumerate(budgets) if budget.relation == "<=" and budget.limit < 10]
    means = {k: sum(costs[k, row] / limits[k, row] for row in range(rows)) / rows for k in tight}
    found = []
    for row in range(rows):
        total = 0.0
        for k, budget in enumerate(budgets):
            cost, limit = float(costs[k, row]), float(limits[k, row])
            over = cost - limit if what.penalty_form.startswith("absolute") else cost / limit - 1
            both_ways = budget.relation == "~=" or what.penalty_form == "absolute-distance"
            total += penalty.multipliers[k] * (abs(over) if both_ways else max(over, 0.0))
        if what.adapt_penalty and tight:
            tightest = max(tight, key=means.__getitem__)
            left = 1 - max(float(costs[k, row] / limits[k, row]) for k in tight)
            total += penalty.multipliers[tightest] * max(left, 0.0)
        found.append(total)
    return found


@given(priced_rows())
def test_limits_that_differ_from_row_to_row_give_the_penalty_that_a_loop_over_rows_gives(
    case: tuple[Penalty, Costs, Costs],
) -> None:
    penalty, costs, limits = case
    assert penalty.of(costs, limits).tolist() == pytest.approx(by_loop(penalty, costs, limits))
    one = limits[:, :1]
    assert penalty.of(costs, one).tolist() == penalty.of(costs, one.repeat(costs.shape[1], axis=1)).tolist()
