"""Step 2, rank: proposals and their neighbours, compared on validation data with the
shared weights.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from bsngraph.costs import Budgets
from bsngraph.data import Dataset
from bsngraph.fabric import Architecture, neighbouring_choices
from bsngraph.searching.choosing.candidate import Candidate, judge_together
from bsngraph.searching.choosing.propose import inside_of
from bsngraph.settings import SearchSettings
from bsngraph.supernet import SuperNet
from bsngraph.tasks import Task
from bsngraph.training.shards.team import ALONE, Team


def rank(
    net: SuperNet,
    dataset: Dataset,
    proposals: Iterable[Architecture],
    budgets: Budgets,
    task: Task | None = None,
    *,
    rounds: int = SearchSettings.neighbour_rounds,
    team: Team = ALONE,
) -> list[Candidate]:
    """The proposals and what lies near the best of them, best first by validation loss.

    Samples of Γ settle under their budget. So the best is compared with its neighbours
    inside the budgets, one edge more, one less or one for another, as long as that
    gains, at most `rounds` times. `task` is the data's own unless one is given. The
    processes of `team` share the work.
    """
    scores: dict[Architecture, Candidate] = {}

    def scored(architectures: Iterable[Architecture]) -> list[Candidate]:
        every = list(architectures)
        new = [each for each in dict.fromkeys(every) if each not in scores]
        scores.update((one.architecture, one) for one in judge_together(team, net, dataset, new, task))
        return [scores[each] for each in every]

    best = min(scored(proposals), key=lambda one: one.order)
    for _ in range(rounds):
        near = scored(neighbours(net, best.architecture, budgets))
        better = min([best, *near], key=lambda one: one.order)
        if better is best:
            break
        best = better
    return sorted(scores.values(), key=lambda one: one.order)


def neighbours(net: SuperNet, architecture: Architecture, budgets: Budgets) -> list[Architecture]:
    """Architectures inside the budgets that decide one thing otherwise: one edge or
    gate more or less, or another for it. None is further from the soft budgets, unless
    it is close to them.
    """
    kept = net.fabric.decisions.completed(architecture.mask)
    assert kept is not None, "an architecture is the live part of a legitimate choice"
    found = inside_of(net, neighbouring_choices(net.fabric, kept), budgets)
    near = [other for other in dict.fromkeys(found) if other != architecture]
    if not (budgets.soft.each and near):
        return near
    allowed = float(budgets.miss(architecture.mask[None])[0])
    chosen = budgets.near(np.stack([other.mask for other in near]), allowed)
    return [other for other, close in zip(near, chosen, strict=True) if close]
