"""Step 5, choose: the finalist that would be best again, and the weights that it goes
on from.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from bsngraph.fabric import Architecture
from bsngraph.searching.choosing.finalists.contenders import Contenders
from bsngraph.searching.choosing.finalists.finalists_state import FinalistsState
from bsngraph.searching.prepare import Job
from bsngraph.supernet import SuperNet, prune_net
from bsngraph.training import Progress, evaluate_net, recompute_batch_norm


@dataclass(frozen=True, eq=False)
class Chosen:
    """The architecture, and what it learned by itself if it was a finalist."""

    architecture: Architecture
    weights: Mapping[str, Tensor] | None = None


def choose(job: Job, contenders: Contenders, state: FinalistsState, progress: Progress) -> Chosen:
    """The finalist with the best mean by the predictor, which has seen them all.

    The smallest of several noisy losses flatters itself; a mean does not.
    """
    believed = contenders.believed(state).mean
    best = int(np.argmax(believed))
    architecture = Architecture(len(job.fabric.edges), state.finalists[best].live)
    losses = [result.loss for result in state.results]
    searchable = set(job.fabric.searchable)
    progress.note(
        f"chose finalist {best + 1} of {len(losses)}: validation loss {losses[best]:.4g} after training by "
        f"itself, {math.exp(-believed[best]):.4g} expected again, the others up to {max(losses):.4g}; "
        f"{len(set(architecture.live) & searchable)} of {len(searchable)} searchable edges"
    )
    return Chosen(architecture, state.weights.get(str(best)))


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
