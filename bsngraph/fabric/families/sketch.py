"""What every family starts from: a graph with a source and a target, and checks of the
numbers that it is given.

In: a name, the shape of the input. Out: an nx.MultiDiGraph with the attributes of the
file format, to which the family adds its edges, for `fabric_from_networkx`.
"""

from __future__ import annotations

from collections.abc import Sequence

import networkx as nx

from bsngraph.errors import InputError, nearest
from bsngraph.ops import Shape
from bsngraph.ops.merges import MERGES

SOURCE, TARGET = "image", "scores"
MOST = 65_536  # the largest size an operation takes


def sketch(
    name: str, input_shape: Shape, *, source: str = SOURCE, merge: str = "sum", activation: str = "relu"
) -> nx.MultiDiGraph[str]:
    """A graph with its source and target. Nodes that are added with edges get `merge`
    and `activation`.

    Raises:
        InputError: the merge is not known.
    """
    if merge not in MERGES:
        raise InputError(f"merge={merge} is not known: {nearest(merge, MERGES)}")
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(
        name=name, source=source, target=TARGET, node={"merge": merge, "activation": activation}
    )
    graph.add_node(source, input="x".join(map(str, input_shape)), merge="sum", activation="none")
    graph.add_node(TARGET, merge="sum", activation="none")
    return graph


def check_image(shape: Shape) -> tuple[int, int, int]:
    """The shape of an image, (channels, height, width).

    Raises:
        InputError: the shape is not that of an image.
    """
    if len(shape) != 3 or not all(1 <= size <= MOST for size in shape):
        raise InputError(
            f"input={'x'.join(map(str, shape))} is not an image: give channels, height and width, e.g. "
            "3x32x32"
        )
    return shape[0], shape[1], shape[2]


def check_number(name: str, value: int, least: int, most: int) -> None:
    """Check a number against its bounds.

    Raises:
        InputError: it is outside of them.
    """
    if not least <= value <= most:
        raise InputError(f"{name}={value} must lie between {least} and {most}")


def check_numbers(name: str, values: Sequence[int], least: int, most: int) -> None:
    """Check a list of alternative numbers.

    Raises:
        InputError: it is empty, has a number twice, or one outside its bounds.
    """
    if not values:
        raise InputError(f"{name} is empty: give at least one number")
    if len(set(values)) < len(values):
        raise InputError(
            f"{name}={','.join(map(str, values))} says a number twice: each is an alternative to the others"
        )
    for value in values:
        check_number(name, value, least, most)
