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

from collections.abc import Sequence

from bsngraph.errors import InputError
from bsngraph.fabric.families.sketch import (
    MOST,
    SOURCE,
    TARGET,
    check_image,
    check_number,
    check_numbers,
    sketch,
)
from bsngraph.fabric.formats import fabric_from_networkx
from bsngraph.fabric.model import Fabric
from bsngraph.fabric.reading.bounds import MAX_EDGES
from bsngraph.ops import Shape


def chain_fabric(
    *,
    input_shape: Shape,
    classes: int,
    channels: Sequence[int] = (16, 24, 40),
    layers: int = 3,
    stem: int = 16,
    kernels: Sequence[int] = (3, 5, 7),
    expansions: Sequence[int] = (3, 6),
    squeeze_excite: bool = False,
) -> Fabric:
    """A stage of `layers` positions for each of `channels`, every position a choice of
    kernel and expansion.

    Raises:
        InputError: a number is outside its bounds.
    """
    _check(input_shape, classes, channels, layers, stem, kernels, expansions)
    graph = sketch("chain", input_shape, activation="none")
    graph.add_edge(SOURCE, "stem", "conv", op="conv", channels=stem, kernel=3, activation="relu", fixed=True)
    before, incoming = "stem", stem
    for stage, width in enumerate(channels):
        for position in range(layers):
            node = f"s{stage + 1}p{position + 1}"
            stride = 2 if stage and not position else 1
            agree = stride == 1 and width == incoming
            candidates = [(kernel, expansion) for kernel in kernels for expansion in expansions]
            tie = {"choice": node} if len(candidates) + agree > 1 else {"fixed": True}
            for kernel, expansion in candidates:
                arguments = {
                    "channels": width,
                    "kernel": kernel,
                    "stride": stride,
                    "expansion": expansion,
                    "squeeze_excite": squeeze_excite,
                }
                graph.add_edge(before, node, f"k{kernel}e{expansion}", op="mbconv", **arguments, **tie)
            if agree:
                graph.add_edge(before, node, "skip", op="identity", **tie)
            before, incoming = node, width
    graph.add_edge(before, TARGET, "classifier", op="classifier", classes=classes, fixed=True)
    return fabric_from_networkx(graph)


def _check(
    input_shape: Shape,
    classes: int,
    channels: Sequence[int],
    layers: int,
    stem: int,
    kernels: Sequence[int],
    expansions: Sequence[int],
) -> None:
    check_image(input_shape)
    check_number("classes", classes, 1, MOST)
    check_number("stages", len(channels), 1, 20)
    for width in channels:
        check_number("channels", width, 1, MOST)
    check_number("layers", layers, 1, 100)
    check_number("stem", stem, 1, MOST)
    check_numbers("kernels", kernels, 1, 255)
    if not all(kernel % 2 for kernel in kernels):
        raise InputError(f"kernels={','.join(map(str, kernels))} must be odd: 3, 5, 7 …")
    check_numbers("expansions", expansions, 1, 64)
    candidates = len(kernels) * len(expansions) + 1
    check_number("stages x layers x candidates", len(channels) * layers * candidates, 1, MAX_EDGES)
