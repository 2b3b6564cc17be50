"""A network as it would be delivered: its architecture, its weights, and where these
are from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from bsngraph.fabric import Architecture
from bsngraph.runs.rows.front import Weights
from bsngraph.searching.choosing.choose import Chosen
from bsngraph.searching.prepare import Job
from bsngraph.supernet import SuperNet, prune_net
from bsngraph.training import Progress, Score, evaluate_net, recompute_batch_norm

_TOLD: Mapping[Weights, str] = {
    "inherited": "the shared weights",
    "trained": "the weights that it learned as a finalist",
    "fine-tuned": "the weights that it was delivered with",
}


@dataclass(frozen=True, eq=False)
class Deliverable:
    """A network with all its edges, and where its weights are from."""

    architecture: Architecture
    net: SuperNet
    weights: Weights


def inheriting(job: Job, net: SuperNet, architecture: Architecture) -> Deliverable:
    """The network with the weights of the super-network `net`; its BatchNorm has seen
    the training data.
    """
    shared = prune_net(net, architecture)
    recompute_batch_norm(shared, job.dataset, np.ones(len(shared.fabric.edges), dtype=np.bool_))
    return Deliverable(architecture, shared, "inherited")


def with_weights(
    net: SuperNet, architecture: Architecture, weights: Mapping[str, Tensor], origin: Weights
) -> Deliverable:
    """The network of a super-network `net` with other weights, as `state_dict` gives
    them.
    """
    own = prune_net(net, architecture)
    own.load_state_dict(weights)
    return Deliverable(architecture, own, origin)


def deliverable_of(job: Job, net: SuperNet, chosen: Chosen, progress: Progress) -> Deliverable:
    """The chosen network with the weights of the super-network `net` or, if these are
    better on validation data, with those that it learned by itself; with its own where
    a search learned nothing.
    """
    if not job.learns:
        assert chosen.weights is not None, "a network has no weights to inherit where nothing was learned"
        return with_weights(net, chosen.architecture, chosen.weights, chosen.origin)
    shared = inheriting(job, net, chosen.architecture)
    if chosen.weights is None:
        return shared
    own = with_weights(net, chosen.architecture, chosen.weights, chosen.origin)
    shared_loss, own_loss = (validated(job, each).loss for each in (shared, own))
    better, other = (own, shared) if own_loss < shared_loss else (shared, own)
    least, most = sorted((shared_loss, own_loss))
    progress.note(
        f"it goes on from {_TOLD[better.weights]}: validation loss {least:.4g}, with {_TOLD[other.weights]} "
        f"{most:.4g}"
    )
    return better


def validated(job: Job, one: Deliverable) -> Score:
    """Its loss, that which is trained for, and its metrics on validation data."""
    everything = np.ones(len(one.net.fabric.edges), dtype=np.bool_)
    return evaluate_net(one.net, job.dataset, job.dataset.validation, everything, job.task)
