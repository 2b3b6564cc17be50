"""A fabric's profile as the arrays that `running_memory` goes through.

In: a profile. Out: which edges and nodes follow each other, and the bytes of everything
that is made on the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from bsngraph.costs.memory.merge_memory import MOST_COUNTED, merge_memory
from bsngraph.fabric import Booleans, Fabric
from bsngraph.fabric.words.natural_order import natural_key
from bsngraph.ops import Shape
from bsngraph.ops.activations import NO_ACTIVATION
from bsngraph.ops.merges import MERGES
from bsngraph.profile import FabricProfile

Integers = NDArray[np.int64]
_FLOAT32 = 4


@dataclass(frozen=True)
class MemoryArrays:
    """A fabric as arrays.

    `in_edges[in_starts[n]:in_starts[n + 1]]` lead into node n. There is one more edge
    at the end, also of `in_edges`. It is never live, and fills up rows of edges.
    """

    names: Integers  # (nodes,): each node's rank by name
    in_edges: Integers  # (edges + 1,)
    in_starts: Integers  # (nodes + 1,)
    out_edges: Integers
    out_nodes: Integers
    out_starts: Integers
    tails: Integers
    heads: Integers  # (edges,)
    workspace: Integers
    results: Integers
    part_sizes: Integers  # (edges + 1,): bytes of the results as the next operation sees them
    sizes: Integers  # (nodes,)
    is_source: Booleans
    is_target: Booleans
    has_slots: Booleans
    is_active: Booleans
    # (nodes, MOST_COUNTED + 1): bytes alive while so many inputs are merged
    merging: Integers
    merging_more: Integers  # (nodes,): bytes that each further input adds to these
    merged: Integers  # (nodes, MOST_COUNTED + 1): bytes of the value made of them


def memory_arrays(profile: FabricProfile) -> MemoryArrays:
    """A profile as arrays."""
    fabric = profile.fabric
    nodes = fabric.nodes
    tails, heads = np.array(fabric.endpoints, dtype=np.int64).T
    by_name = sorted(range(len(nodes)), key=lambda node: natural_key(nodes[node].name))
    out_edges = np.argsort(tails, kind="stable")
    out_nodes, out_starts = np.unique(tails[out_edges], return_index=True)
    in_edges = np.argsort(heads, kind="stable")
    merging, merged = _merge_bytes(profile)
    return MemoryArrays(
        names=np.argsort(by_name),
        in_edges=np.append(in_edges, len(in_edges)),
        in_starts=np.searchsorted(heads[in_edges], np.arange(len(nodes) + 1)),
        out_edges=out_edges,
        out_nodes=out_nodes,
        out_starts=out_starts,
        tails=np.append(tails, 0),
        heads=heads,
        workspace=np.append(profile.workspace, 0).astype(np.int64),
        results=np.append(profile.results, 0).astype(np.int64),
        part_sizes=np.array([*map(_bytes_of, profile.edge_shapes), 0]),
        sizes=np.array([*map(_bytes_of, profile.node_shapes)]),
        is_source=_those(fabric, fabric.source_indices),
        is_target=_those(fabric, fabric.target_indices),
        has_slots=np.array([MERGES[node.merge].slots for node in nodes]),
        is_active=np.array([node.activation != NO_ACTIVATION for node in nodes]),
        merging=merging,
        merging_more=merging[:, -1] - merging[:, -2],
        merged=merged,
    )


def _merge_bytes(profile: FabricProfile) -> tuple[Integers, Integers]:
    """What each node's merge allocates for each number of inputs, and what it makes.

    Both are (nodes, MOST_COUNTED + 1). A concatenation is one new tensor; the zeros of
    its empty slots depend on the sample.
    """
    fabric = profile.fabric
    merging = np.zeros((len(fabric.nodes), MOST_COUNTED + 1), dtype=np.int64)
    merged = np.zeros_like(merging)
    for index, (node, shape) in enumerate(zip(fabric.nodes, profile.node_shapes, strict=True)):
        merge = MERGES[node.merge]
        for count in range(1, min(len(fabric.incoming[index]), MOST_COUNTED) + 1):
            whole = (_bytes_of(shape), _bytes_of(shape))
            merging[index, count], merged[index, count] = (
                whole if merge.slots else merge_memory(merge, shape, count)
            )
    return merging, merged


def _those(fabric: Fabric, nodes: tuple[int, ...]) -> Booleans:
    those = np.zeros(len(fabric.nodes), dtype=np.bool_)
    those[list(nodes)] = True
    return those


def _bytes_of(shape: Shape) -> int:
    return _FLOAT32 * prod(shape)
