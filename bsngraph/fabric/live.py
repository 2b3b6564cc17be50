"""Live edges: which kept edges lie on a path of kept edges from a source to a target, for a whole batch of samples.

In: a Boolean sample (batch, edges). Out: its live edges, the same shape. The batch is packed 64 samples to a word and each
level of the DAG is one gather and one segmented OR, forwards for what a source reaches and backwards for what reaches a
target: linear in batch × edges, with no Python per edge.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bsngraph.fabric.model import Fabric

Booleans = NDArray[np.bool_]
_Words = NDArray[np.uint64]
_Indices = NDArray[np.intp]


@dataclass(frozen=True)
class _Level:
    """The edges of one level grouped by the node they reach: `starts[i]` is the first of those that reach `nodes[i]`."""

    edges: _Indices
    origins: _Indices
    nodes: _Indices
    starts: _Indices


@dataclass(frozen=True)
class LiveSweep:
    """Everything about a fabric's paths that can be decided before there is a sample."""

    node_count: int
    edge_count: int
    tails: _Indices
    heads: _Indices
    sources: _Indices
    targets: _Indices
    forward: tuple[_Level, ...]
    backward: tuple[_Level, ...]


def live_sweep(fabric: Fabric) -> LiveSweep:
    """Prepare the sweep of a fabric."""
    ends = np.array(fabric.endpoints, dtype=np.intp).reshape(-1, 2)
    levels = np.array(fabric.levels, dtype=np.intp)
    tails, heads = ends[:, 0], ends[:, 1]
    return LiveSweep(
        node_count=len(fabric.nodes),
        edge_count=len(fabric.edges),
        tails=tails,
        heads=heads,
        sources=np.array(fabric.source_indices, dtype=np.intp),
        targets=np.array(fabric.target_indices, dtype=np.intp),
        forward=tuple(_levels(heads, tails, levels, range(1, int(levels.max(initial=0)) + 1))),
        backward=tuple(_levels(tails, heads, levels, range(int(levels.max(initial=0)) - 1, -1, -1))),
    )


def _levels(reached: _Indices, origins: _Indices, levels: _Indices, order: Iterable[int]) -> Iterable[_Level]:
    for level in order:
        edges = np.flatnonzero(levels[reached] == level)
        if len(edges):
            edges = edges[np.argsort(reached[edges], kind="stable")]
            nodes, starts = np.unique(reached[edges], return_index=True)
            yield _Level(edges, origins[edges], nodes, starts)


def live_edges(sweep: LiveSweep, kept: Booleans) -> Booleans:
    """The live edges of each sample: `kept` (batch, edges) Boolean → (batch, edges) Boolean.

    Raises:
        ValueError: `kept` has another shape or type.
    """
    if kept.ndim != 2 or kept.shape[1] != sweep.edge_count or kept.dtype != np.bool_:
        raise ValueError(f"a sample is a Boolean (batch, {sweep.edge_count}), not {kept.dtype} {kept.shape}")
    words = _pack(kept)
    ones = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
    reached = np.zeros((sweep.node_count, words.shape[1]), dtype=np.uint64)
    reached[sweep.sources] = ones
    for level in sweep.forward:
        reached[level.nodes] |= np.bitwise_or.reduceat(words[level.edges] & reached[level.origins], level.starts, axis=0)
    leads = np.zeros_like(reached)
    leads[sweep.targets] = ones
    for level in sweep.backward:
        leads[level.nodes] |= np.bitwise_or.reduceat(words[level.edges] & leads[level.origins], level.starts, axis=0)
    return _unpack(words & reached[sweep.tails] & leads[sweep.heads], kept.shape[0])


def connected(fabric: Fabric, live: Booleans) -> Booleans:
    """Whether each sample's live edges (batch, edges) reach each target: (batch, targets)."""
    incoming = [list(fabric.incoming[target]) for target in fabric.target_indices]
    return np.stack([live[:, edges].any(axis=1) for edges in incoming], axis=1)


def _pack(kept: Booleans) -> _Words:
    """(batch, edges) Boolean → (edges, words) with 64 samples a word."""
    batch, edges = kept.shape
    padded = np.zeros((edges, -(-batch // 64) * 64), dtype=np.bool_)
    padded[:, :batch] = kept.T
    return np.packbits(padded, axis=1, bitorder="little").view(np.uint64)


def _unpack(words: _Words, batch: int) -> Booleans:
    bits = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")[:, :batch]
    return np.ascontiguousarray(bits.T).view(np.bool_)
