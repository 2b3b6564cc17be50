"""Operations over sequences of tokens, `(length, features)`: parts of transformers."""

# No `from __future__ import annotations`: the annotations are read as objects
# (signature.py).

from typing import TYPE_CHECKING, Annotated

from bsngraph.ops.arguments import Activation, Expansion, Features, Heads, PreNorm, Rate, Residual
from bsngraph.ops.shapes import features as features_of
from bsngraph.ops.shapes import image, sequence
from bsngraph.ops.signature import Bounds, Shape
from bsngraph.ops.table import operation

if TYPE_CHECKING:
    from torch import nn


@operation("patches")
def patches(
    shape: Shape,
    *,
    features: Features,
    size: Annotated[int, Bounds(1, 255), "side of a patch in pixels"],
    positions: Annotated[bool, "add a learned vector for each place"] = True,
) -> "nn.Module":
    """Cut an image into square patches; each becomes a token by one linear map, plus a
    learned position.

    When: the way from images to attention; sides that size does not divide are padded
    with zeros.
    Sizes: c×h×w → (⌈h/size⌉·⌈w/size⌉)×features
    """
    from bsngraph.ops.modules import token_modules

    return token_modules.Patches(image(shape), features, size, positions=positions)


@operation("positions")
def positions(shape: Shape) -> "nn.Module":
    """Add a learned vector to each token.

    When: before attention, which does not see order by itself.
    Sizes: length×features → the same
    """
    from bsngraph.ops.modules import token_modules

    return token_modules.Positions(*sequence(shape))


@operation("layer_norm")
def layer_norm(shape: Shape) -> "nn.Module":
    """Normalise the features of each token, with learned scale and shift.

    When: before the head of a transformer, or between blocks that have norm=none.
    Sizes: length×features → the same; features → the same
    """
    from torch import nn

    return nn.LayerNorm(features_of(shape))


@operation("attention")
def attention(
    shape: Shape,
    *,
    heads: Heads = 4,
    dropout: Rate = 0.0,
    norm: PreNorm = "layer",
    residual: Residual = False,
) -> "nn.Module":
    """Layer norm, then multi-head self-attention with an outgoing projection.

    When: where tokens must look at each other; put an identity edge beside it, or set
    residual=true.
    Sizes: length×features → the same
    """
    from bsngraph.ops.modules import token_modules

    _, width = sequence(shape)
    if width % heads:
        raise ValueError(f"heads={heads} must divide the {width} features")
    return token_modules.residual(token_modules.attention(width, heads, dropout, norm), residual)


@operation("mlp")
def mlp(
    shape: Shape,
    *,
    expansion: Expansion = 4,
    activation: Annotated[Activation, "between the two layers"] = "gelu",
    dropout: Rate = 0.0,
    norm: PreNorm = "layer",
    residual: Residual = False,
) -> "nn.Module":
    """Layer norm, then two linear layers on each token, wider inside, the activation
    between.

    When: after attention; put an identity edge beside it, or set residual=true.
    Sizes: length×features → the same; features → the same
    """
    from bsngraph.ops.modules import token_modules

    return token_modules.residual(
        token_modules.mlp(features_of(shape), expansion, activation, dropout, norm), residual
    )


@operation("token_linear")
def token_linear(shape: Shape, *, features: Features, activation: Activation = "none") -> "nn.Module":
    """The same linear layer on each token, then activation.

    When: to change the number of features of a sequence.
    Sizes: length×c → length×features
    """
    from bsngraph.ops.modules import token_modules

    _, incoming = sequence(shape)
    return token_modules.token_linear(incoming, features, activation)
