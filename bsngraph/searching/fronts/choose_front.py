"""The networks of a front, before they are fine-tuned.

In: the choice at the upper limit, what finalists gave, θ and Γ(b). Out: for every limit
of the front the finalist that would be best again inside it; if no finalist is inside,
the best by the shared weights among what Γ(b) proposes there.
"""

from __future__ import annotations

import copy
from dataclasses import replace

from bsngraph.errors import InfeasibleBudgetError
from bsngraph.fabric import Architecture
from bsngraph.runs.run_log import RunLog
from bsngraph.searching.choosing.choose import Chosen
from bsngraph.searching.choosing.finalists.finalists_state import FinalistsState
from bsngraph.searching.choosing.shortlist import contenders_inside, shortlist
from bsngraph.searching.learning.search_epochs import Learning
from bsngraph.searching.prepare import Job
from bsngraph.training import Progress, Silent


def choose_front(
    job: Job, learned: Learning, chosen: Chosen, log: RunLog, progress: Progress
) -> tuple[Chosen, ...]:
    """The distinct networks for the limits of the job's range, the cheapest first;
    `chosen`, which is inside the upper limit, alone without a range.

    Raises:
        InputError: the run goes on, and its checkpoint is of another search.
    """
    index = job.budgets.range_index
    if index is None:
        return (chosen,)
    found = {chosen.architecture: chosen}
    for limit, finalist in zip(job.budgets.front_limits, _finalists_at_limits(job, log), strict=True):
        one = finalist or proposed_at(replace(job, budgets=job.budgets.at_limit(limit)), learned)
        if one is not None:
            found.setdefault(one.architecture, one)
    cost = job.budgets[index].cost
    progress.note(f"{len(found)} networks for {len(job.budgets.front_limits)} limits of {cost.name}")
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


def _finalists_at_limits(job: Job, log: RunLog) -> list[Chosen | None]:
    """For each limit the finalist with the best mean; None where none is inside."""
    if log.checkpoint.finalists is None:
        return [None] * len(job.budgets.front_limits)
    state = FinalistsState.from_checkpoint(log.checkpoint.finalists, log.file)
    edges = len(job.fabric.edges)
    return [
        None
        if number is None
        else Chosen(Architecture(edges, state.finalists[number].live), state.weights.get(str(number)))
        for number in contenders_inside(job, job.budgets).front(state)
    ]
