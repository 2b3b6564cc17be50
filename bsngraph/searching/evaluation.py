"""Measuring a network on a split: loss and metrics, and BatchNorm statistics for one architecture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from bsngraph.data import Dataset, Split
from bsngraph.fabric import Booleans
from bsngraph.supernet import Route, SuperNet
from bsngraph.tasks import Metric, Task, first, task_of
from bsngraph.training.forward import run_net


@dataclass(frozen=True)
class Score:
    """The mean loss over a split, its metrics (shares are 0 to 1), the metric that is shown, and those with a value a class."""

    loss: float
    metrics: Mapping[str, float]
    headline: Metric
    per_class: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)

    @property
    def accuracy(self) -> float:
        """Of classification."""
        return self.metrics["accuracy"]

    def shown(self, digits: int = 2) -> str:
        """The headline: `accuracy 98.61 %`."""
        return self.headline.shown(self.metrics[self.headline.name], digits)

    def summary(self) -> dict[str, Any]:
        """For result.json."""
        return {**self.metrics, "loss": self.loss, **self.per_class}


class RouteCache:
    """Routes of one choice of edges for batches of different sizes."""

    def __init__(self, net: SuperNet, kept: Booleans) -> None:
        self.net, self.kept = net, kept
        self.device = device_of(net)
        self.routes: dict[int, Route] = {}

    def __call__(self, batch: int) -> Route:
        if batch not in self.routes:
            whole = self.kept[None].repeat(batch, axis=0)
            self.routes[batch] = self.net.route(whole, self.device)
        return self.routes[batch]


def device_of(net: nn.Module) -> torch.device:
    """Where a network's tensors are; the CPU if it has none."""
    tensors = (*net.parameters(), *net.buffers())
    return tensors[0].device if tensors else torch.device("cpu")


@torch.no_grad()
def evaluate_net(net: SuperNet, dataset: Dataset, split: Split, kept: Booleans, task: Task | None = None) -> Score:
    """Loss and metrics of one choice of edges (edges,) on a split, in evaluation mode; the net's mode is left as it was.

    `task` is the data's own, without class weights, where none is given.
    """
    task = task or task_of(dataset, device=device_of(net))
    was_training = net.training
    net.eval()
    routes = RouteCache(net, kept)
    loss, meter = torch.zeros((), dtype=torch.float64, device=device_of(net)), task.meter()
    for inputs, labels in dataset.evaluation_batches(split):
        outputs = run_net(net, inputs, routes(len(labels)))
        loss += task.example_losses(outputs, labels).sum()
        meter.update(first(outputs), labels)
    net.train(was_training)
    measured = meter.measured()
    return Score(float(loss) / len(split), measured.metrics, task.row.headline, measured.per_class)


@torch.no_grad()
def recompute_batch_norm(net: SuperNet, dataset: Dataset, kept: Booleans, *, batches: int = 8, batch_size: int = 256) -> None:
    """Replace the BatchNorm statistics of the live edges of `kept` by their mean over training batches.

    The running statistics of a search belong to the mixture of all samples. The batches are the first ones of the training split
    in its own order, without augmentation, so that the result depends on nothing else.
    """
    norms = [module for module in net.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    was_training = net.training
    net.eval()
    for norm in norms:
        norm.momentum = None  # the plain mean over batches
        norm.train()
        norm.reset_running_stats()
    routes = RouteCache(net, kept)
    for number, (inputs, labels) in enumerate(dataset.evaluation_batches(dataset.train, batch_size)):
        if number == batches or (number and len(labels) < batch_size // 4):
            break
        run_net(net, inputs, routes(len(labels)))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    net.train(was_training)
