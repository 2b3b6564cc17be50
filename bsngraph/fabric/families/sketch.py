"""What every family starts from and ends in: a graph with a source and a target, its
head, and checks of the numbers that it is given.

In: a name, the shape of the input. Out: an nx.MultiDiGraph with the attributes of the
file format, to which the family adds its edges, for `fabric_from_networkx`. Numbers
that a user may change later are parameters of the graph, `"$channels"` on its edges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Annotated, ParamSpec, TypeAlias

import networkx as nx

from bsngraph.errors import InputError, nearest
from bsngraph.fabric.formats import fabric_from_networkx
from bsngraph.fabric.model import Fabric
from bsngraph.ops import Shape
from bsngraph.ops.merges import MERGES

SOURCE, TARGET = "image", "scores"
MOST = 65_536  # the largest size an operation takes

# What a family may be for: tasks that take a vector, and the one that takes a map.
VECTOR_TASKS = ("classification", "multi-label", "regression")
MAP_TASK = "segmentation"

if TYPE_CHECKING:
    Sketch: TypeAlias = nx.MultiDiGraph[str]
else:
    Sketch = nx.MultiDiGraph  # a running program cannot say more

# The types of arguments that several families take: their meaning, then the choices.
NodeMerge = Annotated[str, "How nodes merge; papers sum.", "sum", "mean"]

_Given = ParamSpec("_Given")


def drawn(draw: Callable[_Given, Sketch]) -> Callable[_Given, Fabric]:
    """The function that gives the fabric of what `draw` sketches."""

    @wraps(draw)
    def fabric(*args: _Given.args, **given: _Given.kwargs) -> Fabric:
        return fabric_from_networkx(draw(*args, **given))

    return fabric


def sketch(
    name: str,
    input_shape: Shape,
    *,
    source: str = SOURCE,
    merge: str = "sum",
    activation: str = "relu",
    parameters: Mapping[str, int],
) -> Sketch:
    """A graph with its source, target and parameters. Nodes that are added with edges
    get `merge` and `activation`.

    Raises:
        InputError: the merge is not known.
    """
    if merge not in MERGES:
        raise InputError(f"merge={merge} is not known: {nearest(merge, MERGES)}")
    graph: Sketch = Sketch(
        name=name, source=source, target=TARGET, node={"merge": merge, "activation": activation}
    )
    graph.graph.update(parameters)
    graph.add_node(source, input="x".join(map(str, input_shape)), merge="sum", activation="none")
    graph.add_node(TARGET, merge="sum", activation="none")
    return graph


def add_classifier(graph: Sketch, before: str, classes: int, task: str) -> None:
    """The fixed head after node `before`, with a score for each class or output.

    Raises:
        InputError: the task needs another head.
    """
    check_task(graph.graph["name"], task, VECTOR_TASKS)
    check_number("classes", classes, 1, MOST)
    word = "outputs" if task == "regression" else "classes"
    graph.graph[word] = classes
    graph.add_edge(before, TARGET, "classifier", op="classifier", classes=f"${word}", fixed=True)


def add_segmentation_head(graph: Sketch, before: str, classes: int, **size: int) -> None:
    """The fixed head after node `before`, with scores for each pixel; `size` is the
    height and width that they are enlarged to.
    """
    check_number("classes", classes, 1, MOST)
    graph.graph["classes"] = classes
    graph.add_edge(before, TARGET, "head", op="segmentation_head", classes="$classes", fixed=True, **size)


def multiple(factor: int, name: str) -> str:
    """So many times a parameter, as a file says it."""
    return f"${name}" if factor == 1 else f"{factor}*${name}"


def check_task(family: str, task: str, known: Sequence[str]) -> None:
    """Check that a family has a head for a task.

    Raises:
        InputError: it has none, or there is no such task.
    """
    if task in known:
        return
    every = (*VECTOR_TASKS, MAP_TASK)
    if task not in every:
        raise InputError(f"task={task} is not known: {nearest(task, every)}")
    cure = "take cnf or unet" if task == MAP_TASK else "take another family"
    raise InputError(f"{family} has no head for {task}: {cure}")


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
