"""Fabric → SuperNet: the fabric compiled to an nn.Module that runs any sample of it.

Call order of a pass: `live_edges` (host) → `plan_route` (host) → for each live node, in
topological order: for each live edge into it: operation; then merge → activation → each
live edge out of it is handed its rows of the value, and the value is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from bsngraph.errors import FabricError, Problem
from bsngraph.fabric import Booleans, Fabric, live_edges
from bsngraph.garbage import without_collector
from bsngraph.ops import OPERATIONS
from bsngraph.ops.activations import activation_function
from bsngraph.ops.building import build
from bsngraph.ops.merges import MERGES, MergePart, Place
from bsngraph.ops.user_code.running_code import running_users_code
from bsngraph.ops.user_code.watched_operation import WatchedOperation
from bsngraph.profile import FabricProfile, profile_fabric
from bsngraph.supernet.route import Handout, NodeStep, Planner, Route
from bsngraph.supernet.rows import Taken, run_on, spread_rows, take_rows
from bsngraph.supernet.thinned import run_thinned, thinning

Inputs = Tensor | Mapping[str, Tensor]

MAX_PARAMETERS = 2**31


class SuperNet(nn.Module):
    """A fabric with weights.

    `operations[e]` is the module of edge e. `watched` are the edges whose modules are
    the user's, `foreign` says whether there are any.
    """

    def __init__(self, profile: FabricProfile) -> None:
        super().__init__()
        self.profile = profile
        self.sweep = profile.fabric.sweep
        self.planner = Planner(profile.fabric)
        shapes = (profile.node_shapes[source] for source, _ in profile.fabric.endpoints)
        self.operations = nn.ModuleList(
            build(edge.op, edge.arguments, shape)
            for edge, shape in zip(profile.fabric.edges, shapes, strict=True)
        )
        self.watched = frozenset(
            index for index, edge in enumerate(profile.fabric.edges) if OPERATIONS[edge.op].origin
        )
        self.foreign = bool(self.watched)
        self.concat_offsets = _concat_offsets(profile)

    @property
    def fabric(self) -> Fabric:
        return self.profile.fabric

    def thinning(self, edge: int) -> int:
        """Of how many pixels in a row an edge reads the first alone, and gets no others
        in training: those between may lie unread.
        """
        return 1 if edge in self.watched else thinning(self.operations[edge])

    def route(self, kept: Booleans | Tensor, device: torch.device | str = "cpu") -> Route:
        """The way of a sample `kept` (batch, edges) through the net.

        Only live edges run. Keep the route if the sample is run again.
        """
        return self.planner.route(live_edges(self.sweep, _on_host(kept)), torch.device(device))

    def forward(
        self, inputs: Inputs, kept: Booleans | Tensor | Route | None = None
    ) -> Tensor | dict[str, Tensor]:
        """Run a batch.

        `inputs`: (batch, …) for one source, a mapping from source names for several.
        `kept`: the sample, Boolean (batch, edges), or (edges,) for all examples alike,
        or its `route`; None keeps every edge. Gives (batch, …) for one target, a
        mapping from target names for several; examples that do not reach a target are
        zero there.
        """
        first = inputs if isinstance(inputs, Tensor) else next(iter(inputs.values()))
        values = self._sources(inputs)
        route = kept if isinstance(kept, Route) else self._route_of(kept, first.shape[0], first.device)
        if route.batch != first.shape[0]:
            raise ValueError(
                f"the sample has {route.batch} rows and the batch {first.shape[0]} examples: they must agree"
            )
        taken: dict[int, Taken] = {}  # live edge that has not run yet → what comes into it
        made: dict[int, Tensor] = {}
        for handout in route.sources:
            self._hand_out(values.pop(handout.node), handout, taken)
        with running_users_code() if self.foreign else nullcontext():
            for step in route.nodes:
                self._node(step, taken, made)
        outputs = {}
        for name, node, rows in zip(
            self.fabric.targets, self.fabric.target_indices, route.targets, strict=True
        ):
            value = made[node] if node in made else first.new_zeros(0, *self.profile.node_shapes[node])
            outputs[name] = spread_rows(value, rows, route.batch)
        return outputs if len(outputs) > 1 else next(iter(outputs.values()))

    def _route_of(self, kept: Booleans | Tensor | None, batch: int, device: torch.device) -> Route:
        row = np.ones(len(self.fabric.edges), dtype=np.bool_) if kept is None else _on_host(kept)
        return self.route(row[None].repeat(batch, axis=0) if row.ndim == 1 else row, device)

    def _sources(self, inputs: Inputs) -> dict[int, Tensor]:
        if isinstance(inputs, Tensor):
            inputs = {self.fabric.sources[0]: inputs}
        if set(inputs) != set(self.fabric.sources):
            raise ValueError(
                f"inputs are for {', '.join(inputs)}, but the sources are {', '.join(self.fabric.sources)}"
            )
        sizes = {name: value.shape[0] for name, value in inputs.items()}
        if len(set(sizes.values())) > 1:
            raise ValueError(
                "the inputs have different batch sizes: "
                f"{', '.join(f'{name} {size}' for name, size in sizes.items())}"
            )
        nodes = {self.fabric.node_index[name]: value for name, value in inputs.items()}
        return {node: self._activated(node, value) for node, value in nodes.items()}

    def _node(self, step: NodeStep, taken: dict[int, Taken], made: dict[int, Tensor]) -> None:
        """Make a node's value of what its edges have `taken`, and hand it out.

        The value of a target goes to `made`.
        """
        node = self.fabric.nodes[step.node]
        parts = []
        for edge, rows in zip(step.edges, step.rows, strict=True):
            x = taken.pop(edge)
            part = run_on(x, self._operation(edge, thinned=x.step > 1))
            del x  # the value is forgotten after its last use
            parts.append(MergePart(part, rows, self.concat_offsets[edge]))
        place = Place(step.count, step.present, self.profile.node_shapes[step.node][0])
        value = self._activated(step.node, MERGES[node.merge].function(parts, place))
        self._hand_out(value, step.handout, taken)
        if step.node in self.fabric.target_indices:
            made[step.node] = value

    def _hand_out(self, value: Tensor, handout: Handout, taken: dict[int, Taken]) -> None:
        steps = [self.thinning(edge) for edge in handout.edges]
        taken.update(zip(handout.edges, take_rows(value, handout.rows, steps), strict=True))

    def _operation(self, edge: int, *, thinned: bool) -> Callable[[Tensor], Tensor]:
        """An edge's module, watched if it is the user's; or what runs it on the pixels
        alone that it reads.
        """
        module, it = self.operations[edge], self.fabric.edges[edge]
        if thinned:
            return partial(run_thinned, module)
        if edge not in self.watched:
            return module
        return WatchedOperation(f"{it.name}: {it.op}", module, self.profile.edge_shapes[edge])

    def _activated(self, node: int, value: Tensor) -> Tensor:
        activation = activation_function(self.fabric.nodes[node].activation)
        return value if activation is None else activation(value)


@without_collector()
def compile_fabric(fabric: Fabric | FabricProfile, *, seed: int | None = None) -> SuperNet:
    """Compile a fabric to a SuperNet.

    Its weights are drawn from `seed`, or from torch's global generator where that is
    None.

    Raises:
        FabricError: shapes that do not fit, or more than `MAX_PARAMETERS` parameters.
    """
    profile = fabric if isinstance(fabric, FabricProfile) else profile_fabric(fabric)
    _check_size(profile)
    if seed is None:
        return SuperNet(profile)
    with torch.random.fork_rng(devices=[]):
        # torch.manual_seed would also seed accelerators, which nothing here restores
        torch.default_generator.manual_seed(seed)
        return SuperNet(profile)


def _on_host(kept: Booleans | Tensor) -> Booleans:
    """A sample as numpy, wherever it comes from."""
    sample: Booleans = kept.detach().cpu().numpy() if isinstance(kept, Tensor) else kept
    return sample


def _check_size(profile: FabricProfile) -> None:
    """Refuse a network that no machine could hold, before anything is allocated."""
    total = int(profile.params.sum())
    if total > MAX_PARAMETERS:
        largest = int(profile.params.argmax())
        what = f"the network has {total:,} parameters, {int(profile.params[largest]):,} of them on this edge"
        cure = f"at most {MAX_PARAMETERS:,} are built: give its operations fewer channels or smaller kernels"
        edge = profile.fabric.edges[largest]
        raise FabricError(profile.fabric.name or "fabric", [Problem(what, f"edge {edge.name}", cure)])


def _concat_offsets(profile: FabricProfile) -> tuple[int, ...]:
    """The first channel of each edge's slot; 0 where the merge has no slots."""
    offsets = [0] * len(profile.fabric.edges)
    for node, incoming in zip(profile.fabric.nodes, profile.fabric.incoming, strict=True):
        start = 0
        if MERGES[node.merge].slots:
            for edge in incoming:
                recorded = profile.fabric.edges[edge].concat_offset
                offsets[edge] = start if recorded is None else recorded
                start += profile.edge_shapes[edge][0]
    return tuple(offsets)
