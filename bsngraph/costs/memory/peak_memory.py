"""`memory`: the peak of the activations of one example.

What is alive is followed while a sample's own network runs.

In: a fabric's profile. Out: a cost, whose value for live edges (batch, edges) is
(batch,) bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bsngraph.costs.cost import Costs
from bsngraph.costs.memory.memory_arrays import MemoryArrays, memory_arrays
from bsngraph.costs.memory.running_memory import RunningMemory
from bsngraph.fabric import Booleans
from bsngraph.profile import FabricProfile

_AT_ONCE = 1024
_MOST_VALUES = 2**22  # evaluated at once, samples times nodes or edges, so that memory stays bounded


@dataclass(frozen=True, eq=False)
class PeakMemory:
    """`memory`: the most bytes of activations alive at once for one float32 example.

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
        """The peak of each sample in bytes: (batch,), 0 where nothing is live.

        `live` are live edges (batch, edges) Boolean.
        """
        fabric = self.profile.fabric
        rows = max(1, min(_AT_ONCE, _MOST_VALUES // (len(fabric.nodes) + len(fabric.edges))))
        chunks = [
            RunningMemory(self._arrays, live[start : start + rows]).run()
            for start in range(0, len(live), rows)
        ]
        return np.concatenate(chunks).astype(np.float64) if chunks else np.zeros(0)

    @cached_property
    def _arrays(self) -> MemoryArrays:
        return memory_arrays(self.profile)
