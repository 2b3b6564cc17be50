"""A cell-based space in the manner of NAS-Bench-201 (Dong & Yang 2020) and DARTS (Liu
et al. 2019): one cell, repeated.

A cell is a small DAG of V nodes. The first is its input, the last its output. Between
any two nodes i < j is a position, where exactly one operation is kept: identity, 1×1
conv, 3×3 conv or 3×3 mean pooling. The position from the first node to the third is
`choice="1-3"`. All cells make the same decision: `gate="1-3/conv3"` ties one candidate
of that position over all cells. Cells are stacked in stages. Between stages a fixed
basic block of stride 2 doubles the channels. A node merges its inputs, then applies
ReLU. Node `c2n3` is the third node of the second cell. The first node of a cell is the
last one of the cell before it, or the reduction `r1`.

With `none` a position may also stay empty. Its operation then leads to a node of the
position's own (`c2p1-3`), and from there an identity leads on, whose gate (`1-3/on`) is
free. Without that identity the operation is not live and costs nothing.

Searchable edges: V·(V−1)/2 positions × 4 candidates (5 edges with `none`) in each cell.
Decisions: one choice a position, and with `none` one gate more.
"""

from __future__ import annotations

from itertools import combinations
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
from bsngraph.ops import Shape, Value


def sketch_cells(
    *,
    input_shape: Shape,
    classes: int,
    task: str = "classification",
    stages: Annotated[int, "Stages, each at half the resolution of the one before."] = 3,
    cells: Annotated[int, "Cells in a stage."] = 1,
    nodes: Annotated[int, "Nodes of a cell, its input among them."] = 4,
    channels: Annotated[int, "Feature maps of the first stage; each further one has twice as many."] = 16,
    none: Annotated[bool, "Let a position of the cell stay empty, too."] = False,
    merge: NodeMerge = "sum",
) -> Sketch:
    """`stages` of `cells` of `nodes`; the first stage has `channels` feature maps, each
    further one twice as many.

    Raises:
        InputError: a number is outside its bounds.
    """
    check_image(input_shape)
    check_number("stages", stages, 1, 8)
    check_number("cells", cells, 1, 50)
    check_number("nodes", nodes, 2, 12)
    check_number("channels", channels, 1, MOST // 2 ** (stages - 1))
    graph = sketch("cells", input_shape, merge=merge, parameters={"channels": channels})
    graph.add_edge(SOURCE, "stem", "conv", op="conv", channels="$channels", kernel=3, fixed=True)
    before = "stem"
    for stage in range(stages):
        width = multiple(2**stage, "channels")
        if stage:
            graph.add_edge(
                before, f"r{stage}", "block", op="basic_block", channels=width, stride=2, fixed=True
            )
            before = f"r{stage}"
        for cell in range(stage * cells, (stage + 1) * cells):
            before = _cell(graph, before, cell + 1, nodes, width, none)
    add_classifier(graph, before, classes, task)
    return graph


cell_fabric = drawn(sketch_cells)


def _cell(graph: Sketch, before: str, cell: int, nodes: int, channels: str, none: bool) -> str:
    """Draw one cell after node `before`; its last node."""
    names = [before, *(f"c{cell}n{node}" for node in range(2, nodes + 1))]
    for source, target in combinations(range(nodes), 2):
        position = f"{source + 1}-{target + 1}"
        end = names[target]
        if none:
            end = f"c{cell}p{position}"
            graph.add_node(end, activation="none")
            graph.add_edge(end, names[target], "on", op="identity", gate=f"{position}/on")
        for candidate, operation in _candidates(channels).items():
            graph.add_edge(
                names[source], end, candidate, gate=f"{position}/{candidate}", choice=position, **operation
            )
    return names[-1]


def _candidates(channels: str) -> dict[str, dict[str, Value]]:
    """What stands at every position: its name → the operation."""
    return {
        "skip": {"op": "identity"},
        "conv1": {"op": "conv", "channels": channels, "kernel": 1},
        "conv3": {"op": "conv", "channels": channels, "kernel": 3},
        "pool": {"op": "avg_pool", "window": 3, "stride": 1},
    }
