"""The estimators of benchmarks/accuracy/estimators against the exact gradient; those of
the package itself stand in test_gamma.py.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from benchmarks.accuracy.estimators import command as estimators
from benchmarks.accuracy.estimators.estimators import ESTIMATORS, gated
from benchmarks.accuracy.estimators.worlds import FIVE, THREE, World, make_world

UNBIASED = ("leave one out", "control variate", "two samples", "ARM", "DisARM")


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(FIVE, batch=6, norm="none", steps=10)


@pytest.fixture(scope="module")
def joint() -> World:
    return make_world(THREE, batch=2, norm="batch", steps=5)


def test_the_exact_gradient_is_that_of_finite_differences(world: World) -> None:
    def expected(logits: torch.Tensor) -> float:
        gamma = logits[world.edges].sigmoid().numpy()
        bits = world.samples[:, world.edges]
        return float(np.where(bits, gamma, 1 - gamma).prod(axis=1) @ world.table.mean(axis=1))

    exact, step = world.exact(), 1e-5
    for place, edge in enumerate(world.edges):
        nudge = torch.zeros_like(world.distribution.logits)
        nudge[edge] = step
        slope = (
            expected(world.distribution.logits + nudge) - expected(world.distribution.logits - nudge)
        ) / (2 * step)
        assert exact[place] == pytest.approx(slope, abs=1e-8)


def test_the_joint_gradient_is_that_of_a_sum_over_all_pairs_of_samples(joint: World) -> None:
    """∂ E[mean objective] = Σ over pairs of p(H₁)·p(H₂)·(score₁ + score₂)·mean
    objective.
    """
    gamma = joint.distribution.probabilities.numpy()[joint.edges]
    bits = joint.samples[:, joint.edges]
    chances = np.where(bits, gamma, 1 - gamma).prod(axis=1)
    total = np.zeros(len(gamma))
    for one in range(len(bits)):
        for other in range(len(bits)):
            paid = joint.objective(joint.samples[[one, other]][None])[0].mean()
            total += chances[one] * chances[other] * paid * ((bits[one] - gamma) + (bits[other] - gamma))
    np.testing.assert_allclose(joint.exact(), total, atol=1e-12)


@pytest.mark.parametrize("name", UNBIASED)
def test_without_batch_norm_the_mean_is_the_exact_gradient_within_four_standard_errors(
    world: World, name: str
) -> None:
    gradients = ESTIMATORS[name].estimate(world, 1500, torch.Generator().manual_seed(11))
    errors = np.abs(gradients.mean(axis=0) - world.exact())
    deviations = gradients.std(axis=0, ddof=1) / np.sqrt(len(gradients))
    assert (errors <= 4 * deviations).all()
    assert np.linalg.norm(deviations) < 0.2 * np.linalg.norm(world.exact()), (
        "the test can tell a wrong gradient"
    )


def test_straight_through_is_biased(world: World) -> None:
    gradients = ESTIMATORS["straight-through"].estimate(world, 300, torch.Generator().manual_seed(11))
    errors = np.abs(gradients.mean(axis=0) - world.exact())
    assert (errors > 4 * gradients.std(axis=0, ddof=1) / np.sqrt(len(gradients))).any()


def test_gates_of_zero_and_one_give_what_the_network_gives_where_every_node_is_reached(world: World) -> None:
    for row in world.samples:
        if row[world.edges[:3]].any() and row[world.edges[3:]].any():
            kept = np.repeat(row[None], world.batch, axis=0)
            with torch.no_grad():
                torch.testing.assert_close(
                    gated(world.net, world.inputs, torch.from_numpy(kept).double()),
                    world.net(world.inputs, kept),
                )


def test_disarm_is_arm_with_the_uniform_noise_averaged_out(world: World) -> None:
    arm, disarm = (
        ESTIMATORS[name].estimate(world, 1500, torch.Generator().manual_seed(3)) for name in ("ARM", "DisARM")
    )
    assert disarm.var(axis=0).sum() < arm.var(axis=0).sum()


def test_the_benchmark_measures_every_estimator_in_every_world(
    world: World, joint: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = []
    monkeypatch.setattr(estimators, "worlds", lambda: {"five": world, "joint": joint})
    monkeypatch.setattr(estimators, "keep", lambda name, rows, *, quick: kept.extend(rows))
    monkeypatch.setattr(estimators, "measured", lambda world, estimator, draws: {"runs": estimator.runs})
    assert CliRunner().invoke(estimators.command, ["--quick"]).exit_code == 0
    assert len(kept) == 2 * len(ESTIMATORS) - 1
