"""Operations of your own, in a file that `--ops` loads.

    bsngraph ops --ops examples/scale_operation.py    # lists them after bsngraph's own

A builder gets the shape of one incoming example and gives a module, or a function of
one batch. Its keyword-only arguments, with their types, are what an edge may say.
Shapes, MACs and parameters are counted by running it on torch's meta device, so neither
it nor `forward` may look at values.
"""

from typing import Annotated

import torch
from torch import nn

import bsngraph


@bsngraph.operation("scale")
def scale(shape, *, factor: Annotated[float, "what every value is multiplied by"] = 0.5):
    """Multiply by a constant.

    When: to say which of two ways should weigh less.
    Sizes: any → the same
    """
    return lambda x: factor * x


@bsngraph.operation("gated_conv")
class GatedConv(nn.Module):
    """3x3 convolution of which one half of the channels gates the other.

    When: in place of a conv and an activation.
    Sizes: c×h×w → channels×h×w
    """

    def __init__(self, shape, *, channels: Annotated[int, "outgoing channels"]):
        super().__init__()
        if len(shape) != 3:
            raise ValueError("needs an image (channels, height, width)")
        self.conv = nn.Conv2d(shape[0], 2 * channels, 3, padding=1)

    def forward(self, x):
        values, gates = self.conv(x).chunk(2, dim=1)
        return values * torch.sigmoid(gates)
