"""What answers for a network: raw examples in, what losses and metrics take out.

A run's own network answers, or an engine that runs what was exported of it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from bsngraph.data import Dataset, Split
from bsngraph.supernet import SuperNet
from bsngraph.tasks import Outputs, Task, first
from bsngraph.training import RouteCache, Score
from bsngraph.training.evaluation import Watch
from bsngraph.training.forward import run_net

Answering = Callable[[Tensor], Outputs]
"""Raw examples (batch, …) → the outputs of the network for each, of every target."""

AnsweringOf = Callable[[Dataset], Answering]
"""What answers for the examples of a data set, whose values may be in other units than
those of the training data: bytes of image files for numbers from 0 to 1.
"""

_BATCH = 512


def answering_of_net(net: SuperNet, dataset: Dataset) -> Answering:
    """A network with all its edges, behind the normalisation of the data."""
    routes = RouteCache(net, np.ones(len(net.fabric.edges), dtype=np.bool_))
    return lambda raw: run_net(net, dataset.normalised(raw), routes(len(raw)))


@torch.no_grad()
def score_of_answers(answering: Answering, split: Split, task: Task, watch: Watch | None = None) -> Score:
    """Loss and metrics of what is answered for a split, as `evaluate_net` has them of a
    network. `watch` sees each batch, its inputs raw.
    """
    loss, meter = torch.zeros((), dtype=torch.float64), task.meter()
    for raw, given in split.batches(torch.split(torch.arange(len(split)), _BATCH)):
        labels = given if given.is_floating_point() else given.long()
        outputs = answering(raw)
        loss += task.example_losses(outputs, labels).sum()
        meter.update(first(outputs), labels)
        if watch is not None:
            watch(raw, outputs, labels)
    measured = meter.measured()
    return Score(float(loss) / len(split), measured.metrics, task.row.headline, measured.per_class)
