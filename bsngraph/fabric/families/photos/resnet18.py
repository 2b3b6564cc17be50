"""Stages of basic blocks around ResNet-18 (He et al. 2015, table 1), with projections
where shapes change (option B).

The stem, a 7×7 conv of stride 2 and a 3×3 max pooling of stride 2, is fixed, and so is
the classifier. Node `s2b1` is the output of the first block of the second stage. It
sums what is kept of three searchable edges, then applies ReLU: the basic block
(`block`), a bottleneck block at a fraction of its cost (`narrow`), and the skip, which
is identity or, at the first block of each stage but the first, a 1×1 projection.

With `block` and `skip` everywhere and `narrow` nowhere the defaults are ResNet-18:
11,689,512 parameters for 1000 classes. With `blocks` 3, 4, 6, 3 they are ResNet-34.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from bsngraph.fabric.families.sketch import (
    MOST,
    SOURCE,
    NodeMerge,
    Sketch,
    add_classifier,
    check_image,
    check_number,
    drawn,
    multiple,
    sketch,
)
from bsngraph.ops import Shape


def sketch_resnet18(
    *,
    input_shape: Shape,
    classes: int,
    task: str = "classification",
    blocks: Annotated[Sequence[int], "Positions in every stage; 3,4,6,3 makes ResNet-34."] = (2, 2, 2, 2),
    channels: Annotated[int, "Feature maps of the first stage; each further one has twice as many."] = 64,
    merge: NodeMerge = "sum",
) -> Sketch:
    """A stage for each of `blocks`, each at half the resolution of the one before; the
    first is at a quarter of the image's.

    Raises:
        InputError: a number is outside its bounds.
    """
    check_image(input_shape)
    check_number("stages", len(blocks), 1, 8)
    for count in blocks:
        check_number("blocks", count, 1, 200)
    check_number("channels", channels, 1, MOST // 2 ** (len(blocks) - 1))
    graph = sketch("resnet18", input_shape, merge=merge, parameters={"channels": channels})
    graph.add_edge(SOURCE, "stem", "conv", op="conv", channels="$channels", kernel=7, stride=2, fixed=True)
    graph.add_node("pooled", activation="none")
    graph.add_edge("stem", "pooled", "pool", op="max_pool", window=3, stride=2, fixed=True)
    before = "pooled"
    for stage, count in enumerate(blocks):
        width = multiple(2**stage, "channels")
        for block in range(count):
            node, stride = f"s{stage + 1}b{block + 1}", 2 if stage and not block else 1
            shape = {"channels": width, "stride": stride}
            graph.add_edge(before, node, "block", op="basic_block", residual=False, **shape)
            graph.add_edge(before, node, "narrow", op="bottleneck_block", residual=False, **shape)
            if stride == 1:
                graph.add_edge(before, node, "skip", op="identity")
            else:
                graph.add_edge(before, node, "skip", op="projection", **shape)
            before = node
    add_classifier(graph, before, classes, task)
    return graph


resnet18_fabric = drawn(sketch_resnet18)
