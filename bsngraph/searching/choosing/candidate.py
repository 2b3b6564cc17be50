"""A candidate: an architecture with its score by the shared weights."""

from __future__ import annotations

from dataclasses import dataclass

from bsngraph.data import Dataset
from bsngraph.fabric import Architecture
from bsngraph.supernet import SuperNet
from bsngraph.tasks import Task
from bsngraph.training import Score, evaluate_net, recompute_batch_norm

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
