"""Measuring a network on a split: its loss and its metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from bsngraph.data import Dataset, Split
from bsngraph.fabric import Booleans
from bsngraph.supernet import Route, SuperNet
from bsngraph.tasks import Meter, Metric, Outputs, Task, first, task_of
from bsngraph.training.forward import device_of, run_net

Watch = Callable[[Tensor, Outputs, Tensor], None]
"""Takes a batch of a split: inputs, the network's outputs, labels."""


@dataclass(frozen=True)
class Score:
    """The mean loss over a split, its metrics (shares are 0 to 1), the metric that is
    shown, and those with a value a class.
    """

    loss: float
    metrics: Mapping[str, float]
    headline: Metric
    per_class: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)

    @property
    def accuracy(self) -> float:
        """The share of right classes, of a classification."""
        return self.metrics["accuracy"]

    def shown(self, digits: int = 2) -> str:
        """The headline metric as people read it: `accuracy 98.61 %`."""
        return self.headline.shown(self.metrics[self.headline.name], digits)

    def summary(self) -> dict[str, Any]:
        """What result.json says of the split."""
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


def evaluate_net(
    net: SuperNet,
    dataset: Dataset,
    split: Split,
    kept: Booleans,
    task: Task | None = None,
    watch: Watch | None = None,
) -> Score:
    """Loss and metrics of one choice of edges (edges,) on a split, in evaluation mode;
    the net's mode is left as it was.

    `task` is the data's own, without class weights, where none is given. `watch` sees
    each batch, in the order of the split.
    """
    task = task or task_of(dataset, device=device_of(net))
    return split_totals(net, dataset, split, kept, task, watch).score(task)


@dataclass(frozen=True, eq=False)
class SplitTotals:
    """What is added up over `count` examples: the sum of their losses (), and what the
    task's metrics need.
    """

    loss: Tensor
    meter: Meter
    count: int

    @staticmethod
    def joined(parts: Sequence[SplitTotals]) -> SplitTotals:
        """The totals of parts as those of one split, in their order. The first part
        takes up the others.
        """
        first_part, *others = parts
        loss = first_part.loss
        for other in others:
            loss = loss + other.loss
            first_part.meter.join(other.meter)
        return SplitTotals(loss, first_part.meter, sum(part.count for part in parts))

    def score(self, task: Task) -> Score:
        """The mean loss, and the metrics."""
        measured = self.meter.measured()
        return Score(float(self.loss) / self.count, measured.metrics, task.row.headline, measured.per_class)


@torch.no_grad()
def split_totals(
    net: SuperNet, dataset: Dataset, split: Split, kept: Booleans, task: Task, watch: Watch | None = None
) -> SplitTotals:
    """What `evaluate_net` adds up, so that parts of a split can be joined."""
    was_training = net.training
    net.eval()
    routes = RouteCache(net, kept)
    loss, meter = torch.zeros((), dtype=torch.float64, device=device_of(net)), task.meter()
    for inputs, labels in dataset.evaluation_batches(split):
        outputs = run_net(net, inputs, routes(len(labels)))
        loss += task.example_losses(outputs, labels).sum()
        meter.update(first(outputs), labels)
        if watch is not None:
            watch(inputs, outputs, labels)
    net.train(was_training)
    return SplitTotals(loss, meter, len(split))
