"""`memory`: the peak of the activations of one example, by following what is alive
while a sample's own network runs.

In: a fabric's profile. Out: a cost, whose value for live edges (batch, edges) is
(batch,) bytes. The order in which a pruned network runs is its own, since nodes may
stand on other levels without the edges that are gone, so it is worked out for each
sample. There is a Python loop over nodes, never over samples or edges.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
from numpy.typing import NDArray

from bsngraph.costs.cost import Costs
from bsngraph.fabric import Booleans, Fabric
from bsngraph.fabric.binding.structure import natural_key
from bsngraph.ops import Shape
from bsngraph.profile import FabricProfile

_Integers = NDArray[np.int64]
_FLOAT32 = 4
_AT_ONCE = 1024


@dataclass(frozen=True, eq=False)
class PeakMemory:
    """`memory`: the most bytes of activations alive at once while the network of a
    sample runs one float32 example.

    The network is the sample's pruned fabric, as `SuperNet` runs it in evaluation mode
    without gradients: node by node in topological order (that of the pruned fabric), at
    each node its edges in order, then the merge, then the activation. Counted are

    - the inputs, all the time, and what a source's activation makes of one;
    - the value of each node from when it is made until the last edge has run on it, or,
      where that edge gives a view of it, until the node behind is made; of targets
      until the end;
    - the results of all edges into a node until that node's value is made;
    - while an edge runs, the tensors alive inside its operation
      (`OperationProfile.workspace`);
    - while a node is merged, its accumulators: a sum, maximum or product of two parts
      is a new tensor, each further part makes another while the last is still there; a
      mean is one more; a concatenation is one, and one for the empty slots; an
      activation is one more.

    What is only another view of something counted (an identity, the sum of a single
    part) is not counted again. Weights, and memory that kernels use inside themselves,
    are not counted. Operators are what they are on torch's meta device.
    """

    profile: FabricProfile

    @property
    def name(self) -> str:
        return "memory"

    @property
    def unit(self) -> str:
        return "bytes"

    @cached_property
    def total(self) -> float:
        """The cost of the whole fabric."""
        return float(self.of(np.ones((1, len(self.profile.fabric.edges)), dtype=np.bool_))[0])

    def of(self, live: Booleans) -> Costs:
        """The peak of each sample: live edges (batch, edges) Boolean → (batch,) bytes;
        0 where nothing is live.
        """
        chunks = [
            _Pass(self._plan, live[start : start + _AT_ONCE]).run() for start in range(0, len(live), _AT_ONCE)
        ]
        return np.concatenate(chunks).astype(np.float64) if chunks else np.zeros(0)

    @cached_property
    def _plan(self) -> _Plan:
        return _plan(self.profile)


@dataclass(frozen=True)
class _Plan:
    """A fabric as arrays. Edges have one more at the end, which is never live and fills
    up the rows of `incoming` (nodes, most edges).
    """

    names: _Integers  # (nodes,): each node's rank by name
    incoming: _Integers
    out_edges: _Integers
    out_nodes: _Integers
    out_starts: _Integers
    tails: _Integers
    heads: _Integers  # (edges,)
    workspace: _Integers
    results: _Integers
    part_sizes: _Integers  # (edges + 1,): bytes of the results as the next operation sees them
    sizes: _Integers  # (nodes,)
    is_source: Booleans
    is_target: Booleans
    is_mean: Booleans
    is_concat: Booleans
    is_active: Booleans


def _plan(profile: FabricProfile) -> _Plan:
    fabric = profile.fabric
    nodes = fabric.nodes
    tails, heads = np.array(fabric.endpoints, dtype=np.int64).T
    by_name = sorted(range(len(nodes)), key=lambda node: natural_key(nodes[node].name))
    out_edges = np.argsort(tails, kind="stable")
    out_nodes, out_starts = np.unique(tails[out_edges], return_index=True)
    return _Plan(
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
        is_mean=np.array([node.merge == "mean" for node in nodes]),
        is_concat=np.array([node.merge == "concat" for node in nodes]),
        is_active=np.array([node.activation != "none" for node in nodes]),
    )


def _padded(fabric: Fabric) -> _Integers:
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


class _Pass:
    """What is alive while each sample's network runs. `owner[b, n]` is the node that
    made the memory which the value of node n lies in.
    """

    def __init__(self, plan: _Plan, live: Booleans) -> None:
        self.plan = plan
        # (batch, edges + 1)
        self.live = np.concatenate([live, np.zeros((len(live), 1), dtype=np.bool_)], axis=1)
        self.rows = np.arange(len(live))
        self.position, self.order = _order(plan, live)
        self.last_use = self._last_use(live)
        shape = self.position.shape
        self.owner = np.zeros(shape, dtype=np.int64)
        self.users = np.zeros(shape, dtype=np.int64)  # values that lie in a node's memory
        self.memory = np.zeros(shape, dtype=np.int64)
        self.held = np.zeros(len(live), dtype=np.int64)
        self.peak = np.zeros(len(live), dtype=np.int64)

    def run(self) -> _Integers:
        """The peak (batch,)."""
        self._sources(np.count_nonzero(self.live, axis=1) > 0)
        for step in range(len(self.plan.sizes)):
            nodes = self.order[:, step]
            edges, alive = self._edges(nodes)
            count = np.count_nonzero(alive, axis=1)
            if count.any():
                parts = self._run_edges(step, edges, alive)
                self._make(nodes, edges, alive, count, parts)
                self._free(edges, alive & self._last(step, edges, alive) & ~self._before_merge(edges, alive))
        return self.peak

    def _sources(self, used: Booleans) -> None:
        """Inputs are the caller's: their memory is never given back. What an activation
        makes of one is a value like any other.
        """
        plan = self.plan
        present = plan.is_source & ((self.last_use >= 0) | plan.is_target) & used[:, None]
        self.owner[:] = np.arange(len(plan.sizes))
        self.users[:] = present
        self.memory[:] = np.where(present & plan.is_active, plan.sizes, 0)
        self.held += (present * plan.sizes + self.memory).sum(axis=1)
        self.peak += self.held

    def _edges(self, nodes: _Integers) -> tuple[_Integers, Booleans]:
        """The live edges into each sample's node in the order in which they run, first
        in each row; (batch, most edges).
        """
        edges = self.plan.incoming[nodes]
        alive = self.live[self.rows[:, None], edges]
        dead_last = np.where(
            alive, self.position[self.rows[:, None], self.plan.tails[edges]], len(self.plan.sizes)
        )
        # parallel edges stand in their own order already
        order = np.argsort(dead_last, axis=1, kind="stable")
        return np.take_along_axis(edges, order, axis=1), np.take_along_axis(alive, order, axis=1)

    def _run_edges(self, step: int, edges: _Integers, alive: Booleans) -> _Integers:
        """Run the edges into each sample's node one after the other; the bytes (batch,)
        of their results.
        """
        plan, parts = self.plan, np.zeros(len(edges), dtype=np.int64)
        results = np.where(alive, plan.results[edges], 0)
        freed = alive & self._last(step, edges, alive) & self._before_merge(edges, alive)
        for column in range(int(np.count_nonzero(alive, axis=1).max())):
            inside = np.where(alive[:, column], self.held + parts + plan.workspace[edges[:, column]], 0)
            self.peak = np.maximum(self.peak, inside)
            parts += results[:, column]
            self._free(edges[:, column : column + 1], freed[:, column : column + 1])
        return parts

    def _make(
        self, nodes: _Integers, edges: _Integers, alive: Booleans, count: _Integers, parts: _Integers
    ) -> None:
        plan, size = self.plan, self.plan.sizes[nodes]
        gaps = size - np.where(alive, plan.part_sizes[edges], 0).sum(axis=1)
        mean, concat, active = plan.is_mean[nodes], plan.is_concat[nodes], plan.is_active[nodes]
        merging = np.select(
            [concat, mean], [gaps + size, np.minimum(count, 2) * size], np.minimum(count - 1, 2) * size
        )
        merged = np.where((count > 1) | mean | concat, size, 0)
        activating = np.where(active, merged + size, 0)
        some = count > 0
        self.peak = np.where(
            some, np.maximum(self.peak, self.held + parts + np.maximum(merging, activating)), self.peak
        )
        made = np.where(active | (merged > 0), size, parts)  # without either, the value is the only part
        source_owner = self.owner[self.rows, plan.tails[edges[:, 0]]]
        owner = np.where(made > 0, nodes, source_owner)
        self.owner[self.rows[some], nodes[some]] = owner[some]
        self.memory[self.rows[some], nodes[some]] = made[some]
        self.users[self.rows[some], owner[some]] += 1
        self.held += np.where(some, made, 0)

    def _last(self, step: int, edges: _Integers, alive: Booleans) -> Booleans:
        """Whether an edge is the last of all to run on its source's value: (batch, most
        edges). Parallel edges stand side by side.
        """
        sources = self.plan.tails[edges]
        last: Booleans = (self.last_use[self.rows[:, None], sources] == step) & ~self.plan.is_target[sources]
        last[:, :-1] &= (sources[:, :-1] != sources[:, 1:]) | ~alive[:, 1:]
        return last

    def _before_merge(self, edges: _Integers, alive: Booleans) -> Booleans:
        """Whether the value that an edge runs on is not a part of the merge itself, as
        it is where an edge gives a view of it.
        """
        views = alive & (self.plan.results[edges] == 0)
        sources = self.plan.tails[edges]
        held: Booleans = np.zeros_like(views)
        for column in np.flatnonzero(views.any(axis=0)):
            held |= views[:, column : column + 1] & (sources == sources[:, column : column + 1])
        return np.logical_not(held)

    def _free(self, edges: _Integers, done: Booleans) -> None:
        """Drop the values that these edges (batch, …) run on, where they are `done`
        with.
        """
        sources = self.plan.tails[edges]
        for column in np.flatnonzero(done.any(axis=0)):
            rows = np.flatnonzero(done[:, column])
            owner = self.owner[rows, sources[rows, column]]
            self.users[rows, owner] -= 1
            self.held[rows] -= np.where(self.users[rows, owner] == 0, self.memory[rows, owner], 0)

    def _last_use(self, live: Booleans) -> _Integers:
        """The step that uses each node's value last, -1 where none does: (batch,
        nodes).
        """
        plan = self.plan
        uses = np.where(live, self.position[:, plan.heads], -1)[:, plan.out_edges]
        last = np.full(self.position.shape, -1, dtype=np.int64)
        last[:, plan.out_nodes] = np.maximum.reduceat(uses, plan.out_starts, axis=1)
        return last


def _order(plan: _Plan, live: Booleans) -> tuple[_Integers, _Integers]:
    """Each node's step in the pruned network, and the node of each step, both (batch,
    nodes): by level over live edges, then by name.
    """
    columns = np.append(live.T, np.zeros((1, len(live)), dtype=np.bool_), axis=0)
    levels = np.zeros((len(plan.sizes), len(live)), dtype=np.int64)
    for node, incoming in enumerate(plan.incoming):  # the last edge, which fills up `incoming`, is never live
        levels[node] = np.where(columns[incoming], levels[plan.tails[incoming]] + 1, 0).max(axis=0)
    order = np.argsort(levels.T * len(plan.sizes) + plan.names, axis=1)
    position = np.empty_like(order)
    np.put_along_axis(position, order, np.arange(order.shape[1])[None, :], axis=1)
    return position, order
