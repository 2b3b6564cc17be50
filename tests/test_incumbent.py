"""The best architecture inside the budgets while a search goes on, and the choice of
one by measuring it whole.
"""

from __future__ import annotations

import io
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny import NO_LIMITS, STRIPES, fabric_of, job_of, stripes

from bsngraph.costs import AdditiveCost, Budget, Budgets, parse_budget, resolve_budgets
from bsngraph.errors import InfeasibleBudgetError
from bsngraph.fabric import Architecture, connected, live_edges
from bsngraph.measure import Timing
from bsngraph.profile import profile_fabric
from bsngraph.searching.choosing.measure_whole import (
    Confirmation,
    confirm,
    latency_budget,
    measured,
    none_measured_inside,
)
from bsngraph.searching.choosing.propose import propose
from bsngraph.searching.learning.gamma.edge_logits import EdgeLogits
from bsngraph.searching.learning.gamma.gamma import Gamma
from bsngraph.searching.learning.incumbent import Incumbent, challengers
from bsngraph.searching.learning.learning_state import LearningState
from bsngraph.searching.learning.search_epochs import Learning
from bsngraph.searching.prepare import Job
from bsngraph.supernet import SuperNet, compile_fabric
from bsngraph.training import Silent, evaluate_net

LIMIT = "price=5"


@pytest.fixture
def net(tmp_path: Path) -> SuperNet:
    return compile_fabric(profile_fabric(fabric_of(STRIPES, tmp_path)), seed=1)


def all_architectures(net: SuperNet) -> list[Architecture]:
    """Every sub-network there is of the stripes' fabric."""
    count = len(net.fabric.edges)
    kept = (np.arange(2**count)[:, None] >> np.arange(count)) % 2 == 1
    live = live_edges(net.sweep, kept)
    live = np.unique(live[connected(net.fabric, live).all(axis=1)], axis=0)
    return [Architecture(count, tuple(np.flatnonzero(row).tolist())) for row in live]


def loss_of(net: SuperNet, architecture: Architecture) -> float:
    data = stripes()
    return evaluate_net(net, data, data.validation, architecture.mask).loss


def test_it_is_never_replaced_by_a_worse_one_under_the_same_weights(net: SuperNet) -> None:
    every = all_architectures(net)
    losses = {architecture: loss_of(net, architecture) for architecture in every}
    incumbent, so_far = Incumbent(net, Budgets(), None, partial(loss_of, net)), float("inf")
    for architecture in every:
        incumbent.challenge([architecture])
        assert incumbent.architecture is not None
        assert incumbent.loss == losses[incumbent.architecture] <= so_far
        so_far = incumbent.loss
    assert so_far == min(losses.values())


def test_its_loss_is_that_of_the_weights_of_the_last_look(net: SuperNet) -> None:
    first, second = all_architectures(net)[:2]
    incumbent = Incumbent(net, Budgets(), first, partial(loss_of, net))
    assert incumbent.loss is None
    incumbent.challenge([])
    assert incumbent.loss == loss_of(net, first)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(0.5)
    incumbent.challenge([second])
    assert incumbent.architecture in (first, second)
    assert incumbent.loss == min(loss_of(net, first), loss_of(net, second))


def test_what_is_measured_already_is_not_measured_again(net: SuperNet) -> None:
    first, second, third = all_architectures(net)[:3]
    looked: list[Architecture] = []

    def counting(architecture: Architecture) -> float:
        looked.append(architecture)
        return loss_of(net, architecture)

    incumbent = Incumbent(net, Budgets(), first, counting)
    incumbent.challenge([second, first, third], {second: -1.0})
    assert looked == [first, third]
    assert (incumbent.architecture, incumbent.loss) == (second, -1.0)


def test_without_challengers_there_is_none_feasible_yet(net: SuperNet) -> None:
    incumbent = Incumbent(net, Budgets(), None, partial(loss_of, net))
    incumbent.challenge([])
    assert (incumbent.architecture, incumbent.loss) == (None, None)


def test_only_what_connects_its_targets_inside_every_budget_challenges(net: SuperNet) -> None:
    budgets = resolve_budgets(net.profile, [parse_budget(LIMIT), parse_budget("steps:1=2")])
    index = Gamma(net.fabric, 0.5).index
    generator = torch.Generator().manual_seed(0)
    for seed in range(30):
        random = torch.randn(len(net.fabric.edges), generator=generator, dtype=torch.float64)
        logits = EdgeLogits(index, 3 * random)
        sampled = live_edges(net.sweep, logits.sample(12, torch.Generator().manual_seed(seed)))
        thresholded = live_edges(net.sweep, logits.thresholded()[None])
        found = challengers(logits, net, budgets, sampled, thresholded)
        fit = [
            row
            for row in (*thresholded, *sampled)
            if row.any() and all(budget.met(budget.cost.of(row[None])[0]) for budget in budgets)
        ]
        assert len(found) == bool(fit)
        if fit and (fit[0] == thresholded[0]).all():
            assert (found[0].mask == thresholded[0]).all()
        elif fit:
            chances = logits.log_probability(np.stack(fit))
            assert logits.log_probability(found[0].mask[None])[0] == chances.max()


