"""The Convolutional Neural Fabric (Saxena & Verbeek 2016) as Budgeted Super Networks
searches it.

A grid of layers × scales: node `l2s3` is the second layer's third scale. Sizes halve by
ceiling from the image's own down to 1×1 (28, 14, 7, 4, 2, 1); every node has the same
number of channels, sums what comes in, then ReLU. A node (l, s) receives from (l−1,
s−1) by a conv of stride 2, from (l−1, s) by a conv, and from (l−1, s+1) by upsampling
(nearest) to its own size and a conv; all are 3×3. The first layer is filled by a chain
of stride-2 convs from its finest node. The last layer ends in a chain down to the
coarsest node (classification) or up to the finest one (segmentation), besides what it
receives from the layer before.

Fixed are the stem, a 3×3 conv from the image into `l1s1`, and the output: for
segmentation a 1×1 conv of the finest node, for classification the classifier on the
coarsest one, which at 1×1 is the same thing as a 1×1 conv. All others are searchable:
for L ≥ 2 layers of S scales (L−1)·(3S−2) between layers, and S−1 in each of the two
chains.
"""

from __future__ import annotations

from collections.abc import Iterator

import networkx as nx

from bsngraph.errors import InputError, nearest
from bsngraph.fabric.families.sketch import MOST, SOURCE, TARGET, check_image, check_number, sketch
from bsngraph.fabric.formats import fabric_from_networkx
from bsngraph.fabric.model import Fabric
from bsngraph.ops import Shape

TASKS = ("classification", "segmentation")

Size = tuple[int, int]


def cnf_fabric(
    *,
    input_shape: Shape,
    classes: int,
    layers: int = 4,
    channels: int = 16,
    task: str = "classification",
    merge: str = "sum",
) -> Fabric:
    """The CNF of `layers` for images of any size; its outputs are class scores
    (classes,), or (classes, height, width) for segmentation.

    Raises:
        InputError: numbers that make no fabric.
    """
    _, height, width = check_image(input_shape)
    check_number("classes", classes, 1, MOST)
    check_number("channels", channels, 1, MOST)
    check_number("layers", layers, 2, 200)
    if task not in TASKS:
        raise InputError(f"task={task} is not known: {nearest(task, TASKS)}")
    sizes = tuple(_halved((height, width)))
    graph = sketch("cnf", input_shape, merge=merge)
    graph.add_edge(SOURCE, _node(0, 0), "conv", op="conv", channels=channels, kernel=3, fixed=True)
    steps = [*_chain(0, len(sizes), down=True)]
    steps += [step for layer in range(1, layers) for step in _between(layer, len(sizes))]
    steps += _chain(layers - 1, len(sizes), down=task == "classification")
    for (from_layer, from_scale), (to_layer, to_scale) in steps:
        _connect(
            graph,
            _node(from_layer, from_scale),
            _node(to_layer, to_scale),
            channels,
            to_scale - from_scale,
            sizes[to_scale],
        )
    if task == "classification":
        graph.add_edge(
            _node(layers - 1, len(sizes) - 1),
            TARGET,
            "classifier",
            op="classifier",
            classes=classes,
            fixed=True,
        )
    else:
        graph.add_edge(
            _node(layers - 1, 0), TARGET, "head", op="segmentation_head", classes=classes, fixed=True
        )
    return fabric_from_networkx(graph)


def _halved(size: Size) -> Iterator[Size]:
    """The sizes of the scales, finest first."""
    yield size
    while max(size) > 1:
        size = (size[0] + 1) // 2, (size[1] + 1) // 2
        yield size


Place = tuple[int, int]  # (layer, scale), both from 0


def _node(layer: int, scale: int) -> str:
    return f"l{layer + 1}s{scale + 1}"


def _between(layer: int, scales: int) -> Iterator[tuple[Place, Place]]:
    """The connections into a layer from the one before it."""
    for scale in range(scales):
        for source in range(max(0, scale - 1), min(scales, scale + 2)):
            yield (layer - 1, source), (layer, scale)


def _chain(layer: int, scales: int, *, down: bool) -> Iterator[tuple[Place, Place]]:
    """The connections within a layer, from each scale to the next."""
    for scale in range(scales - 1):
        ends = (layer, scale), (layer, scale + 1)
        yield ends if down else ends[::-1]


def _connect(
    graph: nx.MultiDiGraph[str], source: str, target: str, channels: int, coarser: int, size: Size
) -> None:
    """A 3×3 conv to a node that is `coarser` scales coarser (−1: finer) and of
    `size`.
    """
    if coarser < 0:
        graph.add_edge(
            source,
            target,
            "up",
            op="upsample_conv",
            channels=channels,
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
            channels=channels,
            kernel=3,
            stride=1 + coarser,
        )
