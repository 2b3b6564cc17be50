"""A choice from what a finished search left, without training.

In: θ and Γ, finalists and delivered networks. Out: of those inside the budgets the one
that is best on validation data as it would be delivered, be its weights inherited or
its own. What is to be trained further anyhow is chosen by what the predictor expects.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bsngraph.errors import InputError
from bsngraph.fabric import Architecture
from bsngraph.runs.run_log import RunLog
from bsngraph.searching.again.searched import Searched
from bsngraph.searching.choosing.choose import Chosen
from bsngraph.searching.choosing.choosing import choose_architecture
from bsngraph.searching.choosing.finalists.contenders import Contenders
from bsngraph.searching.choosing.finalists.finalists_state import FinalistsState
from bsngraph.searching.choosing.measure_whole import confirm
from bsngraph.searching.choosing.predicting.pool import masks_of
from bsngraph.searching.choosing.predicting.predictor import fit_predictor
from bsngraph.searching.choosing.shortlist import contenders_inside, shortlist
from bsngraph.searching.deliverable import deliverable_of, validated
from bsngraph.searching.fronts.choose_front import choose_front
from bsngraph.searching.learning.search_epochs import Learning
from bsngraph.searching.prepare import Job
from bsngraph.supernet import SuperNet
from bsngraph.training import Progress, Silent

# How many of the most promising networks are measured until one is inside a latency.
_MEASURED = 8


class _NoneTrainedError(InputError):
    """A search that learned nothing has no network inside the budgets."""

    def __init__(self, job: Job) -> None:
        asked = " and ".join(budget.text for budget in job.budgets)
        super().__init__(
            f"no network that the search trained is inside {asked}, and it learned no weights to inherit "
            "(epochs=0): give --finalists 2 or more, to train some that are"
        )


def choose_again(job: Job, searched: Searched, log: RunLog, progress: Progress) -> tuple[Chosen, ...]:
    """The network to deliver; of a range those of its front, the cheapest first.

    Raises:
        InfeasibleBudgetError: no sub-network is inside the budgets, or none was
            measured inside.
        RunFailedError: a finalist's loss is not finite any more.
        InputError: the run goes on, and its checkpoint is of another choice; or no
            network that was trained is inside, and the search learned nothing.
    """
    trained = None
    if job.settings.finalists > 1:
        trained = choose_architecture(job, searched.learned, log, progress)
        if job.settings.finetune_epochs or job.budgets.range_index is not None:
            return choose_front(job, searched.learned, trained, log, progress)
    if job.budgets.range_index is None:
        return (_choose_at(job, searched, trained, progress),)
    limits = job.budgets.front_limits
    found: dict[Architecture, Chosen] = {}
    for limit in limits:
        try:
            one = _choose_at(replace(job, budgets=job.budgets.at_limit(limit)), searched, None, progress)
        except _NoneTrainedError:
            if limit == limits[-1]:
                raise
            continue  # a front may begin above the lower end
        found[one.architecture] = one
    cost = job.budgets[job.budgets.range_index].cost
    return tuple(sorted(found.values(), key=lambda one: float(cost.of(one.architecture.mask[None])[0])))


def _choose_at(job: Job, searched: Searched, trained: Chosen | None, progress: Progress) -> Chosen:
    """The network for one limit; `trained` is what was trained for this choice."""
    net = copy.deepcopy(searched.learned.net)  # candidates replace its BatchNorm statistics
    contenders, inherited = _inherited(job, searched.learned, net, progress)
    leaders = [] if searched.finalists is None else _leaders(job, contenders, searched.finalists)
    own = [] if trained is None else [trained]
    offers = _near(job, [*own, *searched.delivered, *leaders, *inherited])
    if job.learns and job.settings.finetune_epochs and searched.finalists is not None:
        ordered = _by_expectation(job, contenders, searched.finalists, [*searched.alone(job), *offers])
    else:
        ordered = _by_validation(job, searched, offers, progress)
    confirmed = {each.architecture for each in (*own, *inherited)}
    for each in [*ordered[:_MEASURED], *inherited]:
        if (
            each.architecture in confirmed
            or confirm(job, net, job.budgets, [each.architecture], 1, Silent()).inside
        ):
            return each
    raise _NoneTrainedError(job)


def _inherited(
    job: Job, learned: Learning, net: SuperNet, progress: Progress
) -> tuple[Contenders, list[Chosen]]:
    """The contenders, and the best network with inherited weights: none where the
    search learned nothing.
    """
    if not job.learns:
        return contenders_inside(job, job.budgets), []
    untrained = replace(job.method, settings=replace(job.settings, finalists=0))
    contenders, first = shortlist(replace(job, method=untrained), learned, net, progress)
    return contenders, [Chosen(Architecture(len(job.fabric.edges), first[0].live))]


def _near(job: Job, offers: Sequence[Chosen]) -> list[Chosen]:
    """Those inside the hard budgets, and no further from the soft ones than the nearest
    of them, or close to these.

    Raises:
        InputError: none is inside.
    """
    inside = [each for each in offers if job.budgets.met_by(each.architecture.mask)]
    if not inside:
        raise _NoneTrainedError(job)
    masks = np.stack([each.architecture.mask for each in inside])
    near = job.budgets.near(masks, float(job.budgets.miss(masks).min()))
    return [each for each, close in zip(inside, near, strict=True) if close]


def _leaders(job: Job, contenders: Contenders, state: FinalistsState) -> list[Chosen]:
    """The finalist inside the budgets with the best mean by the predictor, and the best
    one of those whose weights were kept.
    """
    edges, means = len(job.fabric.edges), contenders.believed(state).mean
    found = [
        Chosen(Architecture(edges, state.finalists[number].live), state.weights.get(str(number)))
        for number in np.argsort(-means, kind="stable").tolist()
    ]
    inside = [each for each in found if job.budgets.met_by(each.architecture.mask)]
    kept = [each for each in inside if each.weights is not None]
    return list(dict.fromkeys([*inside[:1], *kept[:1]]))


def _by_validation(
    job: Job, searched: Searched, offers: Sequence[Chosen], progress: Progress
) -> list[Chosen]:
    """Offers as they would be delivered, the smallest validation loss first."""
    net = searched.learned.net
    ready = [deliverable_of(job, net, each, Silent()) for each in offers]
    losses = [validated(job, each).loss for each in ready]
    order = np.argsort(losses, kind="stable").tolist()
    told = ", ".join(f"{losses[number]:.4g} ({ready[number].weights})" for number in order[:4])
    progress.note(
        f"{len(offers)} networks inside the budgets as they would be delivered: validation loss {told}"
    )
    return [offers[number] for number in order]


def _by_expectation(
    job: Job, contenders: Contenders, state: FinalistsState, offers: Sequence[Chosen]
) -> list[Chosen]:
    """Offers, finalists and contenders, the best mean by the predictor first; of what
    is offered twice the first has the weights.

    Those outside the budgets may be offered, for their weights alone.
    """
    trained = masks_of((each.live for each in state.finalists[: len(state.results)]), len(job.fabric.edges))
    offered = np.stack([each.architecture.mask for each in offers])
    every = np.concatenate([offered, trained, contenders.live])
    every = every[job.budgets.inside(every)]
    every = every[job.budgets.near(every, float(job.budgets.miss(every).min()))]
    predictor = fit_predictor(contenders.places.of(trained), state.scores)
    means = predictor.predict(contenders.places.of(every)).mean
    own = {each.architecture: each for each in reversed(offers)}
    best_first = (Architecture.of_mask(every[number]) for number in np.argsort(-means, kind="stable"))
    return [own.get(each, Chosen(each)) for each in dict.fromkeys(best_first)]
