"""List scheduling of live edges on several cores, for a whole batch of samples at once.

In: a fabric, live edges (batch, edges), and what each edge takes. Out: the steps
(`count_steps`) or the time (`run_list`) that each sample takes, and which edge starts
when and where. Of the edges that could start, the one with the longest remaining path
over live edges goes first, ties by name (Graham 1969, "Bounds on multiprocessing timing
anomalies"; with transfers it is the rule ETF of Hwang et al. 1989, "Scheduling
precedence graphs in systems with interprocessor communication times"). There is a
Python loop over steps or over the edges of one sample, and over samples only where each
has very many edges.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bsngraph.fabric import Booleans, Fabric, LiveSweep
from bsngraph.fabric.words.natural_order import edges_by_name

Times = NDArray[np.float64]
_Indices = NDArray[np.intp]

# So many edges are scheduled sample by sample. With fewer, 16 bits hold a path, and are
# sorted fastest.
LONG = 2**15


@dataclass(frozen=True)
class Graph:
    """What scheduling needs to know about a fabric before there is a sample.

    `out_edges[out_starts[n]:out_starts[n + 1]]` leave node n of the sweep's numbering.
    Ties go by name, since a pruned fabric's edges keep their names and not their order:
    a sample must cost what its network costs.
    """

    sweep: LiveSweep
    out_edges: _Indices
    out_starts: _Indices
    by_name: _Indices


@dataclass(frozen=True)
class ListSchedule:
    """What ran where and when: (batch, jobs) each, and `makespan` (batch,).

    The jobs of a sample stand in the order of their starts.

    `jobs` (batch,) of each row are filled.
    """

    jobs: _Indices
    edges: _Indices
    cores: _Indices
    starts: Times
    ends: Times
    makespan: Times


def graph_of(fabric: Fabric) -> Graph:
    """Prepare the scheduling of a fabric."""
    sweep = fabric.sweep
    out_edges = np.argsort(sweep.tails, kind="stable")
    out_starts = np.searchsorted(sweep.tails[out_edges], np.arange(sweep.node_count + 1))
    return Graph(sweep, out_edges, out_starts, np.array(edges_by_name(fabric.edges), dtype=np.intp))


def remaining_paths(graph: Graph, live: Booleans, taken: NDArray[Any]) -> NDArray[Any]:
    """The longest path of live edges from each edge's start to a target.

    It is (batch, edges). `taken` (edges,) is the length of each edge.
    """
    columns = np.ascontiguousarray(live.T)
    paths = np.zeros(columns.shape, dtype=taken.dtype)
    from_node = np.zeros((graph.sweep.node_count, len(live)), dtype=taken.dtype)
    # the origins of a backward level are the nodes that its edges lead to
    for level in graph.sweep.backward.levels:
        edges = graph.sweep.backward.order[level.edges]
        paths[edges] = np.where(columns[edges], taken[edges, None] + from_node[level.origins], 0)
        from_node[level.nodes] = np.maximum.reduceat(paths[edges], level.starts, axis=0)
    return np.ascontiguousarray(paths.T)


def count_steps(graph: Graph, live: Booleans, works: Booleans, cores: int) -> Times:
    """The steps of each sample (batch,).

    An edge of `works` (edges,) takes one step, any other none.
    """
    if len(works) >= LONG:
        return np.array([count_long_steps(graph, row, works, cores) for row in live], dtype=np.float64)
    queue = _Queue(graph, live, works, remaining_paths(graph, live, works.astype(np.int16)))
    width = int(queue.jobs.max(initial=0))
    waiting = np.zeros((len(live), width), dtype=np.bool_)  # by rank
    places = np.zeros((len(live), width), dtype=np.int32)
    waiting[queue.begin()] = True
    steps, step = np.zeros(len(live)), 0
    while waiting.any():
        step += 1
        chosen = waiting & (np.cumsum(waiting, axis=1, out=places) <= cores)
        waiting ^= chosen
        rows, ranks = np.divmod(np.flatnonzero(chosen), width)
        steps[rows] = step
        waiting[queue.end(rows, queue.edges[rows, ranks])] = True
    return steps


def count_long_steps(graph: Graph, live: Booleans, works: Booleans, cores: int) -> int:
    """The same for one sample (edges,), in a time that grows with its edges alone and
    not with their square.
    """
    paths = remaining_paths(graph, live[None], works.astype(np.int32))
    queue = _Queue(graph, live[None], works, paths)
    edges, ranks, missing = queue.edges[0].tolist(), queue.ranks[0].tolist(), queue.missing.tolist()
    heads, out_edges, out_starts = (
        array.tolist() for array in (graph.sweep.heads, graph.out_edges, graph.out_starts)
    )
    is_live, takes_step = live.tolist(), works.tolist()
    waiting: list[int] = []  # ranks
    nodes = graph.sweep.forward.begin.tolist()  # complete, and not seen yet
    steps = 0
    while True:
        while nodes:
            node = nodes.pop()
            for edge in out_edges[out_starts[node] : out_starts[node + 1]]:
                if is_live[edge] and takes_step[edge]:
                    heapq.heappush(waiting, ranks[edge])
                elif is_live[edge]:
                    nodes += _reached(edge, heads, missing)
        if not waiting:
            return steps
        steps += 1
        for rank in [heapq.heappop(waiting) for _ in range(min(cores, len(waiting)))]:
            nodes += _reached(edges[rank], heads, missing)


def _reached(edge: int, heads: list[int], missing: list[int]) -> list[int]:
    """Note that an edge has ended: the node that it was the last to be missing at."""
    missing[heads[edge]] -= 1
    return [] if missing[heads[edge]] else [heads[edge]]


def run_list(graph: Graph, live: Booleans, durations: Times, cores: int, transfers: Times) -> ListSchedule:
    """Schedule each sample by the durations of edges and the transfers of results.

    Both are (edges,). A transfer is the time to bring an edge's result to another core.
    Edges that take no time run on no core: they pass on what comes in, from the cores
    where it is.
    """
    jobs = np.count_nonzero(live & (durations > 0), axis=1)
    # the samples that are not done yet are the first ones then
    longest_first = np.argsort(-jobs, kind="stable")
    cores = max(1, min(cores, int(jobs.max(initial=0))))  # no job ever runs on a core after these
    run = _Run(graph, live[longest_first], durations, cores, transfers)
    # samples with more jobs than that
    active = np.searchsorted(-jobs[longest_first], -np.arange(jobs.max(initial=0)), side="left")
    shape = (len(live), len(active))
    edges, places = np.zeros(shape, dtype=np.intp), np.zeros(shape, dtype=np.intp)
    starts, ends = np.zeros(shape), np.zeros(shape)
    for job, count in enumerate(active):
        edges[:count, job], places[:count, job], starts[:count, job], ends[:count, job] = run.start_next(
            int(count)
        )
    as_given = np.argsort(longest_first)
    return ListSchedule(
        jobs, edges[as_given], places[as_given], starts[as_given], ends[as_given], run.makespan()[as_given]
    )


class _Queue:
    """Which edges of each sample could start.

    These are edges that take time and whose source's live incoming edges have all
    ended.

    `edges` and `ranks` (batch, edges): the edge of each rank and the rank of each edge,
    longest remaining path first; the `jobs` (batch,) of a sample, which are its edges
    that take something, have the first ranks.
    """

    def __init__(self, graph: Graph, live: Booleans, works: Booleans, paths: NDArray[Any]) -> None:
        self.graph, self.live, self.works = graph, live, works
        jobs = live & works
        self.jobs = np.count_nonzero(jobs, axis=1)
        longest_first = np.where(jobs, -paths, 0)[:, graph.by_name]
        self.edges = graph.by_name[np.argsort(longest_first, axis=1, kind="stable")]
        self.ranks = np.empty_like(self.edges)
        np.put_along_axis(self.ranks, self.edges, np.arange(live.shape[1])[None, :], axis=1)
        self.nodes = graph.sweep.node_count
        heads = (np.arange(len(live))[:, None] * self.nodes + graph.sweep.heads)[live]
        # by row and node: live incoming edges that have not ended
        self.missing = np.bincount(heads, minlength=len(live) * self.nodes)

    def begin(self) -> tuple[_Indices, _Indices]:
        """Rows and ranks of the edges that could start first."""
        rows, nodes = np.meshgrid(np.arange(len(self.live)), self.graph.sweep.forward.begin, indexing="ij")
        return self._complete(rows.ravel(), nodes.ravel())

    def end(self, rows: _Indices, edges: _Indices) -> tuple[_Indices, _Indices]:
        """Note that edges have ended; rows and ranks of those that could start now."""
        return self._complete(*self._completed(rows, edges))

    def passes(self, rows: _Indices, edges: _Indices) -> None:
        """Called for the edges that take nothing when their source is complete."""

    def _completed(self, rows: _Indices, edges: _Indices) -> tuple[_Indices, _Indices]:
        """Rows and nodes that these edges were the last to be missing at."""
        places = rows * self.nodes + self.graph.sweep.heads[edges]
        np.subtract.at(self.missing, places, 1)
        return np.divmod(np.unique(places[self.missing[places] == 0]), self.nodes)

    def _complete(self, rows: _Indices, nodes: _Indices) -> tuple[_Indices, _Indices]:
        ready_rows, ready_edges = [], []
        while len(rows):
            rows, edges = self._outgoing(rows, nodes)
            works = self.works[edges]
            ready_rows.append(rows[works])
            ready_edges.append(edges[works])
            rows, edges = rows[~works], edges[~works]
            self.passes(rows, edges)
            rows, nodes = self._completed(rows, edges)
        if not ready_rows:
            return rows, nodes
        ended = np.concatenate(ready_rows)
        return ended, self.ranks[ended, np.concatenate(ready_edges)]

    def _outgoing(self, rows: _Indices, nodes: _Indices) -> tuple[_Indices, _Indices]:
        """The live edges out of these nodes."""
        starts = self.graph.out_starts[nodes]
        counts = self.graph.out_starts[nodes + 1] - starts
        first = np.cumsum(counts) - counts
        edges = self.graph.out_edges[np.arange(counts.sum()) + np.repeat(starts - first, counts)]
        rows = np.repeat(rows, counts)
        live = self.live[rows, edges]
        return rows[live], edges[live]


class _Run(_Queue):
    """The state of all cores in all samples, which advance by one edge at a time."""

    def __init__(self, graph: Graph, live: Booleans, durations: Times, cores: int, transfers: Times) -> None:
        super().__init__(graph, live, durations > 0, remaining_paths(graph, live, durations))
        self.durations, self.transfers, self.cores = durations, transfers, cores
        self.lanes = cores if transfers.any() else 1  # without transfers what is on one core is on all
        # when each node's parts that have ended are all on each core
        self.there = np.zeros((len(live), self.nodes, self.lanes))
        self.free = np.zeros((len(live), cores))
        self.input = np.full(
            (len(live), self.jobs.max(initial=0), self.lanes), np.inf
        )  # by rank: since when a waiting edge's input is there
        self.possible = np.empty_like(self.input)
        self._wait(self.begin())

    def start_next(self, count: int) -> tuple[_Indices, _Indices, Times, Times]:
        """Start the edge that can start soonest, in each of the first `count` samples.

        Gives edge, core, start and end, (count,) each.
        """
        rows, free = np.arange(count), self.free[:count]
        free_from = free if self.lanes > 1 else free.min(axis=1, keepdims=True)
        possible = np.maximum(self.input[:count], free_from[:, None, :], out=self.possible[:count]).reshape(
            count, -1
        )
        soonest = possible.argmin(axis=1)  # the first of equals has the lowest rank
        starts = possible[rows, soonest]
        ranks = soonest // self.lanes
        # the first that could
        cores = (np.maximum(self.input[rows, ranks], free) <= starts[:, None]).argmax(axis=1)
        edges = self.edges[rows, ranks]
        ends = starts + self.durations[edges]
        self.input[rows, ranks] = np.inf
        self.free[rows, cores] = ends
        elsewhere = np.arange(self.lanes) != cores[:, None]
        arrival = ends[:, None] + elsewhere * self.transfers[edges, None]
        heads = self.graph.sweep.heads[edges]
        self.there[rows, heads] = np.maximum(self.there[rows, heads], arrival)
        self._wait(self.end(rows, edges))
        return edges, cores, starts, ends

    def makespan(self) -> Times:
        """When every target's parts are together on a core (batch,)."""
        latest: Times = self.there[:, self.graph.sweep.backward.begin].min(axis=2).max(axis=1)
        return latest

    def passes(self, rows: _Indices, edges: _Indices) -> None:
        """Let the target have a value where and when the edge's source has it."""
        sweep = self.graph.sweep
        np.maximum.at(self.there, (rows, sweep.heads[edges]), self.there[rows, sweep.tails[edges]])

    def _wait(self, ready: tuple[_Indices, _Indices]) -> None:
        rows, ranks = ready
        self.input[rows, ranks] = self.there[rows, self.graph.sweep.tails[self.edges[rows, ranks]]]
