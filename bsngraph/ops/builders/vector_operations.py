"""Operations that lead to vectors or work on them, and those that end a network.

These are linear layers, global pooling and heads.
"""

# No `from __future__ import annotations`: the annotations are read as objects
# (signature.py).

from typing import TYPE_CHECKING, Annotated, Literal

from bsngraph.ops.arguments import Activation, Classes, Features, Height, Rate, Width
from bsngraph.ops.shapes import image, size_of
from bsngraph.ops.signature import Shape
from bsngraph.ops.table import operation
from bsngraph.wording import shape_text

if TYPE_CHECKING:
    from torch import nn


@operation("dropout")
def dropout(shape: Shape, *, rate: Rate = 0.5) -> "nn.Module":
    """Zero this share of the values in training, at random.

    When: before a head, where a network learns its training data by heart.
    Sizes: any → the same
    """
    from torch import nn

    return nn.Dropout(rate)


@operation("flatten")
def flatten(shape: Shape) -> "nn.Module":
    """All values in one vector.

    When: between an image or a sequence and linear layers that may see where things
    are.
    Sizes: c×h×w → c·h·w
    """
    from torch import nn

    return nn.Flatten()


@operation("global_pool")
def global_pool(
    shape: Shape, *, kind: Annotated[Literal["avg", "max"], "mean or maximum"] = "avg"
) -> "nn.Module":
    """Mean or maximum over all pixels of an image, or over all tokens of a sequence.

    When: between an image or a sequence and linear layers that should not see where
    things are.
    Sizes: c×h×w → c; length×features → features
    """
    from bsngraph.ops.modules import image_modules as modules

    if len(shape) not in (2, 3):
        raise ValueError(f"needs an image or a sequence, but gets {shape_text(shape)}")
    return modules.GlobalPool(kind)


@operation("linear")
def linear(shape: Shape, *, features: Features, activation: Activation = "none") -> "nn.Module":
    """Fully connected layer over the flattened input, then activation.

    When: on vectors; on an image or sequence each of its values has a weight of its
    own.
    Sizes: any → features
    """
    from bsngraph.ops.modules import image_modules as modules

    return modules.linear(shape, features, activation)


@operation("classifier")
def classifier(shape: Shape, *, classes: Classes) -> "nn.Module":
    """Mean over an image's pixels or a sequence's tokens, then a linear layer to class
    scores; on vectors the linear layer alone.

    When: the last edge of a classifying fabric.
    Sizes: c×h×w → classes; length×features → classes; features → classes
    """
    from bsngraph.ops.modules import image_modules as modules

    if len(shape) not in (1, 2, 3):
        raise ValueError(f"needs an image, a sequence or a vector, but gets {shape_text(shape)}")
    return modules.classifier(shape, classes)


@operation("segmentation_head")
def segmentation_head(
    shape: Shape, *, classes: Classes, height: Height = None, width: Width = None
) -> "nn.Module":
    """1x1 convolution with bias to class scores for every pixel, enlarged (bilinear) to
    height and width where given.

    When: the last edge of a segmenting fabric.
    Sizes: c×h×w → classes×h×w, or classes×height×width
    """
    from bsngraph.ops.modules import image_modules as modules

    incoming, rows, columns = image(shape)
    size = size_of(shape, 1, height, width)
    return modules.segmentation_head(incoming, classes, size=None if size == (rows, columns) else size)
