"""A sample → a Route: everything about running it that needs no tensor.

It is decided on the host, before the pass.

In: a fabric and the live edges of a batch. Out: for each node that is live for any
example how many examples it holds (its rows), and for each live edge which of its
source's rows it takes and which of its target's rows it fills. A node's value holds
only the examples for which the node is live, so compute and memory follow the sample.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bsngraph.fabric import Booleans, Fabric
from bsngraph.ops.merges import MERGES

_Numbers = NDArray[np.int64]
_Rows = Tensor | None  # None: all of them, in order


@dataclass(frozen=True)
class Handout:
    """What the live edges out of a node take of its value: `rows[i]` for `edges[i]`."""

    node: int
    edges: tuple[int, ...]
    rows: tuple[_Rows, ...]


@dataclass(frozen=True)
class NodeStep:
    """Make a node's value from its live edges, then hand it out.

    `edges[i]` fills the rows `rows[i]`.

    `count`: examples the node is live for. `present` (count,): how many inputs each of
    them has; None where the merge does not ask, or all have every edge.
    """

    node: int
    edges: tuple[int, ...]
    rows: tuple[_Rows, ...]
    count: int
    present: Tensor | None
    handout: Handout


@dataclass(frozen=True)
class Route:
    """The way of one batch through the fabric.

    `targets` are, for each target, the examples it has a value for (None: all).
    """

    batch: int
    live: Booleans
    sources: tuple[Handout, ...]
    nodes: tuple[NodeStep, ...]
    targets: tuple[_Rows, ...]


class Planner:
    """Plans the routes of one fabric.

    What does not depend on the sample is worked out once.
    """

    def __init__(self, fabric: Fabric) -> None:
        self.fabric = fabric
        ends = np.array(fabric.endpoints, dtype=np.int64).reshape(-1, 2)
        self.tails, self.heads = ends[:, 0], ends[:, 1]
        self.by_head = np.argsort(self.heads, kind="stable")
        self.made, self.starts = np.unique(self.heads[self.by_head], return_index=True)
        self.outgoing: list[list[int]] = [[] for _ in fabric.nodes]
        for edge, source in enumerate(self.tails.tolist()):
            self.outgoing[source].append(edge)

    def route(self, live: Booleans, device: torch.device) -> Route:
        """The route of live edges (batch, edges).

        Its indices are on `device`, sent there in one copy.
        """
        fabric = self.fabric
        columns = np.ascontiguousarray(live.T)
        inputs = self._inputs(columns)
        alive = inputs > 0
        alive[list(fabric.source_indices)] = True
        sizes, counts = columns.sum(axis=1), alive.sum(axis=1)
        used = np.flatnonzero(sizes)
        edges, examples = np.nonzero(columns)
        row = alive.cumsum(axis=1) - 1  # (nodes, batch): where a node's value has each example
        take, fill = row[self.tails[edges], examples], row[self.heads[edges], examples]
        uneven = np.unique(self.heads[used[sizes[used] < counts[self.heads[used]]]]).tolist()
        counted = [node for node in uneven if MERGES[fabric.nodes[node].merge].counts]
        others = [inputs[node, alive[node]] for node in counted] + [
            np.flatnonzero(alive[node]) for node in fabric.target_indices
        ]

        lengths = [*sizes[used].tolist(), *sizes[used].tolist(), *map(len, others)]
        views = iter(torch.split(_on_device(np.concatenate([take, fill, *others]), device), lengths))
        taken = dict(self._parts(used, sizes < counts[self.tails], views))
        filled = dict(self._parts(used, sizes < counts[self.heads], views))
        present = dict(zip(counted, views, strict=False))
        targets = [part if len(part) < len(live) else None for part in views]
        handouts = [_handout(node, edges, taken) for node, edges in enumerate(self.outgoing)]
        steps = []
        for node, incoming in enumerate(fabric.incoming):
            here = tuple(edge for edge in incoming if edge in filled)
            if here:
                rows = tuple(filled[edge] for edge in here)
                steps.append(NodeStep(node, here, rows, int(counts[node]), present.get(node), handouts[node]))
        return Route(
            len(live),
            live,
            tuple(handouts[node] for node in fabric.source_indices),
            tuple(steps),
            tuple(targets),
        )

    def _inputs(self, columns: Booleans) -> _Numbers:
        """How many of the edges `columns` (edges, batch) lead into each node.

        The result is (nodes, batch).
        """
        inputs = np.zeros((len(self.fabric.nodes), columns.shape[1]), dtype=np.int64)
        if len(self.made):
            inputs[self.made] = np.add.reduceat(columns[self.by_head], self.starts, axis=0, dtype=np.int64)
        return inputs

    @staticmethod
    def _parts(used: _Numbers, partly: Booleans, views: Iterator[Tensor]) -> Iterator[tuple[int, _Rows]]:
        """Each used edge with the next of the views, or None where that is all rows."""
        for edge in used.tolist():
            rows = next(views)
            yield edge, rows if partly[edge] else None


def _handout(node: int, outgoing: Sequence[int], taken: Mapping[int, _Rows]) -> Handout:
    edges = tuple(edge for edge in outgoing if edge in taken)
    return Handout(node, edges, tuple(taken[edge] for edge in edges))


def _on_device(numbers: _Numbers, device: torch.device) -> Tensor:
    """The numbers as a tensor; a GPU gets them while the host goes on."""
    whole = torch.from_numpy(numbers)
    return whole.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else whole
