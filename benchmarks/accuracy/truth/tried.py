"""Changes to a search that were tried and are not in the package, each a patch of it
for as long as a search runs.

What they gave stands in the table of `searches.py`. They know edges alone, no choices.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor

import bsngraph
from bsngraph.fabric import Booleans
from bsngraph.searching.choosing.oracle import every_architecture
from bsngraph.searching.learning import step
from bsngraph.searching.learning.gamma.edge_logits import EdgeLogits
from bsngraph.searching.learning.gamma.policy_gradient import advantages
from bsngraph.searching.learning.search_epochs import Learning

Change = Callable[[bsngraph.FabricProfile], AbstractContextManager[None]]

FITTED_ON = 8  # batches
GROUPS = 8
ENTROPY_WEIGHT = 0.3


def nothing(_profile: bsngraph.FabricProfile) -> AbstractContextManager[None]:
    """The package as it is."""
    return nullcontext()


@contextmanager
def control_variate(_profile: bsngraph.FabricProfile) -> Iterator[None]:
    """A linear control variate of mean zero: f − Σ_e c_e·(H_e − Γ_e), and c_e·Γ_e(1 −
    Γ_e) added back; c by least squares from the batches before.
    """
    before: deque[tuple[Tensor, Tensor]] = deque(maxlen=FITTED_ON)

    def policy_gradient(logits: EdgeLogits, kept: Booleans, objective: Tensor, baseline: Any) -> Tensor:
        gamma, leading = logits.probabilities, logits.index.leading
        score = logits.score(kept)
        slope = torch.zeros_like(gamma)
        if len(before) == FITTED_ON:
            scores, objectives = (torch.cat(parts) for parts in zip(*before, strict=True))
            slope = torch.linalg.lstsq(
                scores - scores.mean(dim=0), (objectives - objectives.mean())[:, None], driver="gelsd"
            ).solution[:, 0]
        before.append((score, objective.to(torch.float64)))
        rest = objective - score @ slope
        return advantages(rest, baseline) @ score / len(rest) + slope * gamma * (1 - gamma) * leading

    with _replaced(step, "policy_gradient", policy_gradient):
        yield


@contextmanager
def annealed_entropy(_profile: bsngraph.FabricProfile) -> Iterator[None]:
    """The entropy of Γ, in nats, is punished: not at all until the limit stands, then
    ever more.
    """
    weight = 0.0
    epoch, gradient = Learning._epoch, step.policy_gradient

    def weighed_epoch(self: Learning) -> Any:
        nonlocal weight
        settle = self.settings.settle
        weight = ENTROPY_WEIGHT * max((self.epoch / self.recipe.epochs - settle) / (1 - settle), 0.0)
        return epoch(self)

    def policy_gradient(logits: EdgeLogits, kept: Booleans, objective: Tensor, baseline: Any) -> Tensor:
        gamma, leading = logits.probabilities, logits.index.leading
        towards_certain = logits.logits * gamma * (1 - gamma) * leading
        return gradient(logits, kept, objective, baseline) - weight * towards_certain

    with (
        _replaced(Learning, "_epoch", weighed_epoch),
        _replaced(step, "policy_gradient", policy_gradient),
    ):
        yield


@contextmanager
def few_samples(_profile: bsngraph.FabricProfile) -> Iterator[None]:
    """Eight samples a batch, each for an eighth of Γ's examples, whose mean objective
    is the sample's.
    """
    sample, gradient = EdgeLogits.sample, step.policy_gradient

    def groups(count: int) -> Tensor:
        return torch.arange(count) * min(GROUPS, count) // count

    def repeated(self: EdgeLogits, count: int, generator: torch.Generator, **how: Any) -> Booleans:
        if how or not count:
            return sample(self, count, generator, **how)
        return sample(self, min(GROUPS, count), generator)[groups(count).numpy()]

    def policy_gradient(logits: EdgeLogits, kept: Booleans, objective: Tensor, baseline: Any) -> Tensor:
        group = groups(len(objective))
        sums, counts = torch.zeros(int(group[-1]) + 1, dtype=torch.float64), torch.bincount(group)
        first = torch.cat([torch.zeros(1, dtype=torch.long), counts.cumsum(0)[:-1]])
        return gradient(
            logits,
            kept[first.numpy()],
            sums.index_add(0, group, objective.to(torch.float64)) / counts,
            baseline,
        )

    with (
        _replaced(EdgeLogits, "sample", repeated),
        _replaced(step, "policy_gradient", policy_gradient),
    ):
        yield


@contextmanager
def sandwich(profile: bsngraph.FabricProfile) -> Iterator[None]:
    """Of the uniform rows a quarter run the whole fabric and a quarter its cheapest
    sub-network (Yu and Huang 2019).
    """
    sample = EdgeLogits.sample
    cheapest = min(
        every_architecture(profile.fabric),
        key=lambda architecture: float(profile.macs[list(architecture.live)].sum()),
    )

    def layered(self: EdgeLogits, count: int, generator: torch.Generator, **how: Any) -> Booleans:
        rows = sample(self, count, generator, **how)
        if how == {"temperature": math.inf}:
            rows = rows.copy()
            rows[: count // 4] = True
            rows[count // 4 : count // 2] = cheapest.mask
        return np.asarray(rows)

    with _replaced(EdgeLogits, "sample", layered):
        yield


@contextmanager
def _replaced(owner: object, name: str, value: object) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)
