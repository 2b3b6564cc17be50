"""What is alive while the networks of a batch of samples run, step by step.

In: a fabric's arrays and live edges (batch, edges). Out: the peak of each sample,
(batch,) bytes. The order in which a pruned network runs is its own, since nodes may
stand on other levels without the edges that are gone, so it is worked out for each
sample. There is a Python loop over nodes, never over samples or edges.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from bsngraph.costs.memory.memory_arrays import Integers, MemoryArrays
from bsngraph.costs.memory.merge_memory import MOST_COUNTED
from bsngraph.fabric import Booleans


class RunningMemory:
    """What is alive while each sample's network runs.

    `owner[b, n]` is the node that made the memory in which the value of node n lies.
    """

    def __init__(self, arrays: MemoryArrays, live: Booleans) -> None:
        self.arrays = arrays
        # (batch, edges + 1)
        self.live = np.concatenate([live, np.zeros((len(live), 1), dtype=np.bool_)], axis=1)
        self.rows = np.arange(len(live))
        self.position, self.order = running_order(arrays, live)
        self.last_use = self._last_use(live)
        shape = self.position.shape
        self.owner = np.zeros(shape, dtype=np.int64)
        self.users = np.zeros(shape, dtype=np.int64)  # values that lie in a node's memory
        self.memory = np.zeros(shape, dtype=np.int64)
        self.viewed = np.zeros(shape, dtype=np.bool_)  # all False between two merges
        self.held = np.zeros(len(live), dtype=np.int64)
        self.peak = np.zeros(len(live), dtype=np.int64)

    def run(self) -> Integers:
        """The peak (batch,)."""
        self._sources(np.count_nonzero(self.live, axis=1) > 0)
        for step in range(len(self.arrays.sizes)):
            nodes = self.order[:, step]
            edges, alive = self._edges(nodes)
            count = np.count_nonzero(alive, axis=1)
            if count.any():
                parts = self._run_edges(step, edges, alive)
                self._make(nodes, edges, alive, count, parts)
                self._free(edges, alive & self._last(step, edges, alive) & ~self._before_merge(edges, alive))
        return self.peak

    def _sources(self, used: Booleans) -> None:
        """Count the inputs, and what activations make of them.

        Inputs belong to the caller, so their memory is never freed. What an activation
        makes of an input is a value like any other.
        """
        arrays = self.arrays
        present = arrays.is_source & ((self.last_use >= 0) | arrays.is_target) & used[:, None]
        self.owner[:] = np.arange(len(arrays.sizes))
        self.users[:] = present
        self.memory[:] = np.where(present & arrays.is_active, arrays.sizes, 0)
        self.held += (present * arrays.sizes + self.memory).sum(axis=1)
        self.peak += self.held

    def _edges(self, nodes: Integers) -> tuple[Integers, Booleans]:
        """The live edges into each sample's node, in the order in which they run.

        Both arrays are (batch, most edges); live edges come first in each row.
        """
        edges = _incoming(self.arrays, nodes)
        alive = self.live[self.rows[:, None], edges]
        dead_last = np.where(
            alive, self.position[self.rows[:, None], self.arrays.tails[edges]], len(self.arrays.sizes)
        )
        # parallel edges stand in their own order already
        order = np.argsort(dead_last, axis=1, kind="stable")
        return np.take_along_axis(edges, order, axis=1), np.take_along_axis(alive, order, axis=1)

    def _run_edges(self, step: int, edges: Integers, alive: Booleans) -> Integers:
        """Run the edges into each sample's node; give the bytes (batch,) of results."""
        arrays, parts = self.arrays, np.zeros(len(edges), dtype=np.int64)
        results = np.where(alive, arrays.results[edges], 0)
        freed = alive & self._last(step, edges, alive) & self._before_merge(edges, alive)
        for column in range(int(np.count_nonzero(alive, axis=1).max())):
            inside = np.where(alive[:, column], self.held + parts + arrays.workspace[edges[:, column]], 0)
            self.peak = np.maximum(self.peak, inside)
            parts += results[:, column]
            self._free(edges[:, column : column + 1], freed[:, column : column + 1])
        return parts

    def _make(
        self, nodes: Integers, edges: Integers, alive: Booleans, count: Integers, parts: Integers
    ) -> None:
        arrays, size = self.arrays, self.arrays.sizes[nodes]
        gaps = size - np.where(alive, arrays.part_sizes[edges], 0).sum(axis=1)
        counted = np.minimum(count, MOST_COUNTED)
        active, merged = arrays.is_active[nodes], arrays.merged[nodes, counted]
        merging = arrays.merging[nodes, counted] + (count - counted) * arrays.merging_more[nodes]
        merging += np.where(arrays.has_slots[nodes], gaps, 0)
        activating = np.where(active, merged + size, 0)
        some = count > 0
        self.peak = np.where(
            some, np.maximum(self.peak, self.held + parts + np.maximum(merging, activating)), self.peak
        )
        made = np.where(active | (merged > 0), size, parts)  # without either, the value is the only part
        source_owner = self.owner[self.rows, arrays.tails[edges[:, 0]]]
        owner = np.where(made > 0, nodes, source_owner)
        self.owner[self.rows[some], nodes[some]] = owner[some]
        self.memory[self.rows[some], nodes[some]] = made[some]
        self.users[self.rows[some], owner[some]] += 1
        self.held += np.where(some, made, 0)

    def _last(self, step: int, edges: Integers, alive: Booleans) -> Booleans:
        """Whether an edge is the last of all to run on its source's value.

        The result is (batch, most edges). Parallel edges stand side by side.
        """
        sources = self.arrays.tails[edges]
        last: Booleans = (self.last_use[self.rows[:, None], sources] == step) & ~self.arrays.is_target[
            sources
        ]
        last[:, :-1] &= (sources[:, :-1] != sources[:, 1:]) | ~alive[:, 1:]
        return last

    def _before_merge(self, edges: Integers, alive: Booleans) -> Booleans:
        """Whether the value that an edge runs on can be freed before the merge.

        It cannot where an edge gives a view of it: then it is a part of the merge.
        """
        rows, columns = np.nonzero(alive & (self.arrays.results[edges] == 0))
        sources = self.arrays.tails[edges]
        viewed = rows, sources[rows, columns]
        self.viewed[viewed] = True
        free: Booleans = ~self.viewed[self.rows[:, None], sources]
        self.viewed[viewed] = False
        return free

    def _free(self, edges: Integers, done: Booleans) -> None:
        """Free the values that these edges (batch, …) run on, where they are `done`."""
        sources = self.arrays.tails[edges]
        for column in np.flatnonzero(done.any(axis=0)):
            rows = np.flatnonzero(done[:, column])
            owner = self.owner[rows, sources[rows, column]]
            self.users[rows, owner] -= 1
            self.held[rows] -= np.where(self.users[rows, owner] == 0, self.memory[rows, owner], 0)

    def _last_use(self, live: Booleans) -> Integers:
        """The last step that uses each node's value: (batch, nodes), -1 if unused."""
        arrays = self.arrays
        uses = np.where(live, self.position[:, arrays.heads], -1)[:, arrays.out_edges]
        last = np.full(self.position.shape, -1, dtype=np.int64)
        last[:, arrays.out_nodes] = np.maximum.reduceat(uses, arrays.out_starts, axis=1)
        return last


