"""A transformer over sequences (length, features) whose sub-layers may all be dropped
(Vaswani et al. 2017; pre-norm).

Each block adds to its tokens twice. Node `b1a` is the block's input plus
self-attention. Node `b1m` is `b1a` plus an MLP on each token: there is one searchable
edge for each of `expansions`, and those that are kept are added. The identity beside
them is fixed. So tokens always flow on, and every sample is a network. The linear map
of each token to `features` (`embed`), its learned position (`start`), the last layer
norm (`norm`) and the classifier, which takes the mean over tokens, are fixed too.
Searchable edges: blocks × (1 + number of expansions).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from bsngraph.errors import InputError
from bsngraph.fabric.families.sketch import (
    MOST,
    Sketch,
    add_classifier,
    check_number,
    check_numbers,
    drawn,
    sketch,
)
from bsngraph.ops import Shape

SOURCE = "sequence"


def sketch_transformer(
    *,
    input_shape: Shape,
    classes: int,
    task: str = "classification",
    blocks: Annotated[int, "Blocks of attention and MLPs."] = 4,
    features: Annotated[int, "Features of a token inside."] = 32,
    heads: Annotated[int, "Heads of an attention."] = 4,
    expansions: Annotated[Sequence[int], "A searchable MLP for each: how many times wider it is inside."] = (
        1,
        4,
    ),
) -> Sketch:
    """`blocks` of attention and MLPs over tokens of `features`, on sequences of shape
    (length, features).

    Raises:
        InputError: a number is outside its bounds.
    """
    _check(input_shape, blocks, features, heads, expansions)
    graph = sketch(
        "transformer", input_shape, source=SOURCE, activation="none", parameters={"features": features}
    )
    graph.add_edge(SOURCE, "embed", "linear", op="token_linear", features="$features", fixed=True)
    graph.add_edge("embed", "start", "positions", op="positions", fixed=True)
    before = "start"
    for block in range(1, blocks + 1):
        attended, mapped = f"b{block}a", f"b{block}m"
        graph.add_edge(before, attended, "skip", op="identity", fixed=True)
        graph.add_edge(before, attended, "attention", op="attention", heads=heads)
        graph.add_edge(attended, mapped, "skip", op="identity", fixed=True)
        for expansion in expansions:
            graph.add_edge(attended, mapped, f"mlp{expansion}", op="mlp", expansion=expansion)
        before = mapped
    graph.add_edge(before, "norm", "norm", op="layer_norm", fixed=True)
    add_classifier(graph, "norm", classes, task)
    return graph


transformer_fabric = drawn(sketch_transformer)


def _check(input_shape: Shape, blocks: int, features: int, heads: int, expansions: Sequence[int]) -> None:
    if len(input_shape) != 2 or not all(1 <= size <= MOST for size in input_shape):
        raise InputError(
            f"input={'x'.join(map(str, input_shape))} is not a sequence: give length and features, e.g. 8x8"
        )
    check_number("blocks", blocks, 1, 200)
    check_number("features", features, 1, MOST)
    check_number("heads", heads, 1, 1024)
    check_numbers("expansions", expansions, 1, 64)
    if features % heads:
        raise InputError(f"heads={heads} must divide features={features}")
