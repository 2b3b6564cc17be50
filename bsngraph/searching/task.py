"""What a network is trained for: classification. How examples go in, what the loss of each is, what is predicted.

A fabric may have several sources, which all get the same example (two views of it), and several targets (auxiliary heads), which all
score the classes: the loss is their mean, the prediction is the first one's.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from bsngraph.supernet import Route, SuperNet

Outputs = Tensor | dict[str, Tensor]


def run_net(net: SuperNet, inputs: Tensor, route: Route) -> Outputs:
    """Scores (batch, classes) for a batch of examples, for each target."""
    sources = net.fabric.sources
    outputs: Outputs = net(inputs if len(sources) == 1 else dict.fromkeys(sources, inputs), route)
    return outputs


def example_losses(outputs: Outputs, labels: Tensor) -> Tensor:
    """Cross-entropy in nats of each example, the mean over targets: (batch,)."""
    if isinstance(outputs, Tensor):
        return functional.cross_entropy(outputs, labels, reduction="none")
    return torch.stack([functional.cross_entropy(scores, labels, reduction="none") for scores in outputs.values()]).mean(dim=0)


def predicted(outputs: Outputs) -> Tensor:
    """The class of each example by the first target: (batch,)."""
    scores = outputs if isinstance(outputs, Tensor) else next(iter(outputs.values()))
    return scores.argmax(dim=1)
