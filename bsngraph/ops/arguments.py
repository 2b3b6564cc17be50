"""The types of our builders' arguments: what each takes, its bounds and its meaning.

Each is defined once for all operations.
"""

from typing import Annotated, Literal

from bsngraph.ops.signature import Bounds, Fraction, OddSize, Size, Stride

Channels = Annotated[Size, "outgoing channels"]
Kernel = Annotated[OddSize, "side of the kernel in pixels"]
Step = Annotated[Stride, "every how many pixels it looks"]
Dilation = Annotated[Stride, "distance between the pixels under the kernel"]
Groups = Annotated[Size, "channels are split into so many groups that do not see each other"]
Norm = Annotated[
    Literal["batch", "group", "layer", "instance", "none"],
    "what follows each convolution; with none it has a bias",
]
Activation = Annotated[
    Literal["none", "relu", "gelu", "silu", "hardswish", "tanh", "sigmoid"], "what comes last"
]
Residual = Annotated[bool, "add the input to the result; false where a skip edge lies beside it"]

Window = Annotated[Size, "side of the window in pixels: odd, or equal to the stride"]
WiderChannels = Annotated[Size, "outgoing channels, at least the incoming ones; further ones are zero"] | None
Factor = Annotated[Stride, "how many times larger"]
Height = Annotated[Size, "outgoing height, given together with width"] | None
Width = Annotated[Size, "outgoing width, given together with height"] | None
Mode = Annotated[Literal["nearest", "bilinear"], "how values between pixels are found"]

Features = Annotated[Size, "outgoing features"]
Classes = Annotated[Size, "number of classes"]
Rate = Annotated[Fraction, "share of the values zeroed in training"]
Heads = Annotated[int, Bounds(1, 1024), "number of heads; it must divide the features"]
Expansion = Annotated[int, Bounds(1, 64), "how many times wider it is inside"]
Reduction = Annotated[int, Bounds(1, 64), "how many times narrower it is inside"]
PreNorm = Annotated[Literal["layer", "none"], "layer: normalise the input first"]
