"""The first finalists, and the networks from which the others will come.

The first are diverse: what shared weights rank first, what Γ holds likeliest, and
random ones. A predictor learns more from networks that differ than from the favourites
of one opinion.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bsngraph.costs import Budgets
from bsngraph.errors import InfeasibleBudgetError
from bsngraph.fabric import Architecture, Booleans
from bsngraph.profile import FabricProfile
from bsngraph.searching.choosing.candidate import Candidate
from bsngraph.searching.choosing.finalists.contenders import Contenders
from bsngraph.searching.choosing.finalists.finalists_state import ChosenBy, Finalist
from bsngraph.searching.choosing.measure_whole import confirm, none_measured_inside
from bsngraph.searching.choosing.predicting.network_facts import FactSheet
from bsngraph.searching.choosing.predicting.pool import draw_pool
from bsngraph.searching.choosing.predicting.predictor import Places
from bsngraph.searching.choosing.predicting.structure import structure_of
from bsngraph.searching.choosing.propose import decision_prices, propose
from bsngraph.searching.choosing.rank import rank
from bsngraph.searching.learning.search_epochs import Learning
from bsngraph.searching.prepare import Job
from bsngraph.settings import SearchSettings
from bsngraph.supernet import SuperNet
from bsngraph.training import Progress, derived_seed, generator_for

# How often candidates are proposed, again under a lower limit when most of those
# measured whole were over a latency budget.
CONFIRMATIONS = 4


def shortlist(
    job: Job, learned: Learning, net: SuperNet, progress: Progress
) -> tuple[Contenders, tuple[Finalist, ...]]:
    """The contenders, and the finalists to begin with: at least one, under a hard
    budget on latency measured whole.

    Raises:
        InfeasibleBudgetError: no sub-network is inside the budgets, or none was
            measured inside.
    """
    wanted = first_count(job.settings)
    budgets = job.budgets
    contenders = contenders_inside(job, budgets)
    found: dict[Architecture, Finalist] = {}
    measured_ms: dict[Architecture, float] = {}
    for number in range(CONFIRMATIONS):
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
        near = contenders.as_near_as(proposal.mask for proposal in proposals)
        listed = first_finalists(job.profile, ranked, proposals[0], near.live, wanted)
        new = {architecture: why for architecture, why in listed.items() if architecture not in measured_ms}
        confirmation = confirm(job, net, budgets, list(new), wanted - len(found), progress)
        found |= {each: new[each] for each in confirmation.inside}
        measured_ms |= confirmation.measured_ms
        if confirmation.tightened is None or len(found) >= wanted:
            break
        budgets = confirmation.tightened
        contenders = contenders.inside(budgets)
    if not found:
        raise InfeasibleBudgetError(none_measured_inside(job.budgets, min(measured_ms.values())))
    return contenders, tuple(found.values())[:wanted]


def first_count(settings: SearchSettings) -> int:
    """How many finalists are decided on before one is trained: a third, at least 2."""
    return min(max(settings.finalists // 3, 2), max(settings.finalists, 1))


def contenders_inside(job: Job, budgets: Budgets) -> Contenders:
    """The networks inside the budgets that a predictor may choose from."""
    sheet = FactSheet(job.profile)
    rng = np.random.default_rng(derived_seed(job.seed, "pool"))
    live = draw_pool(sheet, budgets, decision_prices(job.fabric, budgets), job.settings.pool, rng)
    return Contenders(live, Places.among(sheet, live), budgets)


def first_finalists(
    profile: FabricProfile,
    ranked: Sequence[Candidate],
    likeliest: Architecture,
    pool: Booleans,
    wanted: int,
) -> dict[Architecture, Finalist]:
    """Networks in the order in which they are tried, more than are `wanted`, and no two
    that are the same but for edges that change nothing.

    The best by shared weights comes first. Then random ones of the pool are mixed with
    the likeliest of Γ. If only one is wanted, shared weights alone decide.
    """
    by_rank: list[tuple[Architecture, ChosenBy]] = [(each.architecture, "shared weights") for each in ranked]
    by_chance: list[tuple[Architecture, ChosenBy]] = [
        (Architecture.of_mask(row), "random") for row in pool[: 4 * wanted]
    ]
    order = by_rank
    if wanted > 1:
        mixed = [*by_chance[:1], (likeliest, "gamma"), *by_chance[1:wanted]]
        order = [*by_rank[:1], *mixed, *by_rank[1:], *by_chance[wanted:]]
    found: dict[bytes, tuple[Architecture, ChosenBy]] = {}
    for architecture, chosen_by in order:
        found.setdefault(structure_of(profile, architecture.mask), (architecture, chosen_by))
    return {architecture: Finalist(architecture.live, why) for architecture, why in found.values()}
