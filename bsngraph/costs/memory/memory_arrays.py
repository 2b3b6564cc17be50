"""A fabric's profile as the arrays that `running_memory` goes through.

In: a profile. Out: which edges and nodes follow each other, and the bytes of everything
that is made on the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from bsngraph.costs.memory.merge_memory import merge_memory
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

    There is one more edge at the end. It is never live and fills up the rows of
    `incoming` (nodes, most edges).
    """

    names: Integers  # (nodes,): each node's rank by name
    incoming: Integers
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
    merging: Integers  # (nodes, most edges + 1): bytes alive while so many inputs are merged
    merged: Integers  # (nodes, most edges + 1): bytes of the value made of them


def memory_arrays(profile: FabricProfile) -> MemoryArrays:
    """A profile as arrays."""
    fabric = profile.fabric
    nodes = fabric.nodes
    tails, heads = np.array(fabric.endpoints, dtype=np.int64).T
    by_name = sorted(range(len(nodes)), key=lambda node: natural_key(nodes[node].name))
    out_edges = np.argsort(tails, kind="stable")
    out_nodes, out_starts = np.unique(tails[out_edges], return_index=True)
    merging, merged = _merge_bytes(profile)
    return MemoryArrays(
        names=np.argsort(by_name),
        incoming=_padded(fabric),
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
        merged=merged,
    )


def _merge_bytes(profile: FabricProfile) -> tuple[Integers, Integers]:
    """What each node's merge allocates for each number of inputs, and what it makes.

    Both are (nodes, most edges + 1). A concatenation is one new tensor; the zeros of
    its empty slots depend on the sample.
    """
    incoming = profile.fabric.incoming
    merging = np.zeros((len(incoming), max(map(len, incoming)) + 1), dtype=np.int64)
    merged = np.zeros_like(merging)
    for index, (node, shape) in enumerate(zip(profile.fabric.nodes, profile.node_shapes, strict=True)):
        merge = MERGES[node.merge]
        for count in range(1, len(incoming[index]) + 1):
            whole = (_bytes_of(shape), _bytes_of(shape))
            merging[index, count], merged[index, count] = (
                whole if merge.slots else merge_memory(merge, shape, count)
            )
    return merging, merged


def _padded(fabric: Fabric) -> Integers:
    incoming = np.full((len(fabric.nodes), max(map(len, fabric.incoming))), len(fabric.edges), dtype=np.int64)
    for row, edges in zip(incoming, fabric.incoming, strict=True):
        row[: len(edges)] = edges
    return incoming


def _those(fabric: Fabric, nodes: tuple[int, ...]) -> Booleans:
    those = np.zeros(len(fabric.nodes), dtype=np.bool_)
    those[list(nodes)] = True
    return those


def _bytes_of(shape: Shape) -> int:
    return _FLOAT32 * prod(shape)
