"""Proposition 1 of the paper by enumeration: for a large λ the stochastic problem has a
deterministic solution, the constrained one's.

    min over Γ in [0, 1]^E of E_{H~Γ}[Δ(H) + λ·max(0, C(H) − B)]
        =  min of Δ(H) over H with C(H) ≤ B

Losses are random tables over the 2^E sub-networks, costs are those of the live edges of
random fabrics. Large enough is λ > (least Δ inside the budget − least Δ of all) /
(least excess of a sub-network outside).
"""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from random_fabrics import every_sample, small_fabrics

from bsngraph.costs import AdditiveCost, Budget, Budgets
from bsngraph.fabric import Fabric, live_edges
from bsngraph.searching.learning.penalty.multipliers import Multipliers
from bsngraph.settings import SearchSettings

Floats = NDArray[np.float64]


def chances(bits: NDArray[np.bool_], gamma: Floats) -> Floats:
    """p(H; Γ) of each row: bits (samples, E), gamma (…, E) → (…, samples)."""
    return np.where(bits, gamma[..., None, :], 1 - gamma[..., None, :]).prod(axis=-1)


def problem(fabric: Fabric, seed: int, share: float) -> tuple[NDArray[np.bool_], Floats, Floats, float]:
    """Choices of searchable edges (samples, E), a random loss of each (samples that are
    the same network pay the same), excess, and λ.
    """
    random = np.random.default_rng(seed)
    samples = every_sample(fabric)
    live = live_edges(fabric.sweep, samples)
    _, same = np.unique(live, axis=0, return_inverse=True)
    losses = random.random(int(same.max()) + 1)[same.reshape(-1)]
    cost = AdditiveCost("energy", "", np.array([edge.costs["energy"] for edge in fabric.edges]))
    limit = share * cost.total
    budgets = Budgets((Budget(cost, limit, "energy"),))
    absolute = SearchSettings(penalty=1.0, adapt_penalty=False, penalty_form="absolute")
    penalty = Multipliers(budgets, absolute).penalty_of().of(budgets.costs(live), budgets.limits[:, None])
    outside = penalty > 0
    assume(outside.any() and (~outside).any())
    enough = (losses[~outside].min() - losses.min()) / penalty[outside].min() + 1e-3
    return samples[:, list(fabric.searchable)], losses, penalty, float(enough)


PROBLEMS = {
    "fabric": small_fabrics(max_edges=7, operations="identity", costs=True),
    "seed": st.integers(0, 2**32 - 1),
    "share": st.sampled_from((0.3, 0.5, 0.8)),
}


@given(**PROBLEMS)
def test_the_minimum_is_at_a_vertex_that_is_an_optimal_sub_network_inside_the_budget(
    fabric: Fabric, seed: int, share: float
) -> None:
    bits, losses, penalty, enough = problem(fabric, seed, share)
    objective = losses + enough * penalty
    vertices = chances(bits, bits.astype(np.float64)) @ objective
    np.testing.assert_allclose(vertices, objective, err_msg="Γ of zeros and ones is the sub-network itself")
    best = int(vertices.argmin())
    assert penalty[best] == 0
    assert losses[best] == losses[penalty == 0].min()
    random = np.random.default_rng(seed + 1)
    # many near the faces, where minima of a multilinear function are
    inner = random.beta(0.3, 0.3, size=(300, bits.shape[1]))
    assert (chances(bits, inner) @ objective >= vertices[best] - 1e-12).all()


@given(**PROBLEMS)
def test_rounding_one_probability_after_the_other_never_makes_the_expectation_worse(
    fabric: Fabric, seed: int, share: float
) -> None:
    """Why: the expectation is linear in each Γ_e alone, so one of its ends is at least
    as good; after E steps a vertex is reached.
    """
    bits, losses, penalty, enough = problem(fabric, seed, share)
    objective = losses + enough * penalty
    gamma = np.random.default_rng(seed + 2).random(bits.shape[1])
    value = float(chances(bits, gamma) @ objective)
    for edge in range(len(gamma)):
        ends = []
        for end in (0.0, 1.0):
            gamma[edge] = end
            ends.append(float(chances(bits, gamma) @ objective))
        gamma[edge] = float(np.argmin(ends))
        assert min(ends) <= value + 1e-12
        value = min(ends)
    assert set(gamma) <= {0.0, 1.0}
    assert value >= losses[penalty == 0].min() - 1e-12
