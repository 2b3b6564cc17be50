"""Measuring a network on a split: loss and accuracy, and BatchNorm statistics for one architecture."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from bsngraph.data import Dataset, Split
from bsngraph.fabric import Booleans
from bsngraph.searching.task import example_losses, predicted, run_net
from bsngraph.supernet import Route, SuperNet


@dataclass(frozen=True)
class Score:
    """Mean cross-entropy (nats) and accuracy (0 to 1) over a split."""

    loss: float
    accuracy: float


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
def evaluate_net(net: SuperNet, dataset: Dataset, split: Split, kept: Booleans) -> Score:
    """Loss and accuracy of one choice of edges (edges,) on a split, in evaluation mode; the net's mode is left as it was."""
    was_training = net.training
    net.eval()
    routes = RouteCache(net, kept)
    loss, right = torch.zeros((), dtype=torch.float64), 0
    for inputs, labels in dataset.evaluation_batches(split):
        outputs = run_net(net, inputs, routes(len(labels)))
        loss += example_losses(outputs, labels).sum().cpu()
        right += int((predicted(outputs) == labels).sum())
    net.train(was_training)
    return Score(float(loss) / len(split), right / len(split))


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
