"""A U-Net-like fabric for a class at every pixel (Ronneberger et al. 2015; lateral
connections are merged, as in LinkNet, and not stacked).

Level 1 is the finest, of `channels` feature maps; each further level has half the
resolution, rounded up, and twice the feature maps. On the way down, `d2` is where the
second level begins and `e2` where it is done; on the way up, `u2` is where lateral
connection and coarser level meet, and `o2` where the level is done. From `d` to `e` and
from `u` to `o` lead a basic block, a separable conv and identity. Down leads a conv of
stride 2 beside a max pooling, up a 3×3 conv beside a 1×1 conv after nearest upsampling.
`e2 -> u2` is the lateral connection. All of these are searchable.

The stem, a 3×3 conv, and the head are fixed. With a stem of stride 2 or 4 all levels
are coarser, and the head enlarges the scores to the image's size.
"""

from __future__ import annotations

from typing import Annotated

from bsngraph.fabric.families.sketch import (
    MAP_TASK,
    MOST,
    SOURCE,
    NodeMerge,
    Sketch,
    add_segmentation_head,
    check_image,
    check_number,
    check_task,
    drawn,
    multiple,
    sketch,
)
from bsngraph.ops import Shape


def sketch_unet(
    *,
    input_shape: Shape,
    classes: int,
    task: str = MAP_TASK,
    levels: Annotated[int, "Resolutions, each half of the one before."] = 3,
    channels: Annotated[int, "Feature maps of the finest level; each further one has twice as many."] = 16,
    stride: Annotated[int, "Stride of the stem: 2 or 4 for large images."] = 1,
    merge: NodeMerge = "mean",
) -> Sketch:
    """`levels` down and up again; its outputs are (classes, height, width).

    Raises:
        InputError: a number is outside its bounds, or the task is another one.
    """
    _, *size = check_image(input_shape)
    check_task("unet", task, (MAP_TASK,))
    check_number("levels", levels, 1, 8)
    check_number("channels", channels, 1, MOST // 2 ** (levels - 1))
    check_number("stride", stride, 1, 4)
    graph = sketch("unet", input_shape, merge=merge, parameters={"channels": channels})
    graph.add_edge(SOURCE, "d1", "conv", op="conv", channels="$channels", kernel=3, stride=stride, fixed=True)
    sizes = [tuple(-(-length // (stride * 2**level)) for length in size) for level in range(levels)]
    widths = [multiple(2**level, "channels") for level in range(levels)]
    for level in range(1, levels + 1):
        if level > 1:
            _add_down(graph, level, widths[level - 1])
        _add_work(graph, f"d{level}", f"e{level}", widths[level - 1])
    below = f"e{levels}"
    for level in range(levels - 1, 0, -1):
        _add_up(graph, below, level, widths[level - 1], sizes[level - 1])
        _add_work(graph, f"u{level}", f"o{level}", widths[level - 1])
        below = f"o{level}"
    enlarged = {"height": size[0], "width": size[1]} if stride > 1 else {}
    add_segmentation_head(graph, below, classes, **enlarged)
    return graph


unet_fabric = drawn(sketch_unet)


def _add_work(graph: Sketch, before: str, after: str, channels: str) -> None:
    """What may happen at one resolution."""
    graph.add_edge(before, after, "block", op="basic_block", channels=channels, residual=False)
    graph.add_edge(before, after, "separable", op="separable_conv", channels=channels)
    graph.add_edge(before, after, "skip", op="identity")


def _add_down(graph: Sketch, level: int, channels: str) -> None:
    """The ways into a level from the finer one."""
    ends = f"e{level - 1}", f"d{level}"
    graph.add_edge(*ends, "conv", op="conv", channels=channels, kernel=3, stride=2)
    graph.add_edge(*ends, "pool", op="max_pool", window=2, stride=2, channels=channels)


def _add_up(graph: Sketch, below: str, level: int, channels: str, size: tuple[int, ...]) -> None:
    """The ways into a level from the coarser one and from the way down."""
    ends, (height, width) = (below, f"u{level}"), size
    for kernel in (3, 1):
        graph.add_edge(
            *ends,
            f"up{kernel}",
            op="upsample_conv",
            channels=channels,
            kernel=kernel,
            height=height,
            width=width,
        )
    graph.add_edge(f"e{level}", f"u{level}", "lateral", op="identity")
