"""A sample → a Route: everything about running it that can be decided on the host, before any tensor is touched.

In: the plan of a fabric and the live edges of a batch. Out: for each node that is live for any example, which examples
it holds (its rows), and for each live edge which of its source's rows it takes and which of its target's rows it fills.
A node's value holds only the examples for which the node is live, so compute and memory follow the sample.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bsngraph.fabric import Booleans, Fabric

_Rows = NDArray[np.int64]


@dataclass(frozen=True)
class EdgeStep:
    """Run an edge: the rows of its source's value to take and of its target's to fill (None: all of them, in order)."""

    edge: int
    source: int
    take: Tensor | None
    fill: Tensor | None


@dataclass(frozen=True)
class NodeStep:
    """Make a node's value from its live edges, then forget the values in `free`, which nothing needs any more.

    `count`: examples the node is live for. `present` (count,): inputs of each, None where all edges bring all rows.
    """

    node: int
    edges: tuple[EdgeStep, ...]
    count: int
    present: Tensor | None
    free: tuple[int, ...]


@dataclass(frozen=True)
class Route:
    """The way of one batch through the fabric. `targets`: for each, the examples it has a value for (None: all)."""

    batch: int
    live: Booleans
    nodes: tuple[NodeStep, ...]
    targets: tuple[Tensor | None, ...]


def plan_route(fabric: Fabric, live: Booleans, device: torch.device) -> Route:
    """The route of live edges (batch, edges); its indices are on `device`, sent there in one copy."""
    return _Planner(fabric, live).plan(device)


class _Planner:
    def __init__(self, fabric: Fabric, live: Booleans) -> None:
        self.fabric, self.live, self.batch = fabric, live, live.shape[0]
        self.everyone: _Rows = np.arange(self.batch, dtype=np.int64)
        self.chunks: list[_Rows] = []
        self.rows: list[_Rows] = []
        columns = np.ascontiguousarray(live.T)
        self.used = np.flatnonzero(columns.any(axis=1))
        self.edge_rows = {int(edge): np.flatnonzero(columns[edge]) for edge in self.used}

    def plan(self, device: torch.device) -> Route:
        steps = [step for node in range(len(self.fabric.nodes)) if (step := self._node(node)) is not None]
        targets = [self._send(self._part(self.everyone, self.rows[node])) for node in self.fabric.target_indices]
        views = _on_device(self.chunks, device)
        last_use = self._last_use([step[0] for step in steps])
        nodes = tuple(
            NodeStep(
                node=node,
                edges=tuple(EdgeStep(edge, source, views(take), views(fill)) for edge, source, take, fill in edges),
                count=count,
                present=views(present),
                free=last_use.get(node, ()),
            )
            for node, edges, count, present in steps
        )
        return Route(self.batch, self.live, nodes, tuple(views(target) for target in targets))

    def _node(self, node: int) -> tuple[int, list[tuple[int, int, int | None, int | None]], int, int | None] | None:
        """Note the node's rows; the step that makes it, unless it is a source or nobody's."""
        incoming = [edge for edge in self.fabric.incoming[node] if edge in self.edge_rows]
        if node in self.fabric.source_indices:
            self.rows.append(self.everyone)
            return None
        if not incoming:
            self.rows.append(self.everyone[:0])
            return None
        present = self.live[:, incoming].sum(axis=1)
        rows = np.flatnonzero(present)
        self.rows.append(rows)
        edges = []
        for edge in incoming:
            source = self.fabric.endpoints[edge][0]
            take = self._send(self._part(self.rows[source], self.edge_rows[edge]))
            fill = self._send(self._part(rows, self.edge_rows[edge]))
            edges.append((edge, source, take, fill))
        partial = any(fill is not None for *_, fill in edges)
        return node, edges, len(rows), self._send(present[rows].astype(np.int64)) if partial else None

    def _last_use(self, made: list[int]) -> dict[int, tuple[int, ...]]:
        """Node whose step is the last to need some values → those values' nodes."""
        last = {self.fabric.endpoints[edge][0]: self.fabric.endpoints[edge][1] for edge in map(int, self.used)}
        for edge in map(int, self.used):
            source, target = self.fabric.endpoints[edge]
            last[source] = max(last[source], target)
        kept = set(self.fabric.target_indices)
        by_step: dict[int, tuple[int, ...]] = {}
        for source, target in last.items():
            if source not in kept:
                by_step[target] = (*by_step.get(target, ()), source)
        return by_step

    @staticmethod
    def _part(whole: _Rows, part: _Rows) -> _Rows | None:
        """Where `part` lies in `whole` (both sorted); None where it is all of it."""
        return None if len(part) == len(whole) else np.searchsorted(whole, part)

    def _send(self, rows: _Rows | None) -> int | None:
        """Note indices for the copy to the device; gives their number."""
        if rows is None:
            return None
        self.chunks.append(rows)
        return len(self.chunks) - 1


def _on_device(chunks: list[_Rows], device: torch.device) -> _Views:
    whole = torch.from_numpy(np.concatenate(chunks)) if chunks else torch.empty(0, dtype=torch.int64)
    if device.type == "cuda":
        whole = whole.pin_memory().to(device, non_blocking=True)
    return _Views(torch.split(whole, [len(chunk) for chunk in chunks]))


@dataclass(frozen=True)
class _Views:
    parts: tuple[Tensor, ...]

    def __call__(self, number: int | None) -> Tensor | None:
        return None if number is None else self.parts[number]
