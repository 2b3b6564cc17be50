"""Γ: the probabilities with which searchable edges are kept, as a search learns them.

`Gamma.at(limits)` gives the distribution under limits; `Gamma.step(gradient)` moves it.
Limits are (budgets, rows). This Γ is the same under all of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from bsngraph.costs import Costs
from bsngraph.fabric import Fabric
from bsngraph.searching.learning.gamma.edge_logits import EDGE_OF_CERTAINTY, DecisionIndex, EdgeLogits
from bsngraph.settings import EdgeOptimizer

# How far logits may go while they are learned, if they did not start further:
# sigmoid(5) is 0.993. Without a bound a strong pull makes Γ certain. Then no sample
# differs any more, and the cost stays over its budget or under it, whatever λ is.
FURTHEST = 5.0

_OPTIMIZERS: dict[EdgeOptimizer, type[torch.optim.Adam] | type[torch.optim.SGD]] = {
    "adam": torch.optim.Adam,
    "sgd": torch.optim.SGD,
}


class Gamma:
    """The logits of Γ, (edges,) float64 or `vectors` of them, and the optimizer that
    moves them.

    They start at the probabilities that the fabric's file gives, and at
    `initial_probability` where it gives none. Of a choice no option starts ahead.
    """

    def __init__(
        self,
        fabric: Fabric,
        initial_probability: float,
        optimizer: EdgeOptimizer = "adam",
        rate: float = 0.05,
        *,
        vectors: int = 0,
    ) -> None:
        self.index = DecisionIndex.of(fabric)
        self._edges = tuple(edge.name for edge in fabric.edges)
        starts = [edge.probability for edge in fabric.edges]
        first = [_logit(initial_probability if start is None else start) for start in starts]
        self.logits = torch.tensor(first, dtype=torch.float64)
        for choice in self.index.choices:
            options = [starts[edge] for edge in choice.tolist()]
            # softmax of log p is p
            logs = [0.0 if p is None else math.log(max(p, EDGE_OF_CERTAINTY)) for p in options]
            self.logits[choice] = torch.tensor(logs).double()
        self._bounds = self.logits.abs().clamp(min=FURTHEST)
        self._gaps = [
            max(FURTHEST, float(self.logits[choice].max() - self.logits[choice].min()))
            for choice in self.index.choices
        ]
        self.vectors = vectors
        if vectors:
            self.logits = self.logits.repeat(vectors, 1)
        self.optimizer = _OPTIMIZERS[optimizer]([self.logits], lr=rate)

    def at(self, limits: Costs) -> EdgeLogits:
        """The distribution of samples under limits (budgets, rows), as it is now."""
        return EdgeLogits(self.index, self.logits.clone())

    def step(self, gradient: Tensor) -> None:
        """Move down a gradient of the logits' shape, and clamp them to their bounds.

        Logits of a choice stay as near to its likeliest option.
        """
        self.logits.grad = gradient
        self.optimizer.step()
        free = self.index.free
        bounds = self._bounds[free]
        self.logits[..., free] = self.logits[..., free].clamp(-bounds, bounds)
        for choice, gap in zip(self.index.choices, self._gaps, strict=True):
            options = self.logits[..., choice]
            self.logits[..., choice] = options.clamp(min=options.max(dim=-1, keepdim=True).values - gap)

    def start_from(self, logits: Mapping[str, float], least: float) -> None:
        """Take over logits by edge name, every decision reopened up to `least`.

        Of a choice's options, each is brought up to `least` times the likeliest one's
        probability. With `least` 0 nothing is reopened.
        """
        before = torch.tensor([logits[name] for name in self._edges], dtype=torch.float64)
        opened = before
        if least > 0:
            opened = before.clamp(min=_logit(least))
            for choice in self.index.choices:
                relative = before[choice] - before[choice].max()
                opened[choice] = relative.clamp(min=math.log(least))
        self.logits.copy_(opened.expand_as(self.logits))


def _logit(probability: float) -> float:
    clamped = min(max(probability, EDGE_OF_CERTAINTY), 1 - EDGE_OF_CERTAINTY)
    return math.log(clamped / (1 - clamped))
