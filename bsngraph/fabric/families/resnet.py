"""The ResNet Fabric of Budgeted Super Networks, and the plain ResNets of He et al. 2015
as fixed fabrics.

Node `g2b1` is the output of the first block of the second group. It merges that block
and its skip, which are two separate edges from the node before it. For the first block
of a group that is the last node of the group before, or `stem`; it is position −1 of
the group. Position p ≥ 0 of a group is the output of its block p, counted from 0: node
b(p+1).

From the second group on, the node of block n of N also receives connections from these
positions of the group before: N−2−n; N−1−n, but not for n = 0, where block and skip are
that connection already; and N−3−n, but not for n = N−1, as there is no position −2. So
early positions feed late blocks, and late positions feed early ones: there are short
and long ways through the fabric. Position −1 of a group is a node of the group before
it, so connections from there skip a resolution and have stride 4 (stride 2 from the
stem to the second group). Every connection is two searchable edges, a basic block and a
1×1 projection.

G groups of N blocks have 2·N·G searchable edges in the groups, and 3N−2 connections
into each group but the first, of two edges each. Together these are 2·N·G +
2·(3N−2)·(G−1) edges: 18 + 28 = 46 for three groups of three. Stem and head are fixed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from bsngraph.errors import InputError
from bsngraph.fabric.families.sketch import (
    MOST,
    SOURCE,
    Sketch,
    add_classifier,
    check_image,
    check_number,
    drawn,
    multiple,
    sketch,
)
from bsngraph.ops import Shape

STEM = "stem"


def sketch_any_resnet(
    *,
    groups: Annotated[
        int | None, "Groups, each at half the resolution of the one before. [default: 3]"
    ] = None,
    blocks: Annotated[int | None, "Basic blocks in a group. [default: 3]"] = None,
    channels: Annotated[int, "Feature maps of the first group; each further one has twice as many."] = 16,
    merge: Annotated[str | None, "How nodes merge. [default: sum, as in the paper]", "sum", "mean"] = None,
    plain: Annotated[bool, "No search space: the ResNet of --depth, every edge fixed."] = False,
    depth: Annotated[int | None, "Depth 6n+2 of a --plain ResNet. [default: 20]"] = None,
    **ends: Any,
) -> Sketch:
    """The ResNet Fabric, or with `plain` a ResNet of `depth`; `ends` are the shape of
    the input, classes and task.

    Raises:
        InputError: as of the two, or an argument that only the other one takes.
    """
    if not plain:
        if depth is not None:
            raise InputError(
                "--depth is that of a --plain ResNet: the ResNet Fabric takes --groups and --blocks"
            )
        given = {"groups": groups, "blocks": blocks, "merge": merge}
        own: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        return sketch_resnet(channels=channels, **own, **ends)
    for name, value in (("groups", groups), ("blocks", blocks), ("merge", merge)):
        if value is not None:
            raise InputError(f"--{name} has no meaning with --plain: give --depth")
    own = {} if depth is None else {"depth": depth}
    return sketch_plain_resnet(channels=channels, **own, **ends)


def sketch_resnet(
    *,
    input_shape: Shape,
    classes: int,
    task: str = "classification",
    groups: int = 3,
    blocks: int = 3,
    channels: int = 16,
    merge: str = "sum",
) -> Sketch:
    """The ResNet Fabric: `groups` of `blocks` basic blocks, the first of `channels`
    feature maps, each further one of twice as many.

    Raises:
        InputError: a number is outside its bounds.
    """
    _check(input_shape, groups, blocks, channels)
    graph = sketch("resnet", input_shape, merge=merge, parameters={"channels": channels})
    _stem(graph)
    for group in range(groups):
        width = multiple(2**group, "channels")
        for block in range(blocks):
            target, before = _node(group, block, blocks), _node(group, block - 1, blocks)
            stride = 2 if group and not block else 1
            _block(graph, before, target, width, stride)
            if stride == 1:
                graph.add_edge(before, target, "skip", op="identity")
            else:
                _projection(graph, before, target, width, stride, key="skip")
            for position in _positions(block, blocks) if group else ():
                stride = 4 if position < 0 and group > 1 else 2
                source = _node(group - 1, position, blocks)
                _block(graph, source, target, width, stride)
                _projection(graph, source, target, width, stride, key="projection")
    add_classifier(graph, _node(groups - 1, blocks - 1, blocks), classes, task)
    return graph


def sketch_plain_resnet(
    *,
    input_shape: Shape,
    classes: int,
    task: str = "classification",
    depth: int = 20,
    channels: int = 16,
) -> Sketch:
    """A ResNet of depth 6n+2 with every edge fixed: three groups of n basic blocks,
    parameter-free shortcuts (option A).

    Raises:
        InputError: a number is outside its bounds, or `depth` is not 6n+2.
    """
    blocks, rest = divmod(depth - 2, 6)
    if rest or not 1 <= blocks <= 200:
        raise InputError(f"depth={depth} is not 6n+2 with n from 1 to 200: take 20, 32, 44, 56, 110 …")
    _check(input_shape, 3, blocks, channels)
    graph = sketch(f"resnet{depth}", input_shape, parameters={"channels": channels})
    _stem(graph)
    for group in range(3):
        width = multiple(2**group, "channels")
        for block in range(blocks):
            target, before = _node(group, block, blocks), _node(group, block - 1, blocks)
            stride = 2 if group and not block else 1
            _block(graph, before, target, width, stride, fixed=True)
            shortcut: dict[str, Any] = (
                {"op": "identity"} if stride == 1 else {"op": "shortcut", "channels": width, "stride": stride}
            )
            graph.add_edge(before, target, "skip", fixed=True, **shortcut)
    add_classifier(graph, _node(2, blocks - 1, blocks), classes, task)
    return graph


resnet_fabric = drawn(sketch_resnet)
plain_resnet_fabric = drawn(sketch_plain_resnet)


def _check(input_shape: Shape, groups: int, blocks: int, channels: int) -> None:
    check_image(input_shape)
    check_number("groups", groups, 1, 8)
    check_number("blocks", blocks, 1, 200)
    check_number("channels", channels, 1, MOST // 2 ** (groups - 1))


def _node(group: int, position: int, blocks: int) -> str:
    """The node of a position; position −1 of a group is the last one of the group
    before it, or the stem.
    """
    if position >= 0:
        return f"g{group + 1}b{position + 1}"
    return _node(group - 1, blocks - 1, blocks) if group else STEM


def _positions(block: int, blocks: int) -> Iterator[int]:
    """Positions of the previous group that feed block n besides its own input, latest
    first.
    """
    if block > 0:
        yield blocks - 1 - block
    yield blocks - 2 - block
    if block < blocks - 1:
        yield blocks - 3 - block


def _stem(graph: Sketch) -> None:
    graph.add_edge(SOURCE, STEM, "conv", op="conv", channels="$channels", kernel=3, fixed=True)


def _block(
    graph: Sketch, source: str, target: str, channels: str, stride: int, *, fixed: bool = False
) -> None:
    graph.add_edge(
        source,
        target,
        "block",
        op="basic_block",
        channels=channels,
        stride=stride,
        residual=False,
        fixed=fixed,
    )


def _projection(graph: Sketch, source: str, target: str, channels: str, stride: int, *, key: str) -> None:
    graph.add_edge(source, target, key, op="projection", channels=channels, stride=stride)