def running_order(arrays: MemoryArrays, live: Booleans) -> tuple[Integers, Integers]:
    """Each node's step in the pruned network, and the node of each step.

    Both are (batch, nodes). Nodes run by their level over live edges, then by name.
    """
    columns = live.T
    levels = np.zeros((len(arrays.sizes), len(live)), dtype=np.int64)
    for node, (start, end) in enumerate(pairwise(arrays.in_starts.tolist())):
        if end > start:
            edges = arrays.in_edges[start:end]
            levels[node] = np.where(columns[edges], levels[arrays.tails[edges]] + 1, 0).max(axis=0)
    order = np.argsort(levels.T * len(arrays.sizes) + arrays.names, axis=1)
    position = np.empty_like(order)
    np.put_along_axis(position, order, np.arange(order.shape[1])[None, :], axis=1)
    return position, order


def _incoming(arrays: MemoryArrays, nodes: Integers) -> Integers:
    """The edges into each of these nodes, filled up with the last edge.

    It is (nodes, most edges of any of them).
    """
    starts, ends = arrays.in_starts[nodes], arrays.in_starts[nodes + 1]
    places = starts[:, None] + np.arange(int((ends - starts).max(initial=0)))
    edges: Integers = arrays.in_edges[np.where(places < ends[:, None], places, -1)]
    return edges
