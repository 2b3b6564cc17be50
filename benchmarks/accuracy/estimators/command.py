"""Gradient estimators of Γ against the exact gradient, on fabrics small enough to
enumerate.

    runs         of the network for each example and step
    bias         |mean - exact| / |exact|
    bias, s.e.   the standard error of that mean in the same unit: a bias of about one
                 of them may be chance
    variance     of one step's gradient, the mean over logits, in shares of |exact|²
    times runs   variance × runs, since two samples could also be two steps
    cosine       between one step's gradient and the exact one, the mean

    python -m benchmarks estimators [--quick]
"""

from __future__ import annotations

import click
import numpy as np
import torch

from benchmarks.accuracy.estimators.estimators import ESTIMATORS, Estimator
from benchmarks.accuracy.estimators.worlds import World, worlds
from benchmarks.shared.keeping import keep
from benchmarks.shared.options import quick_option
from benchmarks.shared.tables import last_table

TABLES = {"estimators": last_table()}


def measured(world: World, estimator: Estimator, draws: int) -> dict[str, float]:
    exact = world.exact()
    gradients = estimator.estimate(world, int(draws * estimator.share), torch.Generator().manual_seed(5))
    norm = float(np.linalg.norm(exact))
    error = np.sqrt((gradients.var(axis=0, ddof=1) / len(gradients)).sum())
    variance = float(gradients.var(axis=0, ddof=1).mean()) / norm**2
    lengths = np.linalg.norm(gradients, axis=1) * norm
    return {
        "runs": estimator.runs,
        "bias": float(np.linalg.norm(gradients.mean(axis=0) - exact)) / norm,
        "bias, s.e.": float(error) / norm,
        "variance": variance,
        "times runs": variance * estimator.runs,
        "cosine": float((gradients @ exact / np.maximum(lengths, 1e-300)).mean()),
    }


@click.command("estimators")
@quick_option
def command(quick: bool) -> None:
    """Measure bias and variance of gradient estimators.

    Example: python -m benchmarks estimators --quick
    """
    torch.set_num_threads(1)
    rows = [
        {"world": name, "estimator": kind, **measured(world, estimator, 400 if quick else 20_000)}
        for name, world in worlds().items()
        for kind, estimator in ESTIMATORS.items()
        if not (world.joint and estimator.without_norm_only)
    ]
    keep("estimators", rows, quick=quick)
