"""The first finalists, and the networks from which the others will come.

The first are what shared weights rank first, what the largest magnitudes leave, what Γ
holds likeliest, and random ones: inside the budgets, or under several limits of a
range.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from bsngraph.costs import Budgets, inside_budgets
from bsngraph.errors import InfeasibleBudgetError
from bsngraph.fabric import Architecture
from bsngraph.searching.choosing.candidate import Candidate
from bsngraph.searching.choosing.finalists.contenders import Contenders
from bsngraph.searching.choosing.finalists.finalists_state import ChosenBy, Finalist
from bsngraph.searching.choosing.finalists.first_finalists import (
    first_finalists,
    in_turn,
    random_under,
    turns_along,
)
from bsngraph.searching.choosing.magnitudes import edge_magnitudes, largest_inside
from bsngraph.searching.choosing.measure_whole import confirm, none_measured_inside
from bsngraph.searching.choosing.predicting.network_facts import FactSheet, Floats
from bsngraph.searching.choosing.predicting.pool import distinct_inside, draw_pool
from bsngraph.searching.choosing.predicting.predictor import Places
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
    budgets, known = job.budgets, _Known(job, learned, net)
    contenders = contenders_inside(job, budgets)
    found: dict[Architecture, Finalist] = {}
    measured_ms: dict[Architecture, float] = {}
    for number in range(CONFIRMATIONS):
        generator = generator_for(job.seed, "candidates", *([number] if number else []))
        suggest = _suggesting(job)
        try:
            listed = suggest(known, contenders, wanted, generator)
        except InfeasibleBudgetError:
            if measured_ms:  # the limit that nothing is inside is a lowered one
                break
            raise
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
    """The networks inside the budgets that a predictor may choose from. Under a range
    some network inside its lower end is among them.
    """
    sheet = FactSheet(job.profile)
    rng = np.random.default_rng(derived_seed(job.seed, "pool"))
    live = draw_pool(sheet, budgets, decision_prices(job.fabric, budgets), job.settings.pool, rng)
    if budgets.range_index is not None:
        found = inside_budgets(job.fabric, budgets.lowest).architecture
        known = live[:0] if found is None else found.mask[None]
        live = distinct_inside(job.fabric, np.concatenate([live, known]), budgets)
    return Contenders(live, Places.among(sheet, live), budgets)


@dataclass(frozen=True, eq=False)
class _Known:
    """What finalists are suggested from; `net` is a copy whose BatchNorm statistics are
    those of whatever was looked at last.
    """

    job: Job
    learned: Learning
    net: SuperNet

    def proposals(self, held: Budgets, count: int, generator: torch.Generator) -> list[Architecture]:
        """What Γ proposes inside budgets, its likeliest network first.

        Raises:
            InfeasibleBudgetError: no sub-network is inside the budgets.
        """
        logits = self.learned.gamma.at(held.limits[:, None])
        return propose(logits, self.net, held, count, generator, self.learned.incumbent.architecture)

    def ranked(self, proposals: Iterable[Architecture], held: Budgets) -> list[Candidate]:
        """Proposals and their neighbours, the best by the shared weights first."""
        job = self.job
        rounds = job.settings.neighbour_rounds
        team = self.learned.team
        return rank(self.net, job.dataset, proposals, held, job.task, rounds=rounds, team=team)

    def largest(self, held: Budgets) -> list[Architecture]:
        """What the largest magnitudes leave inside budgets, if anything is found."""
        found = largest_inside(self.job.fabric, held, self._magnitudes)
        return [] if found is None else [found]

    @cached_property
    def _magnitudes(self) -> Floats:
        return edge_magnitudes(self.learned.net, self.job.dataset, self.job.task)


_Suggest = Callable[[_Known, Contenders, int, torch.Generator], dict[Architecture, Finalist]]


def _suggesting(job: Job) -> _Suggest:
    """What suggests networks to begin with."""
    if not job.learns:
        return _at_random
    return _inside if job.budgets.range_index is None else _along_range


def _at_random(
    known: _Known, contenders: Contenders, wanted: int, generator: torch.Generator
) -> dict[Architecture, Finalist]:
    """Random networks, of a range under limits spread over it; what Γ begins with if
    the pool has none.
    """
    budgets, pool = contenders.budgets, contenders.live
    if not len(pool):
        return in_turn(known.job.profile, [("gamma", known.proposals(budgets, wanted, generator))])
    if budgets.range_index is None:
        near = contenders.as_near_as(pool).live
        found = [[Architecture.of_mask(row) for row in near[: 4 * wanted]]]
    else:
        limits = [limit for limit, _ in turns_along(budgets, wanted)]
        found = [random_under(limit, budgets, pool, 4 * wanted) for limit in limits]
    return in_turn(known.job.profile, [("random", each) for each in found])


def _inside(
    known: _Known, contenders: Contenders, wanted: int, generator: torch.Generator
) -> dict[Architecture, Finalist]:
    """Networks to begin with inside the contenders' budgets, in the order in which they
    are tried.
    """
    budgets = contenders.budgets
    proposals = known.proposals(budgets, known.job.settings.candidates, generator)
    ranked = known.ranked(proposals, budgets)
    masks = np.stack([each.mask for each in proposals])
    near, allowed = contenders.as_near_as(masks), float(budgets.miss(masks).min())
    largest = known.largest(budgets) if wanted > 1 else []
    largest = [each for each in largest if budgets.near(each.mask[None], allowed)[0]]
    return first_finalists(known.job.profile, ranked, largest, proposals[0], near.live, wanted)


def _along_range(
    known: _Known, contenders: Contenders, wanted: int, generator: torch.Generator
) -> dict[Architecture, Finalist]:
    """The same under limits spread over the range, which take turns."""
    budgets, candidates = contenders.budgets, known.job.settings.candidates
    suggested: list[tuple[ChosenBy, list[Architecture]]] = []
    for limit, turn in turns_along(budgets, wanted):
        held = budgets.at_limit(limit)
        if turn == "random":
            suggested.append((turn, random_under(limit, budgets, contenders.live, 4 * wanted)))
            continue
        if turn == "magnitudes":
            suggested.append((turn, known.largest(held)))
            continue
        try:
            proposals = known.proposals(held, candidates if turn == "shared weights" else wanted, generator)
        except InfeasibleBudgetError:
            if limit == budgets.front_limits[-1]:
                raise
            continue  # nothing is known inside a lower limit, though nothing is proved
        if turn == "shared weights":
            proposals = [each.architecture for each in known.ranked(proposals, held)]
        suggested.append((turn, proposals))
    return in_turn(known.job.profile, suggested)
