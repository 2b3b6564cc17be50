"""The changes of benchmarks/accuracy/truth/tried.py do what their names say while a
search runs, and leave nothing behind.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from tiny import STRIPES, fabric_of, no_pictures, recipe, settings, stripes

from benchmarks.accuracy.truth import tried
from bsngraph.profile import profile_fabric
from bsngraph.searching import search
from bsngraph.searching.choosing.oracle import every_architecture
from bsngraph.searching.learning import step
from bsngraph.searching.learning.gamma.edge_logits import EdgeLogits
from bsngraph.searching.learning.gamma.gamma import Gamma
from bsngraph.searching.learning.search_epochs import Learning

CHANGES = (tried.control_variate, tried.annealed_entropy, tried.few_samples, tried.sandwich)


@pytest.fixture
def profile(tmp_path):
    return profile_fabric(fabric_of(STRIPES, tmp_path))


def drawn(profile, count, seed=0, **how):
    logits = Gamma(profile.fabric, 0.7).at(np.zeros((0, 1)))
    return logits, logits.sample(count, torch.Generator().manual_seed(seed), **how)


def test_a_control_variate_knows_the_gradient_of_a_sum_exactly(profile):
    slope = torch.linspace(-1, 2, len(profile.fabric.edges), dtype=torch.float64)
    with tried.control_variate(profile):
        for batch in range(tried.FITTED_ON + 1):
            logits, kept = drawn(profile, 16, batch)
            worth = torch.from_numpy(kept).double() @ slope
            found = step.policy_gradient(logits, kept, worth, "leave-one-out")
    gamma = logits.probabilities
    assert torch.allclose(found, slope * gamma * (1 - gamma) * logits.index.leading, atol=1e-10)


def test_eight_samples_a_batch_are_credited_with_their_means(profile):
    objective = torch.rand(20, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    _, eight = drawn(profile, 8)
    with tried.few_samples(profile):
        logits, kept = drawn(profile, 20)
        found = step.policy_gradient(logits, kept, objective, "leave-one-out")
        _, open_rows = drawn(profile, 20, temperature=math.inf)
    groups = np.array([number * 8 // 20 for number in range(20)])
    assert all((kept[groups == group] == eight[group]).all() for group in range(8))
    means = torch.stack([objective[torch.from_numpy(groups == group)].mean() for group in range(8)])
    assert torch.allclose(found, step.policy_gradient(logits, eight, means, "leave-one-out"))
    assert len({tuple(row) for row in open_rows.tolist()}) > 8


def test_a_sandwich_runs_the_whole_fabric_and_the_cheapest_among_its_uniform_rows(profile):
    with tried.sandwich(profile):
        _, kept = drawn(profile, 16, temperature=math.inf)
        _, usual = drawn(profile, 16)
    cheapest = min(
        every_architecture(profile.fabric),
        key=lambda architecture: profile.macs[list(architecture.live)].sum(),
    )
    assert kept[:4].all()
    assert (kept[4:8] == cheapest.mask).all()
    assert np.array_equal(kept[8:], drawn(profile, 16, temperature=math.inf)[1][8:])
    assert np.array_equal(usual, drawn(profile, 16)[1])


def test_punished_entropy_ends_lower(profile, tmp_path, monkeypatch):
    no_pictures(monkeypatch)

    def entropy(name):
        how = {
            "recipe": recipe(epochs=12),
            "settings": settings(finetune_epochs=0),
            "threads": 1,
            "device": "cpu",
        }
        result = search(profile, stripes(), ["price=5"], out=tmp_path / name, **how)
        return result.run.read_metrics()[-1]["entropy"]

    plain = entropy("plain")
    with pytest.MonkeyPatch.context() as patch, tried.annealed_entropy(profile):
        patch.setattr(tried, "ENTROPY_WEIGHT", 20.0)
        assert entropy("annealed") < plain


@pytest.mark.parametrize("change", CHANGES)
def test_a_search_runs_with_it_and_afterwards_nothing_is_changed(change, profile, tmp_path, monkeypatch):
    no_pictures(monkeypatch)
    before = EdgeLogits.sample, step.policy_gradient, Learning._epoch
    with change(profile):
        result = search(
            profile,
            stripes(),
            ["price=5"],
            out=tmp_path / "run",
            recipe=recipe(),
            settings=settings(),
            threads=1,
        )
    assert result.architecture.live
    assert before == (EdgeLogits.sample, step.policy_gradient, Learning._epoch)
