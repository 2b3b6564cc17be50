"""A pass of a network over a batch: the layout of its inputs, its precision, what each target gives."""

from __future__ import annotations

from torch import Tensor

from bsngraph.supernet import Route, SuperNet
from bsngraph.tasks import Outputs
from bsngraph.training.layout import laid_out


def run_net(net: SuperNet, inputs: Tensor, route: Route) -> Outputs:
    """What each target gives for a batch of examples."""
    sources, inputs = net.fabric.sources, laid_out(net, inputs)
    outputs: Outputs = net(inputs if len(sources) == 1 else dict.fromkeys(sources, inputs), route)
    return outputs
