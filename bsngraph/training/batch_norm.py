"""Recomputing the BatchNorm statistics of one architecture."""

from __future__ import annotations

import torch
from torch import nn

from bsngraph.data import Dataset
from bsngraph.fabric import Booleans
from bsngraph.supernet import SuperNet
from bsngraph.training.evaluation import RouteCache
from bsngraph.training.forward import run_net


@torch.no_grad()
def recompute_batch_norm(
    net: SuperNet, dataset: Dataset, kept: Booleans, *, batches: int = 8, batch_size: int = 256
) -> None:
    """Replace the BatchNorm statistics of the live edges of `kept` by their mean over
    training batches.

    The running statistics of a search belong to the mixture of all samples. The batches
    are the first ones of the training split in its own order, without augmentation, so
    that the result depends on nothing else.
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
