"""Step 5, choose: the best finalist, and the weights that it goes on from."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from bsngraph.fabric import Architecture
from bsngraph.searching.choosing.finalists import Outcome
from bsngraph.searching.prepare import Job
from bsngraph.supernet import SuperNet, prune_net
from bsngraph.training import Progress, evaluate_net, recompute_batch_norm


@dataclass(frozen=True, eq=False)
class Chosen:
    """The architecture, and what it learned by itself if it was a finalist."""

    architecture: Architecture
    weights: Mapping[str, Tensor] | None = None


def choose(job: Job, outcome: Outcome, progress: Progress) -> Chosen:
    """The first of the candidates, as they were ranked last."""
    best = outcome.candidates[0]
    searchable = set(job.fabric.searchable)
    progress.note(
        f"chose the best of {len(outcome.candidates)} architectures inside the budget by validation loss: "
        f"{len(set(best.architecture.live) & searchable)} of {len(searchable)} searchable edges, "
        f"validation {best.score.shown(1)} with the shared weights"
    )
    return Chosen(best.architecture, outcome.weights)


def starting_net(job: Job, net: SuperNet, chosen: Chosen, progress: Progress) -> SuperNet:
    """The chosen network with the weights of the super-network `net` or, if these are
    better on validation data, with those that it learned by itself.
    """
    shared = prune_net(net, chosen.architecture)
    everything = np.ones(len(shared.fabric.edges), dtype=np.bool_)
    recompute_batch_norm(shared, job.dataset, everything)
    if chosen.weights is None:
        return shared
    own = copy.deepcopy(shared)
    own.load_state_dict(chosen.weights)
    shared_loss, own_loss = (
        evaluate_net(each, job.dataset, job.dataset.validation, everything, job.task).loss
        for each in (shared, own)
    )
    own_is_better = own_loss < shared_loss
    better = "the weights that it learned as a finalist" if own_is_better else "the shared weights"
    least, most = sorted((shared_loss, own_loss))
    progress.note(f"it goes on from {better}: validation loss {least:.4g}, with the others {most:.4g}")
    return own if own_is_better else shared
