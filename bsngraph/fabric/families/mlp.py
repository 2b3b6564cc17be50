"""MLPs and residual MLPs over vectors, the lines of a table.

Node `h1` follows the first linear layer, which is fixed. Into each further node lead a
linear layer with ReLU (`linear`), a bottleneck of a quarter of the width by way of a
node of its own (`n2`), and the skip, which is identity, or a linear map if widths
differ. All of these are searchable, and so is `direct`, the linear model beside the
whole network. With the linear layers alone the network is an MLP, with skips beside
them a residual MLP.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from bsngraph.errors import InputError
from bsngraph.fabric.families.sketch import (
    MOST,
    TARGET,
    NodeMerge,
    Sketch,
    add_classifier,
    check_number,
    drawn,
    sketch,
)
from bsngraph.ops import Shape

TABLE_SOURCE = "vector"


def sketch_mlp(
    *,
    input_shape: Shape,
    classes: int,
    task: str = "classification",
    widths: Annotated[Sequence[int], "Features of every layer but the last."] = (32, 32, 32),
    merge: NodeMerge = "mean",
) -> Sketch:
    """A layer for each of `widths`, then a linear layer to classes or outputs, on
    vectors of shape (features,).

    Raises:
        InputError: a number is outside its bounds.
    """
    _check(input_shape, widths)
    parameters = {f"width{number}": width for number, width in enumerate(widths, start=1)}
    graph = sketch(
        "mlp", input_shape, source=TABLE_SOURCE, merge=merge, activation="none", parameters=parameters
    )
    graph.add_edge(TABLE_SOURCE, "h1", "linear", **_linear("$width1"), fixed=True)
    for number in range(2, len(widths) + 1):
        ends, inside, features = (f"h{number - 1}", f"h{number}"), f"n{number}", f"$width{number}"
        graph.add_edge(*ends, "linear", **_linear(features))
        graph.add_edge(ends[0], inside, "narrow", **_linear(f"({features} + 3) // 4"))
        graph.add_edge(inside, ends[1], "widen", **_linear(features))
        if widths[number - 1] == widths[number - 2]:
            graph.add_edge(*ends, "skip", op="identity")
        else:
            graph.add_edge(*ends, "skip", op="linear", features=features)
    add_classifier(graph, f"h{len(widths)}", classes, task)
    head = graph.edges[f"h{len(widths)}", TARGET, "classifier"]["classes"]
    graph.add_edge(TABLE_SOURCE, TARGET, "direct", op="classifier", classes=head)
    return graph


mlp_fabric = drawn(sketch_mlp)


def _linear(features: str) -> dict[str, str]:
    return {"op": "linear", "features": features, "activation": "relu"}


def _check(input_shape: Shape, widths: Sequence[int]) -> None:
    if len(input_shape) != 1 or not 1 <= input_shape[0] <= MOST:
        raise InputError(
            f"input={'x'.join(map(str, input_shape))} is not a vector: give the number of features, e.g. 10"
        )
    check_number("layers", len(widths), 1, 200)
    for width in widths:
        check_number("widths", width, 1, MOST)
