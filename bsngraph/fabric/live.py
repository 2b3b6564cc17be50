"""Live edges: which kept edges lie on a path of kept edges from a source to a target,
for a whole batch of samples.

In: a Boolean sample (batch, edges). Out: its live edges, the same shape. The batch is
packed 64 samples to a word and each level of the DAG is one gather and one segmented
OR, forwards for what a source reaches and backwards for what reaches a target: linear
in batch × edges, with no Python per edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from bsngraph.fabric.model import Fabric

Booleans = NDArray[np.bool_]
_Words = NDArray[np.uint64]
_Indices = NDArray[np.intp]

_BITS = np.left_shift(1, np.arange(8)).astype(np.uint8)


@dataclass(frozen=True)
class _Level:
    """One level of one direction: the nodes `nodes` are reached by the sweep's edges
    `edges`, from `origins` (edges,).

    `starts[i]` is the first of the level's edges that reach its i-th node. Nodes and
    edges are slices, since the sweep numbers nodes by level and each direction has an
    order of edges of its own.
    """

    nodes: slice
    edges: slice
    origins: _Indices
    starts: _Indices


@dataclass(frozen=True)
class _Direction:
    """Forwards or backwards: nodes all samples begin from, the order of edges, and the
    levels one after the other.
    """

    begin: _Indices
    order: _Indices
    levels: tuple[_Level, ...]


@dataclass(frozen=True)
class LiveSweep:
    """Everything about a fabric's paths that can be decided before there is a sample.
    Nodes are numbered by level here.
    """

    node_count: int
    edge_count: int
    tails: _Indices
    heads: _Indices
    forward: _Direction
    backward: _Direction


def prepare_sweep(fabric: Fabric) -> LiveSweep:
    """Prepare the sweep of a fabric."""
    ends = np.array(fabric.endpoints, dtype=np.intp).reshape(-1, 2)
    levels = np.array(fabric.levels, dtype=np.intp)
    leaves = ~np.isin(np.arange(len(levels)), ends[:, 0])
    # within a level those without outgoing edges last: the others are a slice
    by_level = np.lexsort((leaves, levels))
    number = np.empty_like(by_level)
    number[by_level] = np.arange(len(by_level))
    tails, heads = number[ends[:, 0]], number[ends[:, 1]]
    sources, targets = number[list(fabric.source_indices)], number[list(fabric.target_indices)]
    return LiveSweep(
        node_count=len(levels),
        edge_count=len(ends),
        tails=tails,
        heads=heads,
        forward=_direction(sources, heads, tails, levels[by_level]),
        backward=_direction(targets, tails, heads, -levels[by_level]),
    )


def _direction(begin: _Indices, reached: _Indices, origins: _Indices, ranks: _Indices) -> _Direction:
    """The levels in which edges reach nodes, by rising rank (nodes,) of the nodes
    reached.
    """
    order = np.lexsort((reached, ranks[reached]))
    nodes, starts = np.unique(reached[order], return_index=True)
    in_turn = np.argsort(starts)
    nodes, starts = nodes[in_turn], starts[in_turn]
    # each level's first place in `nodes`
    firsts = np.flatnonzero(np.diff(ranks[nodes], prepend=np.nan)).tolist()
    levels = []
    for first, end in pairwise([*firsts, len(nodes)]):
        here = slice(int(starts[first]), int(starts[end]) if end < len(nodes) else len(order))
        span = slice(int(nodes[first]), int(nodes[end - 1]) + 1)
        assert span.stop - span.start == end - first
        levels.append(_Level(span, here, origins[order[here]], starts[first:end] - here.start))
    return _Direction(begin, order, tuple(levels))


def live_edges(sweep: LiveSweep, kept: Booleans) -> Booleans:
    """The live edges of each sample: `kept` (batch, edges) Boolean → (batch, edges)
    Boolean.

    Raises:
        ValueError: `kept` has another shape or type.
    """
    if kept.ndim != 2 or kept.shape[1] != sweep.edge_count or kept.dtype != np.bool_:
        raise ValueError(f"a sample is a Boolean (batch, {sweep.edge_count}), not {kept.dtype} {kept.shape}")
    words = _pack(kept)
    reached = _spread(sweep.forward, words, sweep.node_count)
    leads = _spread(sweep.backward, words, sweep.node_count)
    return _unpack(words & reached[sweep.tails] & leads[sweep.heads], kept.shape[0])


def _spread(direction: _Direction, words: _Words, node_count: int) -> _Words:
    """For each node and sample, whether kept edges lead to it from where the direction
    begins: (nodes, words).
    """
    known = np.zeros((node_count, words.shape[1]), dtype=np.uint64)
    known[direction.begin] = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
    words = words[direction.order]
    for level in direction.levels:
        ways = known.take(level.origins, axis=0)
        ways &= words[level.edges]
        here = known[level.nodes]
        here |= np.bitwise_or.reduceat(ways, level.starts, axis=0)
    return known


def connected(fabric: Fabric, live: Booleans) -> Booleans:
    """Whether each sample's live edges (batch, edges) reach each target: (batch,
    targets).
    """
    incoming = [list(fabric.incoming[target]) for target in fabric.target_indices]
    return np.stack([live[:, edges].any(axis=1) for edges in incoming], axis=1)


def _pack(kept: Booleans) -> _Words:
    """(batch, edges) Boolean → (edges, words) with 64 samples a word."""
    batch, edges = kept.shape
    padded = np.zeros((edges, -(-batch // 64) * 64), dtype=np.bool_)
    padded[:, :batch] = kept.T
    return np.packbits(padded, axis=1, bitorder="little").view(np.uint64)


def _unpack(words: _Words, batch: int) -> Booleans:
    eights = np.ascontiguousarray(words.view(np.uint8).T)  # (batch / 8, edges)
    bits = eights[:, None] & _BITS[:, None]
    samples: Booleans = np.not_equal(bits, 0, out=bits.view(np.bool_)).reshape(-1, len(words))
    return samples[:batch]
