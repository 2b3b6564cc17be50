"""Fabric → FabricProfile: shapes of nodes and edges, MACs, parameters and bytes.

Walks the fabric once in topological order. Every operation is profiled on the meta
device (torch is imported then, not before); what does not fit is collected as problems
with their places, beside those that reading has found, and raised together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bsngraph.errors import FabricError, InputError, Problem
from bsngraph.fabric import Draft, Edge, Fabric, Node
from bsngraph.fabric.binding.cures.fitting_shapes import how_to_fit
from bsngraph.ops import Shape
from bsngraph.ops.merges import MERGES
from bsngraph.ops.user_code.refusal import OperationRefusedError

if TYPE_CHECKING:
    from bsngraph.ops.counting.operation_profile import OperationProfile

Counts = NDArray[np.float64]

_MOST_SHOWN = 20


@dataclass(frozen=True)
class FabricProfile:
    """A fabric with its shapes and counts, in the order of its nodes or edges.

    Shapes are of one example, channels first.

    `macs` and `params` are (edges,) vectors for one example's forward pass, and so are
    what `OperationProfile` says of memory: `bytes` (stored weights), `workspace` (the
    peak inside) and `results` (what the result holds). `uncounted` names, for each
    edge, the torch operators that ran and that `macs` does not hold.
    """

    fabric: Fabric
    node_shapes: tuple[Shape, ...]
    edge_shapes: tuple[Shape, ...]
    macs: Counts
    params: Counts
    bytes: Counts
    workspace: Counts
    results: Counts
    uncounted: tuple[tuple[str, ...], ...]

    def annotated(self) -> Fabric:
        """The fabric with shapes and counts as information, as files are written."""
        nodes = tuple(
            replace(node, tensor=shape)
            for node, shape in zip(self.fabric.nodes, self.node_shapes, strict=True)
        )
        counts = zip(self.fabric.edges, self.macs, self.params, strict=True)
        edges = tuple(
            replace(edge, computed={"macs": int(macs), "params": int(params)})
            for edge, macs, params in counts
        )
        return replace(self.fabric, nodes=nodes, edges=edges)


def profile_fabric(fabric: Fabric) -> FabricProfile:
    """Shapes and counts of a fabric.

    Raises:
        FabricError: operations that cannot work on their input, merges whose inputs do
            not fit.
    """
    if not isinstance(fabric, Fabric):
        raise InputError(f"{fabric!r} is no Fabric: read_fabric(PATH) reads one from a file")
    return profile_draft(Draft(fabric.name or "fabric", fabric, frozenset(), ()))


def profile_draft(draft: Draft) -> FabricProfile:
    """Shapes and counts of a fabric as it was read.

    Everything that is wrong with the file is in one error.

    Raises:
        FabricError: the problems of reading and those of the shapes.
    """
    if draft.fabric is None:
        draft.finish()
    assert draft.fabric is not None
    walk = _Walk(draft.fabric, draft.broken)
    problems = [*draft.problems, *draft.placed(walk.problems)]
    if problems:
        raise FabricError(draft.origin, problems)
    profiles = [found for found in walk.profiles if found is not None]
    return FabricProfile(
        fabric=draft.fabric,
        node_shapes=tuple(shape for shape in walk.shapes if shape is not None),
        edge_shapes=tuple(found.shape for found in profiles),
        macs=np.array([found.macs for found in profiles], dtype=np.float64),
        params=np.array([found.params for found in profiles], dtype=np.float64),
        bytes=np.array([found.bytes for found in profiles], dtype=np.float64),
        workspace=np.array([found.workspace for found in profiles], dtype=np.float64),
        results=np.array([found.result for found in profiles], dtype=np.float64),
        uncounted=tuple(found.uncounted for found in profiles),
    )


class _Walk:
    """One pass over the nodes in topological order.

    What is unknown stays None and causes no second problem.
    """

    def __init__(self, fabric: Fabric, broken: frozenset[int]) -> None:
        self.fabric = fabric
        self.broken = broken
        self.problems: list[Problem] = []
        self.shapes: list[Shape | None] = []
        self.profiles: list[OperationProfile | None] = [None] * len(fabric.edges)
        for index, node in enumerate(fabric.nodes):
            incoming = fabric.incoming[index]
            for edge in incoming:
                self.profiles[edge] = self._profile(edge)
            self.shapes.append(
                self._merge(
                    node,
                    [fabric.edges[edge] for edge in incoming],
                    [self.profiles[edge] for edge in incoming],
                )
            )

    def _profile(self, index: int) -> OperationProfile | None:
        from bsngraph.ops.counting.operation_profile import profile as profile_operation

        edge = self.fabric.edges[index]
        shape = self.shapes[self.fabric.endpoints[index][0]]
        if shape is None or index in self.broken:
            return None
        try:
            return profile_operation(edge.op, edge.arguments, shape)
        except ValueError as error:
            cure = error.cure if isinstance(error, OperationRefusedError) else None
            cure = cure or f"change its arguments, or what comes into {edge.source}"
            self.problems.append(Problem(f"{edge.op} {error}", f"edge {edge.name}", cure))
            return None

    def _merge(
        self, node: Node, edges: Sequence[Edge], profiles: Sequence[OperationProfile | None]
    ) -> Shape | None:
        if not edges:
            return node.input
        known = [
            (edge, found.shape) for edge, found in zip(edges, profiles, strict=True) if found is not None
        ]
        # slots add up the first size, so only the others must agree
        slots = MERGES[node.merge].slots
        free = 1 if slots else 0
        common = {shape[free:] for _, shape in known}
        if len(common) > 1:
            each = [f"{'x'.join(map(str, shape))} from {edge.name}" for edge, shape in known[:_MOST_SHOWN]]
            seen = ", ".join(each) + (
                f" and {len(known) - len(each):,} more" if len(known) > len(each) else ""
            )
            cure = how_to_fit(known)
            if not slots and len({shape[1:] for _, shape in known}) == 1:
                cure += ", or set merge=concat on the node"
            self.problems.append(
                Problem(f"shapes do not fit at merge={node.merge}: {seen}", f"node {node.name}", cure)
            )
        if len(common) != 1 or len(known) < len(edges):
            return None
        if not slots:
            return known[0][1]
        return (self._concat_channels(node, known), *known[0][1][1:])

    def _concat_channels(self, node: Node, known: Sequence[tuple[Edge, Shape]]) -> int:
        """The width of a concat node; one that was pruned keeps the slots it had."""
        if node.concat_channels is None:
            for edge, _ in known:
                if edge.concat_offset is not None:
                    cure = f"set concat_channels on node {node.name} too, or remove it"
                    self.problems.append(
                        Problem(
                            "concat_offset is the place of a slot in a pruned node only",
                            f"edge {edge.name}",
                            cure,
                        )
                    )
            return sum(shape[0] for _, shape in known)
        before, filled = "", 0
        for edge, shape in sorted(known, key=lambda pair: pair[0].concat_offset or 0):
            if edge.concat_offset is None or edge.concat_offset + shape[0] > node.concat_channels:
                what = (
                    f"its {shape[0]} channels have no slot in the {node.concat_channels} of node {node.name}"
                )
                self.problems.append(
                    Problem(
                        what,
                        f"edge {edge.name}",
                        "set concat_offset, or remove concat_channels from the node",
                    )
                )
                continue
            if edge.concat_offset < filled:
                cure = f"give every edge into node {node.name} a concat_offset of its own"
                self.problems.append(
                    Problem(f"its slot overlaps that of {before}", f"edge {edge.name}", cure)
                )
            before, filled = edge.name, edge.concat_offset + shape[0]
        return node.concat_channels