def test_a_search_goes_on_with_the_same_one(tmp_path: Path) -> None:
    job = stripes_job(tmp_path, LIMIT)

    def begun() -> Learning:
        return Learning(
            compile_fabric(job.profile, seed=0),
            job.dataset,
            job.budgets,
            job.costs,
            job.recipe,
            job.settings,
            0,
        )

    straight, rows = begun(), []
    states = []
    straight.run(
        Silent(),
        lambda row: (
            rows.append(row["incumbent"]),
            states.append(_copied(straight.state().to_checkpoint())),
        ),
    )
    resumed, later = begun(), []
    file = tmp_path / "checkpoint.pt"
    resumed.load(LearningState.from_checkpoint(states[0], file), file)
    resumed.run(Silent(), lambda row: later.append(row["incumbent"]))
    assert later == rows[1:]
    assert resumed.incumbent.architecture == straight.incumbent.architecture is not None
    assert all(row["costs"]["price"] <= 5 for row in rows)


def _copied(state: dict[str, Any]) -> dict[str, Any]:
    """As if written and read again: training goes on in place."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    buffer.seek(0)
    return torch.load(buffer, weights_only=True)


def stripes_job(folder: Path, *budgets: str) -> Job:
    return job_of(fabric_of(STRIPES, folder), folder, *budgets)


# --- what is known to be inside is a proposal like the others


def test_what_is_known_to_be_inside_is_proposed_where_nothing_else_is_found(
    net: SuperNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    budgets = resolve_budgets(net.profile, [parse_budget("price=1")])
    (budget,) = budgets
    known = next(
        architecture
        for architecture in all_architectures(net)
        if budget.met(budget.cost.of(architecture.mask[None])[0])
    )
    gamma = Gamma(net.fabric, 1 - 1e-6)
    gamma.logits += 50  # samples keep everything
    logits = gamma.at(NO_LIMITS)
    monkeypatch.setattr("bsngraph.searching.choosing.propose._EASINGS", ((1.0, 0.0),))
    monkeypatch.setattr(
        "bsngraph.searching.choosing.propose.inside_budgets",
        lambda *_, **__: type("Nothing", (), {"architecture": None}),
    )
    assert propose(logits, net, budgets, 3, torch.Generator(), known) == [known]
    with pytest.raises(InfeasibleBudgetError):
        propose(logits, net, budgets, 3, torch.Generator())
    with pytest.raises(InfeasibleBudgetError):
        propose(logits, net, budgets.with_limit("price", 0.5), 3, torch.Generator(), known)


def test_what_is_known_but_far_from_a_soft_budget_is_not_proposed(net: SuperNet) -> None:
    budgets = resolve_budgets(net.profile, [parse_budget("price~=4")])
    prices = {
        architecture: float(budgets[0].cost.of(architecture.mask[None])[0])
        for architecture in all_architectures(net)
    }
    far = max(prices, key=lambda architecture: prices[architecture])
    logits = Gamma(net.fabric, 0.5).at(budgets.limits[:, None])
    proposals = propose(logits, net, budgets, 8, torch.Generator().manual_seed(0), far)
    assert {prices[proposal] for proposal in proposals} == {4.0}


# --- measured whole


def latency_job(
    folder: Path, limit: float, monkeypatch: pytest.MonkeyPatch, factors: dict[float, float]
) -> tuple[Job, list[float]]:
    """A job whose latency is its price by edges, and the price times `factors[price]`
    (1 if not said) measured whole.
    """
    job = stripes_job(folder, "macs=100%")
    prices = {edge.name: edge.costs["price"] for edge in job.fabric.edges}
    cost = AdditiveCost("latency", "ms", np.array(list(prices.values())))
    latency = Budget(cost, limit, f"latency={limit:g}ms")
    job = replace(job, budgets=Budgets((latency, *job.budgets)))
    asked: list[float] = []

    def measure(net: SuperNet, **_: object) -> Timing:
        price = sum(prices[edge.name] for edge in net.fabric.edges)
        asked.append(price)
        milliseconds = price * factors.get(price, 1.0)
        return Timing(milliseconds, milliseconds, milliseconds, 1)

    monkeypatch.setattr("bsngraph.searching.choosing.measure_whole.measure_network", measure)
    return job, asked


def candidates_of(job: Job, net: SuperNet, *prices: float) -> list[Architecture]:
    """An architecture of each price, best first as given."""
    by_price = {float(job.budgets[0].cost.of(one.mask[None])[0]): one for one in all_architectures(net)}
    return [by_price[price] for price in prices]


def test_candidates_that_are_measured_inside_may_be_chosen(
    tmp_path: Path, net: SuperNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, asked = latency_job(tmp_path, 5.0, monkeypatch, {5.0: 1.3})
    candidates = candidates_of(job, net, 5.0, 4.0, 1.0)
    found = confirm(job, net, job.budgets, candidates, 1, Silent())
    assert found.inside == candidates[1:2]
    assert found.tightened is None
    assert asked == [5.0] * 4 + [4.0], "what is over is measured again before it is passed over"
    assert found.measured_ms == {candidates[0]: 6.5, candidates[1]: 4.0}
    assert confirm(job, net, job.budgets, candidates, 2, Silent()).inside == candidates[1:]
    assert confirm(job, net, job.budgets, candidates, 9, Silent()).inside == candidates[1:]


@pytest.mark.parametrize("wanted", [1, 3])
def test_without_one_inside_the_limit_is_lowered_to_what_the_better_half_of_them_would_need(
    tmp_path: Path, net: SuperNet, monkeypatch: pytest.MonkeyPatch, wanted: int
) -> None:
    job, _ = latency_job(tmp_path, 5.0, monkeypatch, {6.0: 1.5, 5.0: 2.0, 4.0: 4.0})
    found = confirm(job, net, job.budgets, candidates_of(job, net, 5.0, 4.0), wanted, Silent())
    assert found.inside == []
    assert list(found.measured_ms.values()) == [10.0, 16.0]
    assert found.tightened is not None
    latency, macs = found.tightened
    assert latency.limit == pytest.approx(0.98 * 5.0 / 2.0)
    assert latency.text == "latency=5ms"
    assert macs == job.budgets[1]
    tightened = confirm(
        job, net, job.budgets, candidates_of(job, net, 4.0, 6.0, 5.0), wanted, Silent()
    ).tightened
    assert tightened is not None
    assert tightened[0].limit == pytest.approx(0.98 * 5.0 / 2.0)
    assert none_measured_inside(job.budgets, min(found.measured_ms.values())) == (
        "no network was measured inside latency=5ms (5 ms): the best found takes 10 ms"
    )


def test_others_are_looked_for_where_most_of_what_was_measured_is_over(
    tmp_path: Path, net: SuperNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, _ = latency_job(tmp_path, 5.0, monkeypatch, {5.0: 2.0, 4.0: 2.0})
    notes: list[str] = []

    class Told(Silent):
        def note(self, text: str) -> None:
            notes.append(text)

    most = confirm(job, net, job.budgets, candidates_of(job, net, 5.0, 4.0, 1.0), 3, Told())
    assert most.inside == candidates_of(job, net, 1.0)
    assert most.tightened is not None
    assert notes[0] == "measuring candidates whole, a second or more each, until 3 are inside latency=5ms …"
    assert notes[1:] == [
        "2 of 3 candidates measured whole are over 98% of latency=5ms: the fastest of them takes 8 ms, "
        "not the 4 ms of its edges"
    ]
    half = confirm(job, net, job.budgets, candidates_of(job, net, 5.0, 1.0), 3, Silent())
    assert half.inside == candidates_of(job, net, 1.0)
    assert half.tightened is None


@pytest.mark.parametrize(("wanted", "measured"), [(1, 4), (2, 4), (3, 6)])
def test_only_so_many_are_measured(
    tmp_path: Path, net: SuperNet, monkeypatch: pytest.MonkeyPatch, wanted: int, measured: int
) -> None:
    job, asked = latency_job(tmp_path, 0.5, monkeypatch, {})
    prices = [9.0, 8.0, 6.0, 5.0, 4.0, 1.0]
    confirm(job, net, job.budgets, candidates_of(job, net, *prices), wanted, Silent())
    assert sorted(set(asked), reverse=True) == prices[:measured]


def test_a_slow_spell_of_the_machine_is_measured_again(
    tmp_path: Path, net: SuperNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, _ = latency_job(tmp_path, 5.0, monkeypatch, {})
    times = iter([9.0, 7.0, 4.0, 1.0])
    monkeypatch.setattr(
        "bsngraph.searching.choosing.measure_whole.measure_network",
        lambda *_, **__: Timing(t := next(times), t, t, 1),
    )
    assert measured(job, net, 3, Silent()).median_ms == 4.0, "the first that is inside ends it"
    times = iter([9.0, 7.0, 8.0, 1.0])
    assert measured(job, net, 2, Silent()).median_ms == 7.0, "the best of those there are"
    times = iter([4.95, 4.93, 4.85, 1.0])
    assert measured(job, net, 3, Silent(), share=0.98).median_ms == 4.85, (
        "what is just inside is measured again for its margin"
    )


def test_without_a_latency_nothing_is_measured(
    tmp_path: Path, net: SuperNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, asked = latency_job(tmp_path, 5.0, monkeypatch, {})
    candidates = candidates_of(job, net, 9.0, 4.0)
    soft = Budget(job.budgets[0].cost, 5.0, "latency~=5ms", "~=")
    for budgets in (Budgets(job.budgets.each[1:]), Budgets((soft,))):
        assert latency_budget(budgets) is None
        unhurried = replace(job, budgets=budgets)
        assert confirm(unhurried, net, budgets, candidates, 1, Silent()) == Confirmation(candidates)
    assert asked == []
