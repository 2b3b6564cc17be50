"""Dense and masked execution, as the first BSN code does it: the reference that sampled
execution is measured against.

Every edge runs for every example and its result is multiplied by its gate; which gates
are open is found node by node. It shares the operations (and so the weights) of a
SuperNet whose nodes merge by sum. With the channels last, its strided 1x1 convolutions
get the pixels alone that they read, as in sampled execution.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bsngraph.ops.activations import activation_function
from bsngraph.supernet import SuperNet
from bsngraph.supernet.thinned import run_thinned, thinning


class DenseMasked(nn.Module):
    """Runs a SuperNet's operations densely, with the channels `last` or first."""

    def __init__(self, net: SuperNet, *, last: bool = False) -> None:
        super().__init__()
        assert all(node.merge == "sum" for node in net.fabric.nodes)
        self.fabric = net.fabric
        self.operations = net.operations
        self.steps = [thinning(operation) if last else 1 for operation in net.operations]

    def live(self, kept: Tensor) -> Tensor:
        """Live edges of samples (batch, edges), node by node."""
        fabric = self.fabric
        nothing = torch.zeros_like(kept[:, 0])
        reached = [
            torch.ones_like(nothing) if n in fabric.source_indices else nothing
            for n in range(len(fabric.nodes))
        ]
        for node, incoming in enumerate(fabric.incoming):
            for edge in incoming:
                reached[node] = reached[node] | (kept[:, edge] & reached[fabric.endpoints[edge][0]])
        leads = [
            torch.ones_like(nothing) if n in fabric.target_indices else nothing
            for n in range(len(fabric.nodes))
        ]
        for node in reversed(range(len(fabric.nodes))):
            for edge in fabric.incoming[node]:
                source = fabric.endpoints[edge][0]
                leads[source] = leads[source] | (kept[:, edge] & leads[node])
        columns = [
            kept[:, edge] & reached[source] & leads[target]
            for edge, (source, target) in enumerate(fabric.endpoints)
        ]
        return torch.stack(columns, dim=1)

    def forward(self, inputs: Tensor, live: Tensor) -> Tensor:
        """Scores of a batch under live edges (batch, edges)."""
        gates = live.to(inputs.dtype)
        values: list[Tensor] = []
        for node, incoming in enumerate(self.fabric.incoming):
            if not incoming:
                values.append(inputs)
                continue
            total: Tensor | None = None
            for edge in incoming:
                value = self._run(edge, values[self.fabric.endpoints[edge][0]])
                value = value * gates[:, edge].view(-1, *[1] * (value.dim() - 1))
                total = value if total is None else total + value
            assert total is not None
            activation = activation_function(self.fabric.nodes[node].activation)
            values.append(total if activation is None else activation(total))
        return values[self.fabric.target_indices[0]]

    def _run(self, edge: int, x: Tensor) -> Tensor:
        step = self.steps[edge]
        if step == 1:
            result: Tensor = self.operations[edge](x)
            return result
        thin = x[:, :, ::step, ::step].contiguous(memory_format=torch.channels_last)
        return run_thinned(self.operations[edge], thin)
