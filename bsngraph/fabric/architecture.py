"""Architectures: one choice of edges that connects every target, and the pruned fabric
that it is.

In: a fabric and the edges kept. Out: an `Architecture` (the live ones among them) or a
Fabric of its own in which they are all fixed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from bsngraph.displayed import Displayed
from bsngraph.errors import BsngraphError
from bsngraph.fabric.live import Booleans, connected, live_edges
from bsngraph.fabric.model import Edge, Fabric
from bsngraph.fabric.words.natural_order import natural_key
from bsngraph.ops import Shape
from bsngraph.ops.merges import MERGES
from bsngraph.wording import ranges, shortened

_LONGEST = 60


@dataclass(frozen=True)
class Architecture(Displayed):
    """The live edges of one choice. Two choices with the same live edges are the same
    architecture. `fabric` is what they are edges of, where it is to be drawn.
    """

    edge_count: int
    live: tuple[int, ...]
    fabric: Fabric | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        edges = shortened(ranges(self.live), _LONGEST)
        return f"Architecture({len(self.live)} of {self.edge_count} edges: {edges})"

    @staticmethod
    def of_mask(live: Booleans) -> Architecture:
        """The architecture whose live edges are those of a mask: (edges,) Boolean."""
        return Architecture(len(live), tuple(np.flatnonzero(live).tolist()))

    def over(self, fabric: Fabric) -> Architecture:
        """The same architecture, drawn over a fabric in a notebook."""
        return replace(self, fabric=fabric)

    @property
    def mask(self) -> Booleans:
        """(edges,) Boolean."""
        mask = np.zeros(self.edge_count, dtype=np.bool_)
        mask[list(self.live)] = True
        return mask


def architecture_of(fabric: Fabric, kept: Booleans) -> Architecture:
    """The architecture of a choice of edges, `kept` (edges,) Boolean; fixed edges are
    kept in any case.

    Raises:
        BsngraphError: a target is not connected.
    """
    live = live_edges(fabric.sweep, (kept | fabric.fixed)[None, :])
    for target, reached in zip(fabric.targets, connected(fabric, live)[0], strict=True):
        if not reached:
            raise BsngraphError(
                f"no path of kept edges leads from a source to the target {target!r}: keep more edges"
            )
    return Architecture.of_mask(live[0]).over(fabric)


def prune_fabric(fabric: Fabric, architecture: Architecture, edge_shapes: Sequence[Shape]) -> Fabric:
    """The fabric of the architecture's live edges alone, all of them fixed.

    `edge_shapes` are the outgoing shapes of the fabric's edges: a concat node keeps a
    slot for every edge it had, so the pruned one records where each lies. Keys,
    annotations and styles are kept.
    """
    slots = _concat_slots(fabric, edge_shapes)
    edges = []
    for index in architecture.live:
        edge = fabric.edges[index]
        offset = slots.get(index, edge.concat_offset)
        edges.append(
            replace(edge, fixed=True, probability=None, gate=None, choice=None, concat_offset=offset)
        )
    used = {name for edge in edges for name in (edge.source, edge.target)} | set(fabric.targets)
    nodes = []
    for position, node in enumerate(fabric.nodes):
        if node.name in used:
            width = (
                sum(edge_shapes[edge][0] for edge in fabric.incoming[position])
                if MERGES[node.merge].slots
                else None
            )
            nodes.append(replace(node, concat_channels=node.concat_channels or width))
    sources = tuple(name for name in fabric.sources if name in used)
    return _reordered(replace(fabric, nodes=tuple(nodes), edges=tuple(edges), sources=sources))


def _concat_slots(fabric: Fabric, edge_shapes: Sequence[Shape]) -> Mapping[int, int]:
    """Edge index → first channel of its slot, for edges into concat nodes that are not
    pruned yet.
    """
    offsets: dict[int, int] = {}
    for position, node in enumerate(fabric.nodes):
        if MERGES[node.merge].slots and node.concat_channels is None:
            start = 0
            for edge in fabric.incoming[position]:
                offsets[edge] = start
                start += edge_shapes[edge][0]
    return offsets


def _reordered(fabric: Fabric) -> Fabric:
    """The same fabric in canonical order: without some edges, nodes may stand on other
    levels.
    """
    order = sorted(
        range(len(fabric.nodes)), key=lambda n: (fabric.levels[n], natural_key(fabric.nodes[n].name))
    )
    nodes = tuple(fabric.nodes[n] for n in order)
    index = {node.name: position for position, node in enumerate(nodes)}

    def edge_order(edge: Edge) -> tuple[object, ...]:
        return index[edge.source], index[edge.target], natural_key(edge.key)

    return replace(fabric, nodes=nodes, edges=tuple(sorted(fabric.edges, key=edge_order)))
