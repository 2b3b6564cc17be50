"""The Convolutional Neural Fabric (Saxena & Verbeek 2016) as Budgeted Super Networks
searches it.

A grid of layers × scales: node `l2s3` is the third scale of the second layer. Sizes
start at the image's own and halve, rounded up, down to 1×1 (28, 14, 7, 4, 2, 1). Every
node has the same number of channels, sums its inputs, then applies ReLU. Node (l, s)
receives a conv of stride 2 from (l−1, s−1), a conv from (l−1, s), and from (l−1, s+1)
nearest upsampling to its own size and a conv. All convs are 3×3. A chain of stride-2
convs from the finest node fills the first layer. The last layer has a chain of its own
beside what it receives from the layer before: down to the coarsest node for
classification, up to the finest one for segmentation.

The stem and the output are fixed. The stem is a 3×3 conv from the image into `l1s1`.
The output is a 1×1 conv of the finest node for segmentation, and the classifier on the
coarsest node for classification, which at 1×1 is the same as a 1×1 conv. All other
edges are searchable. With L ≥ 2 layers of S scales there are (L−1)·(3S−2) between
layers, and S−1 in each of the two chains.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from bsngraph.fabric.families.sketch import (
    MAP_TASK,
    MOST,
    SOURCE,
    VECTOR_TASKS,
    NodeMerge,
    Sketch,
    add_classifier,
    add_segmentation_head,
    check_image,
    check_number,
    check_task,
    drawn,
    sketch,
)
from bsngraph.ops import Shape

_Size = tuple[int, int]
_Place = tuple[int, int]  # (layer, scale), both from 0


def sketch_cnf(
    *,
    input_shape: Shape,
    classes: int,
    task: str = "classification",
    layers: Annotated[int, "Layers of the grid."] = 4,
    channels: Annotated[int, "Feature maps of every node."] = 16,
    merge: NodeMerge = "sum",
) -> Sketch:
    """The CNF of `layers` for images of any size; its outputs are class scores
    (classes,), or (classes, height, width) for segmentation.

    Raises:
        InputError: a number is outside its bounds.
    """
    _, height, width = check_image(input_shape)
    check_number("channels", channels, 1, MOST)
    check_number("layers", layers, 2, 200)
    check_task("cnf", task, (*VECTOR_TASKS, MAP_TASK))
    sizes, down = tuple(_halved((height, width))), task != MAP_TASK
    graph = sketch("cnf", input_shape, merge=merge, parameters={"channels": channels})
    graph.add_edge(SOURCE, _node(0, 0), "conv", op="conv", channels="$channels", kernel=3, fixed=True)
    steps = [*_chain(0, len(sizes), down=True)]
    steps += [step for layer in range(1, layers) for step in _between(layer, len(sizes))]
    steps += _chain(layers - 1, len(sizes), down=down)
    for (from_layer, from_scale), (to_layer, to_scale) in steps:
        source, target = _node(from_layer, from_scale), _node(to_layer, to_scale)
        _connect(graph, source, target, to_scale - from_scale, sizes[to_scale])
    if down:
        add_classifier(graph, _node(layers - 1, len(sizes) - 1), classes, task)
    else:
        add_segmentation_head(graph, _node(layers - 1, 0), classes)
    return graph


cnf_fabric = drawn(sketch_cnf)


def _halved(size: _Size) -> Iterator[_Size]:
    """The sizes of the scales, finest first."""
    yield size
    while max(size) > 1:
        size = (size[0] + 1) // 2, (size[1] + 1) // 2
        yield size


def _node(layer: int, scale: int) -> str:
    return f"l{layer + 1}s{scale + 1}"


def _between(layer: int, scales: int) -> Iterator[tuple[_Place, _Place]]:
    """The connections into a layer from the one before it."""
    for scale in range(scales):
        for source in range(max(0, scale - 1), min(scales, scale + 2)):
            yield (layer - 1, source), (layer, scale)


def _chain(layer: int, scales: int, *, down: bool) -> Iterator[tuple[_Place, _Place]]:
    """The connections within a layer, from each scale to the next."""
    for scale in range(scales - 1):
        ends = (layer, scale), (layer, scale + 1)
        yield ends if down else ends[::-1]


def _connect(graph: Sketch, source: str, target: str, coarser: int, size: _Size) -> None:
    """A 3×3 conv to a node that is `coarser` scales coarser (−1: finer) and of
    `size`.
    """
    if coarser < 0:
        graph.add_edge(
            source,
            target,
            "up",
            op="upsample_conv",
            channels="$channels",
            kernel=3,
            height=size[0],
            width=size[1],
        )
    else:
        graph.add_edge(
            source,
            target,
            "down" if coarser else "conv",
            op="conv",
            channels="$channels",
            kernel=3,
            stride=1 + coarser,
        )
