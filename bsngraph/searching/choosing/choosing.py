"""Choosing the architecture, as a whole:

    propose → rank → measure whole → train finalists → choose

In: what a search learned, θ and Γ. Out: the architecture, and what it learned as a
finalist. A run that is resumed in its finalists goes on with these.
"""

from __future__ import annotations

import copy

from bsngraph.errors import InfeasibleBudgetError
from bsngraph.fabric import Architecture
from bsngraph.runs import Json
from bsngraph.runs.run_log import RunLog
from bsngraph.searching.choosing.candidate import Candidate, judge
from bsngraph.searching.choosing.choose import Chosen, choose
from bsngraph.searching.choosing.explore import explore, with_explorers
from bsngraph.searching.choosing.finalists import FinalistsState, train_finalists
from bsngraph.searching.choosing.measure_whole import confirm, none_measured_inside
from bsngraph.searching.choosing.propose import propose
from bsngraph.searching.choosing.rank import rank
from bsngraph.searching.learning.learning_state import architecture_in
from bsngraph.searching.learning.search_epochs import Learning
from bsngraph.searching.prepare import Job
from bsngraph.supernet import SuperNet
from bsngraph.training import Progress, generator_for

# How often candidates are proposed, again under a lower limit when most of those
# measured whole were over a latency budget.
_CONFIRMATIONS = 4


def choose_architecture(job: Job, learned: Learning, log: RunLog, progress: Progress) -> Chosen:
    """The architecture to deliver.

    Raises:
        InfeasibleBudgetError: no sub-network is inside the budgets, or none was
            measured inside.
        RunFailedError: a finalist's loss is not finite any more.
    """
    progress.note("choosing the architecture on validation data …")
    net = copy.deepcopy(learned.net)  # candidates replace its BatchNorm statistics
    file, saved = log.file, log.checkpoint.finalists
    before = None if saved is None else FinalistsState.from_checkpoint(saved, file)
    if before is None:
        candidates = shortlist(job, learned, net, progress)
    else:
        finalists = [architecture_in(job.fabric, live, file) for live in before.live]
        candidates = [judge(net, job.dataset, finalist, job.task) for finalist in finalists]

    def keep(row: Json, state: FinalistsState) -> None:
        log.keep(row, search=learned.state().to_checkpoint(), finalists=state.to_checkpoint())

    outcome = train_finalists(job, candidates, before, file, keep, progress)
    return choose(job, outcome, progress)


def shortlist(job: Job, learned: Learning, net: SuperNet, progress: Progress) -> list[Candidate]:
    """What may be chosen, finalists first: proposed, ranked and, under a hard budget on
    latency, measured whole.

    Raises:
        InfeasibleBudgetError: no sub-network is inside the budgets, or none was
            measured inside.
    """
    wanted = max(job.settings.finalists, 1)
    budgets = job.budgets
    found: dict[Architecture, Candidate] = {}
    measured_ms: dict[Architecture, float] = {}
    for number in range(_CONFIRMATIONS):
        generator = generator_for(job.seed, "candidates", *([number] if number else []))
        logits = learned.gamma.at(budgets.limits[:, None])
        known = learned.incumbent.architecture
        try:
            proposals = propose(logits, net, budgets, job.settings.candidates, generator, known)
        except InfeasibleBudgetError:
            if measured_ms:  # the limit that nothing is inside is a lowered one
                break
            raise
        ranked = rank(net, job.dataset, proposals, budgets, job.task, rounds=job.settings.neighbour_rounds)
        drawn = explore(logits, net, budgets, job.settings.explorers, generator)
        explorers = [judge(net, job.dataset, other, job.task) for other in drawn]
        candidates = with_explorers(ranked, explorers, job.settings.finalists)
        new = [candidate for candidate in candidates if candidate.architecture not in measured_ms]
        confirmation = confirm(job, net, budgets, new, wanted - len(found), progress)
        found |= {candidate.architecture: candidate for candidate in confirmation.inside}
        measured_ms |= confirmation.measured_ms
        if confirmation.tightened is None or len(found) >= wanted:
            break
        budgets = confirmation.tightened
    if not found:
        raise InfeasibleBudgetError(none_measured_inside(job.budgets, min(measured_ms.values())))
    return list(found.values())
