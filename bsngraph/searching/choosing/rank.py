"""Ranking candidates inside the budgets on validation data, with the shared weights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bsngraph.costs import CLOSE, Budget, misses
from bsngraph.data import Dataset
from bsngraph.fabric import Architecture, neighbouring_choices
from bsngraph.searching.choosing.propose import fitting
from bsngraph.settings import SearchSettings
from bsngraph.supernet import SuperNet
from bsngraph.tasks import Task
from bsngraph.training import Score, evaluate_net, recompute_batch_norm


@dataclass(frozen=True)
class Candidate:
    """An architecture with its score on validation data under the shared weights."""

    architecture: Architecture
    score: Score


def choose(
    net: SuperNet,
    dataset: Dataset,
    proposals: Iterable[Architecture],
    budgets: Sequence[Budget],
    task: Task | None = None,
    *,
    rounds: int = SearchSettings.neighbour_rounds,
) -> list[Candidate]:
    """The proposals and what lies near the best of them, best first by validation loss.

    Samples of Γ settle under their budget; so the best is compared with its neighbours
    inside the budgets, one edge more, one less or one for another, as long as that
    gains, at most `rounds` times. `task` is the data's own where none is given.
    """
    scores: dict[Architecture, Candidate] = {}

    def score(architecture: Architecture) -> Candidate:
        if architecture not in scores:
            scores[architecture] = judge(net, dataset, architecture, task)
        return scores[architecture]

    best = min((score(architecture) for architecture in proposals), key=_order)
    for _ in range(rounds):
        near = [score(architecture) for architecture in neighbours(net, best.architecture, budgets)]
        better = min([best, *near], key=_order)
        if better is best:
            break
        best = better
    return sorted(scores.values(), key=_order)


def with_explorers(
    ranked: Sequence[Candidate], explorers: Sequence[Candidate], count: int
) -> list[Candidate]:
    """The candidates with explorers among the first `count`: as many of the best as
    they leave room for, the explorers, and the rest.
    """
    best = list(ranked[: max(count - len(explorers), 0)])
    return list({candidate.architecture: candidate for candidate in [*best, *explorers, *ranked]}.values())


def judge(net: SuperNet, dataset: Dataset, architecture: Architecture, task: Task | None = None) -> Candidate:
    """Score an architecture on validation data with the shared weights; the BatchNorm
    statistics of its edges become its own.
    """
    recompute_batch_norm(net, dataset, architecture.mask, batches=4)
    return Candidate(architecture, evaluate_net(net, dataset, dataset.validation, architecture.mask, task))


def neighbours(net: SuperNet, architecture: Architecture, budgets: Sequence[Budget]) -> list[Architecture]:
    """Architectures inside the budgets that decide one thing otherwise: one edge or
    gate more or less, or another for it.
    """
    kept = net.fabric.decisions.completed(architecture.mask)
    assert kept is not None, "an architecture is the live part of a legitimate choice"
    near = [
        other
        for other in dict.fromkeys(fitting(net, neighbouring_choices(net.fabric, kept), budgets))
        if other != architecture
    ]
    wishes = [budget for budget in budgets if not budget.binding]
    if not (wishes and near):
        return near
    allowed = max(CLOSE * len(wishes), float(misses(architecture.mask[None], wishes)[0]))
    missed = misses(np.stack([other.mask for other in near]), wishes)
    return [other for other, far in zip(near, missed, strict=True) if far <= allowed]


def _order(candidate: Candidate) -> tuple[float, tuple[int, ...]]:
    return candidate.score.loss, candidate.architecture.live
