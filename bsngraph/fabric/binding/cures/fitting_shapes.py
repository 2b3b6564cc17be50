"""What would make the results of several edges fit at the node where they meet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bsngraph.fabric.model import Edge
from bsngraph.ops import OPERATIONS, Shape
from bsngraph.wording import shape_text

Meeting = Sequence[tuple[Edge, Shape]]

_STRIDED = "⌈h/stride⌉"  # in the sizes of an operation whose stride makes images smaller
_KINDS = {3: "an image", 2: "a sequence", 1: "a vector"}


def how_to_fit(meeting: Meeting) -> str:
    """The cure for edges into one node whose shapes differ in more than a concat takes,
    or in channels alone; it names the edge to change and what resizes it.
    """
    ranks = {len(shape) for _, shape in meeting}
    if len(ranks) > 1:
        kinds = " and ".join(_KINDS.get(rank, f"{rank} sizes") for rank in sorted(ranks, reverse=True))
        return (
            f"{kinds} do not meet: op=global_pool or op=flatten makes a vector of either, op=patches tokens"
        )
    if ranks == {3} and len({shape[1:] for _, shape in meeting}) > 1:
        return _same_pixels(meeting)
    if ranks == {2} and len({shape[:1] for _, shape in meeting}) > 1:
        return "sequences of different lengths do not meet: op=global_pool makes a vector of each"
    word, operation = {3: ("channels", "projection"), 2: ("features", "token_linear")}.get(
        ranks.pop(), ("features", "linear")
    )
    return _same_width(meeting, word, operation)


def _same_pixels(meeting: Meeting) -> str:
    """The larger image made smaller, or the smaller larger."""
    goal = min((shape for _, shape in meeting), key=lambda shape: shape[1] * shape[2])
    edge, (_, height, width) = next(one for one in meeting if one[1][1:] != goal[1:])
    small = next(edge for edge, shape in meeting if shape[1:] == goal[1:])
    return (
        f"give the operations the same channels and stride: {_smaller(edge, (height, width), goal[1:])}; "
        f"op=upsample or op=upsample_conv with height={height}, width={width} enlarges that of {small.name}"
    )


def _smaller(edge: Edge, pixels: Shape, goal: Shape) -> str:
    """What brings an edge's height and width down to others."""
    ratio = -(-pixels[0] // goal[0])
    change = f"the {shape_text(pixels)} of {edge.name} to {shape_text(goal)}"
    if tuple(-(-size // ratio) for size in pixels) != goal:
        return f'op="nn.AdaptiveAvgPool2d" brings {change}'
    operation = OPERATIONS[edge.op]
    if _STRIDED not in operation.sizes:
        return f"an operation with stride={ratio} in place of {edge.op}, e.g. op=max_pool, brings {change}"
    stride = int(edge.arguments.get("stride", operation.arguments["stride"].default or 1))
    return f"stride={ratio * stride} brings {change}"


def _same_width(meeting: Meeting, word: str, operation: str) -> str:
    """The width that most edges have, else the largest."""
    position = 0 if word == "channels" else -1
    widths = Counter(shape[position] for _, shape in meeting)
    goal = max(widths, key=lambda width: (widths[width], width))
    edge = next(edge for edge, shape in meeting if shape[position] != goal)
    if word in OPERATIONS[edge.op].arguments:
        how = f"{word}={goal} on {edge.name}"
    else:
        how = f"op={operation} with {word}={goal} in place of {edge.op} on {edge.name}"
    also = " and stride" if word == "channels" else ""
    return f"give the operations the same {word}{also}: {how}"
