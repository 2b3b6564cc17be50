"""Choosing the architecture, as a whole:

    propose → rank → measure whole → train finalists → choose

In: what a search learned, θ and Γ. Out: the architecture, and what it learned as a
finalist. A run that is resumed in its finalists goes on with these.
"""

from __future__ import annotations

import copy

from bsngraph.errors import InputError
from bsngraph.fabric import Architecture
from bsngraph.runs import Json
from bsngraph.runs.run_log import RunLog
from bsngraph.searching.choosing.choose import Chosen, choose
from bsngraph.searching.choosing.finalists.contenders import Contenders
from bsngraph.searching.choosing.finalists.finalists_state import Finalist, FinalistsState
from bsngraph.searching.choosing.finalists.train_finalists import train_finalists
from bsngraph.searching.choosing.finalists.trainings_table import write_trainings
from bsngraph.searching.choosing.measure_whole import confirm
from bsngraph.searching.choosing.shortlist import CONFIRMATIONS, contenders_inside, shortlist
from bsngraph.searching.learning.learning_state import architecture_in
from bsngraph.searching.learning.search_epochs import Learning
from bsngraph.searching.prepare import Job
from bsngraph.supernet import SuperNet
from bsngraph.training import Progress, Silent
from bsngraph.typed_files import CURE

# How many of the most promising networks are looked at before one is trained.
_OFFERED = 4


def choose_architecture(job: Job, learned: Learning, log: RunLog, progress: Progress) -> Chosen:
    """The architecture to deliver.

    Raises:
        InfeasibleBudgetError: no sub-network is inside the budgets, or none was
            measured inside.
        RunFailedError: a finalist's loss is not finite any more.
        InputError: the run goes on, and its checkpoint is of another search.
    """
    progress.note("choosing the architecture on validation data …")
    net = copy.deepcopy(learned.net)  # candidates replace its BatchNorm statistics
    file, saved = log.file, log.checkpoint.finalists
    if saved is None:
        contenders, first = shortlist(job, learned, net, progress)
        several = max(len(contenders.live), len(first)) > 1
        if job.learns and (job.settings.finalists < 2 or not several):
            progress.note("chose the best architecture inside the budgets by the shared weights")
            return Chosen(_architecture(job, first[0]))
        state = FinalistsState(first)
    else:
        state = FinalistsState.from_checkpoint(saved, file)
        for each in state.finalists:
            architecture_in(job.fabric, each.live, file)
        contenders = contenders_inside(job, job.budgets)
    # of the first alone, so that a run that goes on has the same contenders
    first = tuple(each for each in state.finalists if each.chosen_by != "prediction")
    if not first:
        raise InputError(f"{file}: its finalists are not those of a search: {CURE}")
    contenders = contenders.as_near_as(_architecture(job, each).mask for each in first)

    def following(now: Contenders, state: FinalistsState) -> tuple[Contenders, Finalist | None]:
        return next_measured(job, net, now, state)

    def keep(row: Json, state: FinalistsState) -> None:
        if state.training is None:
            write_trainings(log.run, contenders, state)
        log.keep(row, search=learned.state().to_checkpoint(), finalists=state.to_checkpoint())

    state = train_finalists(job, contenders, state, following, file, keep, progress)
    return choose(job, contenders, state, progress)


def next_measured(
    job: Job, net: SuperNet, contenders: Contenders, state: FinalistsState
) -> tuple[Contenders, Finalist | None]:
    """The most promising network, under a hard budget on latency measured inside it;
    None if there is none.

    With it come the contenders that are left. If those measured were over, they are
    held to a lower limit from now on.
    """
    for _ in range(CONFIRMATIONS):
        offered = {_architecture(job, each): each for each in contenders.most_promising(state, _OFFERED)}
        found = confirm(job, net, contenders.budgets, list(offered), 1, Silent())
        if found.inside:
            return contenders, offered[found.inside[0]]
        if found.tightened is None:
            break
        contenders = contenders.inside(found.tightened)
    return contenders, None


def _architecture(job: Job, finalist: Finalist) -> Architecture:
    return Architecture(len(job.fabric.edges), finalist.live)
