"""A candidate: an architecture with its score by the shared weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bsngraph.data import Dataset
from bsngraph.fabric import Architecture
from bsngraph.supernet import SuperNet
from bsngraph.tasks import Task
from bsngraph.training import Score, evaluate_net, recompute_batch_norm
from bsngraph.training.shards.team import Team

# How many batches BatchNorm's statistics of a candidate are taken from.
_BATCHES = 4


@dataclass(frozen=True)
class Candidate:
    """An architecture with its score on validation data under the shared weights."""

    architecture: Architecture
    score: Score

    @property
    def order(self) -> tuple[float, tuple[int, ...]]:
        """Sorts the best first: by validation loss, ties by the live edges."""
        return self.score.loss, self.architecture.live


def judge(net: SuperNet, dataset: Dataset, architecture: Architecture, task: Task | None = None) -> Candidate:
    """Score an architecture on validation data with the shared weights.

    The BatchNorm statistics of its edges become its own. `task` is the data's own
    unless one is given.
    """
    recompute_batch_norm(net, dataset, architecture.mask, batches=_BATCHES)
    return Candidate(architecture, evaluate_net(net, dataset, dataset.validation, architecture.mask, task))


def judge_together(
    team: Team, net: SuperNet, dataset: Dataset, architectures: Sequence[Architecture], task: Task | None
) -> list[Candidate]:
    """Score architectures, in their order, of which each process of a team has a share;
    the first process asks, the others are in `judge_along`.

    Raises:
        PeerLostError: another process ended.
    """
    if team.size == 1:
        return [judge(net, dataset, each, task) for each in architectures]
    team.from_first([each.live for each in architectures])
    given = team.to_first([_own_scores(team, net, dataset, architectures, task)])
    scores = {number: score for share in given for number, score in share.items()}
    return [Candidate(each, scores[number]) for number, each in enumerate(architectures)]


def judge_along(team: Team, net: SuperNet, dataset: Dataset, task: Task | None) -> None:
    """Score this process's share of what the first one asks for, until that gives none.

    Raises:
        PeerLostError: another process ended.
    """
    edges = len(net.fabric.edges)
    while (asked := team.from_first()) is not None:
        architectures = [Architecture(edges, live) for live in asked]
        team.to_first([_own_scores(team, net, dataset, architectures, task)])


def _own_scores(
    team: Team, net: SuperNet, dataset: Dataset, architectures: Sequence[Architecture], task: Task | None
) -> dict[int, Score]:
    own = range(team.rank, len(architectures), team.size)
    return {number: judge(net, dataset, architectures[number], task).score for number in own}
