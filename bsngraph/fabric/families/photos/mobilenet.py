"""Stages of MBConv positions around MobileNetV2 (Sandler et al. 2018, table 2).

The stem is a 3×3 conv of stride 2 with ReLU6, the last step before the classifier a 1×1
conv with ReLU6; both are fixed. Node `s2p1` follows the first position of the second
stage. Each position keeps exactly one operation: an MBConv with one of `kernels` and
one of `expansions` (`k3e6`), or identity (`skip`) if input and output have the same
shape. In the first stage the expansion is 1, as in the paper. The first position of a
stage sets its channels and has its stride.

With `k3e1` in the first stage and `k3e6` at all other positions the defaults are
MobileNetV2 with width 1: 3,504,872 parameters for 1000 classes. Nodes have no
activation, as bottlenecks are linear.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from bsngraph.errors import InputError
from bsngraph.fabric.families.chain import (
    ChannelWeights,
    Expansions,
    Kernels,
    add_mbconv_choice,
    check_mbconvs,
    stage_parameters,
)
from bsngraph.fabric.families.sketch import (
    MOST,
    SOURCE,
    Sketch,
    add_classifier,
    check_image,
    check_number,
    drawn,
    sketch,
)
from bsngraph.ops import Shape, Value


def sketch_mobilenet(
    *,
    input_shape: Shape,
    classes: int,
    task: str = "classification",
    channels: Annotated[Sequence[int], "Feature maps of every stage."] = (16, 24, 32, 64, 96, 160, 320),
    layers: Annotated[Sequence[int], "Positions in every stage."] = (1, 2, 3, 4, 3, 3, 1),
    strides: Annotated[Sequence[int], "Stride of every stage."] = (1, 2, 2, 2, 1, 2, 1),
    stem: Annotated[int, "Feature maps of the stem, at half the image's size."] = 32,
    last: Annotated[int, "Feature maps of the last 1x1 conv."] = 1280,
    kernels: Kernels = (3, 5),
    expansions: Expansions = (3, 6),
    squeeze_excite: ChannelWeights = False,
) -> Sketch:
    """A stage for each of `channels`, `layers` and `strides`, every position a choice
    of kernel and expansion; the expansion is 1 in the first stage.

    Raises:
        InputError: a number is outside its bounds, or stages have not all three.
    """
    _check(input_shape, channels, layers, strides, last)
    check_mbconvs(channels, sum(layers), stem, kernels, expansions)
    parameters = {"stem": stem} | stage_parameters(channels) | {"last": last}
    graph = sketch("mobilenet", input_shape, activation="none", parameters=parameters)
    _add_conv(graph, (SOURCE, "stem"), channels="$stem", kernel=3, stride=2)
    before, incoming = "stem6", stem
    for stage, (width, count, first) in enumerate(zip(channels, layers, strides, strict=True), start=1):
        for position in range(1, count + 1):
            node, stride = f"s{stage}p{position}", first if position == 1 else 1
            inside = expansions if stage > 1 else (1,)
            candidates = [(kernel, expansion) for kernel in kernels for expansion in inside]
            arguments: dict[str, Value] = {
                "channels": f"$stage{stage}",
                "stride": stride,
                "squeeze_excite": squeeze_excite,
            }
            agree = stride == 1 and width == incoming
            add_mbconv_choice(graph, (before, node), candidates, arguments, skip=agree)
            before, incoming = node, width
    _add_conv(graph, (before, "last"), channels="$last", kernel=1, stride=1)
    add_classifier(graph, "last6", classes, task)
    return graph


mobilenet_fabric = drawn(sketch_mobilenet)


def _add_conv(graph: Sketch, ends: tuple[str, str], *, channels: str, kernel: int, stride: int) -> None:
    """A fixed conv to a node, and ReLU6 to the next one, whose name has a 6 more."""
    _, node = ends
    graph.add_edge(*ends, "conv", op="conv", channels=channels, kernel=kernel, stride=stride, fixed=True)
    graph.add_edge(node, f"{node}6", "relu6", op="nn.ReLU6", fixed=True)


def _check(
    input_shape: Shape, channels: Sequence[int], layers: Sequence[int], strides: Sequence[int], last: int
) -> None:
    check_image(input_shape)
    if not len(channels) == len(layers) == len(strides):
        raise InputError(
            f"channels, layers and strides have {len(channels)}, {len(layers)} and {len(strides)} numbers: "
            "give each of them one for every stage"
        )
    for name, values, most in (("layers", layers, 100), ("strides", strides, 4)):
        for value in values:
            check_number(name, value, 1, most)
    check_number("last", last, 1, MOST)
