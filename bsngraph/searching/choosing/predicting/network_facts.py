"""Plain facts of sub-networks, which a predictor compares them by.

In: a fabric's profile and live edges (networks, edges). Out: a column a fact. Nothing
is trained or run for them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bsngraph.fabric import Booleans
from bsngraph.ops import Shape
from bsngraph.profile import FabricProfile
from bsngraph.searching.choosing.predicting.one_thread import in_one_thread

Floats = NDArray[np.float64]

# Bands of depth that stand for resolutions where all feature maps have one size.
_BANDS = 4
# How many values of nodes are held at once, in rows of networks.
_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class FactSheet:
    """What a fabric's sub-networks can be asked, in a fixed order of columns."""

    profile: FabricProfile

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The facts, as trainings.csv heads its columns."""
        return (
            "edges",
            "log_params",
            "log_macs",
            "longest_path",
            "shortest_path",
            "log_paths",
            *(f"macs_share@{band}" for band in self.bands),
            *(f"nodes@{band}" for band in self.bands),
            *(f"edges_{kind}" for kind in self.kinds),
        )

    @in_one_thread
    def facts(self, live: Booleans) -> Floats:
        """The facts of live edges (networks, edges): (networks, facts) float64.

        Logarithms are natural ones of 1 + x; paths are counted in edges.
        """
        rows = max(1, _AT_ONCE // max(len(self.profile.fabric.nodes), 1))
        parts = [self._facts(live[start : start + rows]) for start in range(0, len(live), rows)]
        return np.concatenate(parts) if parts else np.empty((0, len(self.names)))

    def _facts(self, live: Booleans) -> Floats:
        profile, fabric = self.profile, self.profile.fabric
        searchable = live[:, list(fabric.searchable)]
        macs = live @ profile.macs
        at_bands = live @ (_columns(self.bands, live.shape[1]) * profile.macs[:, None])
        columns = [
            searchable.sum(axis=1),
            np.log1p(live @ profile.params),
            np.log1p(macs),
            *path_facts(profile, live),
            *(at_bands / np.maximum(macs, 1.0)[:, None]).T,
            *_live_nodes(profile, live, self._node_bands).T,
            *(live @ _columns(self.kinds, live.shape[1])).T,
        ]
        return np.stack([np.asarray(column, dtype=np.float64) for column in columns], axis=1)

    @cached_property
    def _node_bands(self) -> dict[str, Booleans]:
        """Nodes (nodes,) by their resolution; by their depth where all have one."""
        profile, fabric = self.profile, self.profile.fabric
        sizes = [_size(shape) for shape in profile.node_shapes]
        if len({size for size in sizes if size}) > 1:
            names = ["x".join(map(str, size)) for size in sizes]
        else:
            deepest = max(fabric.levels) or 1
            names = [f"depth{min(_BANDS * level // deepest, _BANDS - 1)}" for level in fabric.levels]
        found = dict.fromkeys(name for name in names if name)
        return {name: np.array([each == name for each in names]) for name in found}

    @cached_property
    def bands(self) -> dict[str, Booleans]:
        """Edges (edges,) by the band of the node that they lead to."""
        heads = [head for _, head in self.profile.fabric.endpoints]
        return {name: nodes[heads] for name, nodes in self._node_bands.items()}

    @cached_property
    def kinds(self) -> dict[str, Booleans]:
        """Searchable edges (edges,) by what they do."""
        return edge_kinds(self.profile)


def edge_kinds(profile: FabricProfile) -> dict[str, Booleans]:
    """Searchable edges (edges,) by operation, and by whether they make a feature map
    smaller or larger: `conv`, `conv_down`, `conv_up`.
    """
    fabric = profile.fabric
    names = []
    for edge, (tail, _), shape in zip(fabric.edges, fabric.endpoints, profile.edge_shapes, strict=True):
        before, after = (math.prod(_size(each)) for each in (profile.node_shapes[tail], shape))
        suffix = "_down" if after < before else "_up" if after > before else ""
        names.append("" if edge.fixed else f"{edge.op}{suffix}")
    found = sorted({name for name in names if name})
    return {name: np.array([each == name for each in names], dtype=np.bool_) for name in found}


def path_facts(profile: FabricProfile, live: Booleans) -> tuple[Floats, Floats, Floats]:
    """The longest and the shortest path from a source to a target, in edges, and
    log(1 + number of paths), for live edges (networks, edges): each (networks,).
    """
    fabric = profile.fabric
    shape = len(live), len(fabric.nodes)
    longest, shortest, log_paths = np.full(shape, -np.inf), np.full(shape, np.inf), np.full(shape, -np.inf)
    for source in fabric.source_indices:
        longest[:, source] = shortest[:, source] = log_paths[:, source] = 0.0
    for node, edge in _walk(profile):
        tail, kept = fabric.endpoints[edge][0], live[:, edge]
        np.maximum(longest[:, node], longest[:, tail] + 1, out=longest[:, node], where=kept)
        np.minimum(shortest[:, node], shortest[:, tail] + 1, out=shortest[:, node], where=kept)
        np.logaddexp(log_paths[:, node], log_paths[:, tail], out=log_paths[:, node], where=kept)
    ends = list(fabric.target_indices)
    return (
        longest[:, ends].max(axis=1),
        shortest[:, ends].min(axis=1),
        np.logaddexp(0.0, np.logaddexp.reduce(log_paths[:, ends], axis=1)),
    )


def _walk(profile: FabricProfile) -> Iterator[tuple[int, int]]:
    """Every node with each edge that leads to it, in topological order."""
    for node, incoming in enumerate(profile.fabric.incoming):
        for edge in incoming:
            yield node, edge


def _live_nodes(profile: FabricProfile, live: Booleans, bands: dict[str, Booleans]) -> Floats:
    """How many nodes of each band some live edge leads to: (networks, bands)."""
    reached = np.zeros((len(live), len(profile.fabric.nodes)), dtype=np.bool_)
    for node, edge in _walk(profile):
        reached[:, node] |= live[:, edge]
    return reached @ _columns(bands, reached.shape[1])


def _columns(members: dict[str, Booleans], rows: int) -> Floats:
    """Groups of edges or nodes as 0 and 1: (rows, groups) float64."""
    columns = np.zeros((rows, len(members)))
    for column, group in enumerate(members.values()):
        columns[:, column] = group
    return columns


def _size(shape: Shape) -> Shape:
    """A feature map's positions: height and width, the length of a sequence; () for
    vectors.
    """
    return shape[1:] if len(shape) == 3 else shape[:-1]
