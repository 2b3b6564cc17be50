"""The networks of a front, before they are fine-tuned.

In: the choice at the upper limit, what finalists gave, θ and Γ(b). Out: for every limit
of the front the finalist that would be best again inside it; between the finalists what
the predictor expects most of; if no finalist is inside, the best by the shared weights
among what Γ(b) proposes there.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np

from bsngraph.errors import InfeasibleBudgetError
from bsngraph.fabric import Architecture
from bsngraph.runs.run_log import RunLog
from bsngraph.searching.choosing.choose import Chosen
from bsngraph.searching.choosing.finalists.finalists_state import FinalistsState
from bsngraph.searching.choosing.measure_whole import latency_budget
from bsngraph.searching.choosing.predicting.pool import masks_of
from bsngraph.searching.choosing.predicting.predictor import fit_predictor
from bsngraph.searching.choosing.shortlist import contenders_inside, shortlist
from bsngraph.searching.learning.search_epochs import Learning
from bsngraph.searching.prepare import Job
from bsngraph.training import Progress, Silent


def choose_front(
    job: Job, learned: Learning, chosen: Chosen, log: RunLog, progress: Progress
) -> tuple[Chosen, ...]:
    """The distinct networks for the limits of the job's range, the cheapest first;
    `chosen`, which is for the upper limit, alone without a range.

    Raises:
        InputError: the run goes on, and its checkpoint is of another search.
    """
    index = job.budgets.range_index
    if index is None:
        return (chosen,)
    found = {chosen.architecture: chosen}
    for limit, expected in zip(job.budgets.front_limits[:-1], _expected_at_limits(job, log), strict=True):
        one = expected
        if one is None and job.learns:
            one = proposed_at(replace(job, budgets=job.budgets.at_limit(limit)), learned)
        if one is not None:
            found.setdefault(one.architecture, one)
    cost = job.budgets[index].cost
    count, limits = len(found), len(job.budgets.front_limits)
    progress.note(f"{count} network{'s' if count > 1 else ''} for {limits} limits of {cost.name}")
    return tuple(sorted(found.values(), key=lambda one: float(cost.of(one.architecture.mask[None])[0])))


def proposed_at(job: Job, learned: Learning) -> Chosen | None:
    """The best by the shared weights inside the budgets; None if none is inside."""
    net = copy.deepcopy(learned.net)  # candidates replace its BatchNorm statistics
    untrained = replace(job.method, settings=replace(job.settings, finalists=0))
    try:
        _, (first, *_) = shortlist(replace(job, method=untrained), learned, net, Silent())
    except InfeasibleBudgetError:
        return None
    return Chosen(Architecture(len(job.fabric.edges), first.live))


def _expected_at_limits(job: Job, log: RunLog) -> list[Chosen | None]:
    """For each limit but the upper one the finalist with the best mean, None where none
    is inside.

    A finalist that answers a smaller limit already leaves room between these limits. If
    networks are fine-tuned, the contender with the best mean takes that place, where it
    is expected to be better.
    """
    limits = job.budgets.front_limits[:-1]
    if log.checkpoint.finalists is None:
        return [None] * len(limits)
    state = FinalistsState.from_checkpoint(log.checkpoint.finalists, log.file)
    contenders, edges = contenders_inside(job, job.budgets), len(job.fabric.edges)
    trained = masks_of((each.live for each in state.finalists[: len(state.results)]), edges)
    predictor = fit_predictor(contenders.places.of(trained), state.scores)
    means, pool = contenders.believed(state).mean, contenders.as_near_as(trained).live
    inheriting = job.learns and job.settings.finetune_epochs > 0
    untried = inheriting and latency_budget(job.budgets) is None and len(pool) > 0
    pool_means = predictor.predict(contenders.places.of(pool)).mean if untried else np.zeros(0)
    found: list[Chosen | None] = []
    seen: set[int] = set()
    for limit, number in zip(limits, contenders.front(state), strict=False):
        one = None
        if number is not None:
            finalist = state.finalists[number]
            one = Chosen(Architecture(edges, finalist.live), state.weights.get(str(number)))
        if number in seen and untried:
            inside = np.where(job.budgets.at_limit(limit).inside(pool), pool_means, -np.inf)
            best = int(inside.argmax())
            one = Chosen(Architecture.of_mask(pool[best])) if inside[best] > means[number] else one
        seen |= set() if number is None else {number}
        found.append(one)
    return found
