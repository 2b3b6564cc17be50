"""The nouns of a super-network as a graph: Fabric, Node, Edge.

A Fabric is immutable, hashable, and valid by construction: its nodes stand in
topological order, and every edge leads from a node to a later one. Fabrics that are
read or pruned stand in canonical order besides, so that an edge's index is a function
of what the fabric says and not of how its file was typed. Every later stage speaks of
nodes and edges by these indices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from bsngraph.displayed import Displayed
from bsngraph.errors import FabricError
from bsngraph.fabric.decisions import Decisions, find_decisions
from bsngraph.fabric.frozen import frozen
from bsngraph.fabric.live import Booleans, LiveSweep, prepare_sweep
from bsngraph.fabric.validity import fabric_problems
from bsngraph.ops import Shape, Value
from bsngraph.wording import printable, shortened


@dataclass(frozen=True)
class Node:
    """A feature map: merges its live incoming edges, then applies an activation without
    parameters.

    `input` is the shape of one example, on sources only. `concat_channels` is set on
    pruned concat nodes: the width of the node with all its slots. `style` are
    Graphviz's attributes, kept as they are. `tensor` is information for drawings (the
    shape of one example as computed when the file was written), never read back as the
    value.
    """

    name: str
    merge: str = "sum"
    activation: str = "none"
    input: Shape | None = None
    concat_channels: int | None = None
    style: Mapping[str, str] = field(default_factory=dict)
    tensor: Shape | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        _freeze(self, "style")


@dataclass(frozen=True)
class Edge:
    """An operation from one node to another.

    `probability` is where Γ starts (None: the search decides). Edges of one `gate` are
    kept or dropped together; of the edges (or gates) of one `choice` exactly one is
    kept. `costs` are the file's own `cost_<name>` annotations. `concat_offset` is set
    on edges into pruned concat nodes: the first channel of the edge's slot. `computed`
    is information for drawings (costs as counted when the file was written), never read
    back as the value.
    """

    source: str
    target: str
    key: str
    op: str
    arguments: Mapping[str, Value] = field(default_factory=dict)
    fixed: bool = False
    probability: float | None = None
    gate: str | None = None
    choice: str | None = None
    costs: Mapping[str, float] = field(default_factory=dict)
    concat_offset: int | None = None
    style: Mapping[str, str] = field(default_factory=dict)
    computed: Mapping[str, float] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        _freeze(self, "arguments", "costs", "style", "computed")

    @property
    def name(self) -> str:
        return f"{self.source}->{self.target}#{self.key}"


@dataclass(frozen=True)
class Fabric(Displayed):
    """A super-network as a graph: nodes in topological order, edges with a stable
    index, named sources and targets.
    """

    name: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    style: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _freeze(self, "style")
        for name in ("nodes", "edges", "sources", "targets"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        problems = fabric_problems(self)
        if problems:
            raise FabricError(f"fabric {self.name}".strip(), problems)

    def __repr__(self) -> str:
        ends = f"{_listed(self.sources)} -> {_listed(self.targets)}"
        counts = f"{len(self.nodes)} nodes, {len(self.edges)} edges, {len(self.searchable)} searchable"
        return f"Fabric({shortened(printable(self.name))!r}: {counts}; {ends})"

    def __deepcopy__(self, memo: object) -> Fabric:
        return self  # nothing of it can change

    @cached_property
    def sweep(self) -> LiveSweep:
        """What finding live edges needs to know of the paths."""
        return prepare_sweep(self)

    @cached_property
    def decisions(self) -> Decisions:
        """What there is to decide: edges, gates, choices."""
        return find_decisions(self)

    @cached_property
    def fixed(self) -> Booleans:
        """Which edges are always kept: (edges,) Boolean."""
        fixed = np.array([edge.fixed for edge in self.edges], dtype=np.bool_)
        fixed.setflags(write=False)
        return fixed

    @cached_property
    def node_index(self) -> Mapping[str, int]:
        """Node name → index."""
        return {node.name: index for index, node in enumerate(self.nodes)}

    @cached_property
    def edge_index(self) -> Mapping[str, int]:
        """Edge name (`source->target#key`) → index."""
        return {edge.name: index for index, edge in enumerate(self.edges)}

    @cached_property
    def endpoints(self) -> tuple[tuple[int, int], ...]:
        """(source index, target index) of every edge."""
        return tuple((self.node_index[edge.source], self.node_index[edge.target]) for edge in self.edges)

    @cached_property
    def incoming(self) -> tuple[tuple[int, ...], ...]:
        """Edge indices into each node, in order."""
        into: list[list[int]] = [[] for _ in self.nodes]
        for edge, (_, target) in enumerate(self.endpoints):
            into[target].append(edge)
        return tuple(map(tuple, into))

    @cached_property
    def source_indices(self) -> tuple[int, ...]:
        return tuple(self.node_index[name] for name in self.sources)

    @cached_property
    def target_indices(self) -> tuple[int, ...]:
        return tuple(self.node_index[name] for name in self.targets)

    @cached_property
    def searchable(self) -> tuple[int, ...]:
        """Indices of the edges that may be dropped."""
        return tuple(index for index, edge in enumerate(self.edges) if not edge.fixed)

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """Each node's level: the number of edges on the longest path that ends in
        it.
        """
        levels = [0] * len(self.nodes)
        for source, target in sorted(self.endpoints, key=lambda ends: ends[1]):
            levels[target] = max(levels[target], levels[source] + 1)
        return tuple(levels)


def _listed(names: tuple[str, ...]) -> str:
    """Names for a line of text."""
    return shortened(printable(", ".join(names)))


def _freeze(item: Node | Edge | Fabric, *names: str) -> None:
    """Make the mappings of a noun read-only."""
    for name in names:
        object.__setattr__(item, name, frozen(getattr(item, name)))
