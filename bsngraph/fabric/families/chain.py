"""A chain of MBConv positions in the manner of ProxylessNAS (Cai et al. 2019) and FBNet
(Wu et al. 2019).

Node `s2p1` follows the first position of the second stage. Each position keeps exactly
one operation (`choice="s2p1"`). It is an MBConv with one of `kernels` and one of
`expansions` (`k5e3`: kernel 5, expansion 3), or identity (`skip`), which leaves the
position out. Identity is possible only if input and output have the same shape. The
first position of a stage sets the stage's channels and, from the second stage on, has
stride 2. An MBConv adds its own input if the shapes agree. Nodes have no activation:
bottlenecks are linear. The stem, a 3×3 conv with ReLU, and the classifier are fixed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from bsngraph.errors import InputError
from bsngraph.fabric.families.sketch import (
    MOST,
    SOURCE,
    Sketch,
    add_classifier,
    check_image,
    check_number,
    check_numbers,
    drawn,
    sketch,
)
from bsngraph.fabric.reading.bounds import MAX_EDGES
from bsngraph.ops import Shape, Value

Kernels = Annotated[Sequence[int], "Kernels to choose from."]
Expansions = Annotated[Sequence[int], "Expansions to choose from."]
ChannelWeights = Annotated[bool, "Squeeze-and-excitation in every MBConv."]


def sketch_chain(
    *,
    input_shape: Shape,
    classes: int,
    task: str = "classification",
    channels: Annotated[
        Sequence[int], "Feature maps of every stage; stages after the first halve the resolution."
    ] = (16, 24, 40),
    layers: Annotated[int, "Positions in a stage."] = 3,
    stem: Annotated[int, "Feature maps of the stem."] = 16,
    kernels: Kernels = (3, 5, 7),
    expansions: Expansions = (3, 6),
    squeeze_excite: ChannelWeights = False,
) -> Sketch:
    """A stage of `layers` positions for each of `channels`, every position a choice of
    kernel and expansion.

    Raises:
        InputError: a number is outside its bounds.
    """
    check_image(input_shape)
    check_number("layers", layers, 1, 100)
    check_mbconvs(channels, len(channels) * layers, stem, kernels, expansions)
    parameters = {"stem": stem} | stage_parameters(channels)
    graph = sketch("chain", input_shape, activation="none", parameters=parameters)
    graph.add_edge(
        SOURCE, "stem", "conv", op="conv", channels="$stem", kernel=3, activation="relu", fixed=True
    )
    before, incoming = "stem", stem
    for stage, width in enumerate(channels):
        for position in range(layers):
            node = f"s{stage + 1}p{position + 1}"
            stride = 2 if stage and not position else 1
            candidates = [(kernel, expansion) for kernel in kernels for expansion in expansions]
            arguments: dict[str, Value] = {
                "channels": f"$stage{stage + 1}",
                "stride": stride,
                "squeeze_excite": squeeze_excite,
            }
            agree = stride == 1 and width == incoming
            add_mbconv_choice(graph, (before, node), candidates, arguments, skip=agree)
            before, incoming = node, width
    add_classifier(graph, before, classes, task)
    return graph


chain_fabric = drawn(sketch_chain)


def add_mbconv_choice(
    graph: Sketch,
    ends: tuple[str, str],
    candidates: Sequence[tuple[int, int]],
    arguments: Mapping[str, Value],
    *,
    skip: bool,
) -> None:
    """One position: an MBConv for each (kernel, expansion), and identity with `skip`;
    exactly one is kept.
    """
    tie = {"choice": ends[1]} if len(candidates) + skip > 1 else {"fixed": True}
    for kernel, expansion in candidates:
        key = f"k{kernel}e{expansion}"
        graph.add_edge(*ends, key, op="mbconv", kernel=kernel, expansion=expansion, **arguments, **tie)
    if skip:
        graph.add_edge(*ends, "skip", op="identity", **tie)


def stage_parameters(channels: Sequence[int]) -> dict[str, int]:
    """A parameter for the width of each stage."""
    return {f"stage{number}": width for number, width in enumerate(channels, start=1)}


def check_mbconvs(
    channels: Sequence[int], positions: int, stem: int, kernels: Sequence[int], expansions: Sequence[int]
) -> None:
    """Check the numbers of stages of MBConvs.

    Raises:
        InputError: one is outside its bounds.
    """
    check_number("stages", len(channels), 1, 20)
    for width in channels:
        check_number("channels", width, 1, MOST)
    check_number("stem", stem, 1, MOST)
    check_numbers("kernels", kernels, 1, 255)
    if not all(kernel % 2 for kernel in kernels):
        raise InputError(f"kernels={','.join(map(str, kernels))} must be odd: 3, 5, 7 …")
    check_numbers("expansions", expansions, 1, 64)
    candidates = len(kernels) * len(expansions) + 1
    check_number("stages x layers x candidates", positions * candidates, 1, MAX_EDGES)
