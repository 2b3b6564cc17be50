"""Γ: the probabilities with which searchable edges are kept, and their policy gradient.

Each decision is drawn by itself: an edge, or a gate of edges, is kept with probability
sigmoid(logit); of a choice exactly one is kept, with probabilities softmax(logits).
Logits are a vector over all edges of the fabric, so that everything indexes edges the
same way; the first edge of a gate speaks for the others, and fixed edges are always
kept, whatever theirs says.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bsngraph.fabric import Booleans, Fabric
from bsngraph.settings import Baseline

# Probabilities of 0 and 1 in a file are a certainty that no gradient could ever move;
# they start this near instead.
EDGE_OF_CERTAINTY = 1e-4

# How far logits may go while they are learned, if they did not start further:
# sigmoid(5) is 0.993. Without a bound a strong pull makes Γ certain, no sample differs
# any more, and the cost stays where it is, over its budget or under, whatever λ is.
FURTHEST = 5.0


class EdgeDistribution:
    """The distribution of samples H. `leading` (edges,) marks the edges whose logits
    count.
    """

    def __init__(self, fabric: Fabric, initial_probability: float) -> None:
        self.decisions = fabric.decisions
        self.leading = torch.zeros(len(fabric.edges), dtype=torch.bool)
        self.leading[torch.from_numpy(self.decisions.first_edges)] = True
        starts = [edge.probability for edge in fabric.edges]
        self.logits = torch.tensor(
            [_logit(initial_probability if start is None else start) for start in starts], dtype=torch.float64
        )
        for choice in self._choices():
            options = [starts[edge] for edge in choice.tolist()]
            # softmax of log p is p, where the file gives them; where it does not, no
            # option starts ahead.
            self.logits[choice] = torch.tensor(
                [0.0 if p is None else math.log(max(p, EDGE_OF_CERTAINTY)) for p in options]
            ).double()
        self._bounds = self.logits.abs().clamp(min=FURTHEST)
        self._gaps = [
            max(FURTHEST, float(self.logits[choice].max() - self.logits[choice].min()))
            for choice in self._choices()
        ]

    @property
    def probabilities(self) -> Tensor:
        """Γ: (edges,) float64; 1 for fixed edges."""
        return self._probabilities(self.logits)

    def restrain(self) -> None:
        """Keep logits inside their bounds, those of a choice as near to its likeliest
        option.
        """
        free = torch.from_numpy(self.decisions.first_edges)[list(self.decisions.free)]
        self.logits[free] = self.logits[free].clamp(-self._bounds[free], self._bounds[free])
        for choice, gap in zip(self._choices(), self._gaps, strict=True):
            self.logits[choice] = self.logits[choice].clamp(min=float(self.logits[choice].max()) - gap)

    def reopen(self, least: float) -> None:
        """Bring the probability of every decision up to `least`; of a choice's options,
        up to `least` times the likeliest one's.
        """
        if least == 0:
            return
        opened = self.logits.clamp(min=_logit(least))
        for choice in self._choices():
            opened[choice] = (self.logits[choice] - self.logits[choice].max()).clamp(min=math.log(least))
        self.logits.copy_(opened)

    def sample(
        self, count: int, generator: torch.Generator, *, temperature: float = 1.0, shift: Tensor | None = None
    ) -> Booleans:
        """`count` samples: (count, edges) Boolean, of the logits divided by
        `temperature` with `shift` (edges,) added to them.
        """
        first = torch.from_numpy(self.decisions.first_edges)
        logits = self.logits / temperature
        chance = self._probabilities(logits if shift is None else logits + shift)
        values = torch.rand(count, len(first), generator=generator, dtype=torch.float64) < chance[first]
        for variables, choice in zip(self.decisions.choices, self._choices(), strict=True):
            steps = chance[choice].cumsum(0)[:-1]
            drawn = torch.searchsorted(
                steps, torch.rand(count, generator=generator, dtype=torch.float64), right=True
            )
            values[:, list(variables)] = torch.nn.functional.one_hot(drawn, len(variables)).bool()
        return self.decisions.kept(values.numpy())

    def thresholded(self) -> Booleans:
        """The edges with Γ > ½, and of every choice the likeliest: (edges,) Boolean."""
        first = torch.from_numpy(self.decisions.first_edges)
        values = (self.probabilities[first] > 0.5).numpy()
        for variables, choice in zip(self.decisions.choices, self._choices(), strict=True):
            values[list(variables)] = np.arange(len(variables)) == int(self.logits[choice].argmax())
        return self.decisions.kept(values)

    def log_probability(self, live: Booleans) -> NDArray[np.float64]:
        """About how likely each of live edges (batch, edges) is: log Γ of what is live,
        log (1 − Γ) of the rest of the decisions: (batch,).

        What is kept but not live is left out of account, so this ranks architectures
        and is no probability.
        """
        chance = self.probabilities.clamp(EDGE_OF_CERTAINTY, 1 - EDGE_OF_CERTAINTY)
        on, off = (
            torch.where(self.leading, logs, 0.0).numpy() for logs in (chance.log(), (1 - chance).log())
        )
        value: NDArray[np.float64] = live @ on + ~live @ off
        return value

    def entropy(self) -> float:
        """Mean entropy of the decisions, each in shares of what it can be: 1 undecided,
        0 decided; 0 where there are none.
        """
        p = self.probabilities
        free = p[torch.from_numpy(self.decisions.first_edges)[list(self.decisions.free)]]
        shares = [-(torch.xlogy(free, free) + torch.xlogy(1 - free, 1 - free)) / math.log(2)]
        shares += [
            -torch.xlogy(p[choice], p[choice]).sum()[None] / math.log(len(choice))
            for choice in self._choices()
        ]
        every = torch.cat(shares)
        return float(every.mean()) if len(every) else 0.0

    def policy_gradient(self, kept: Booleans, objective: Tensor, baseline: Baseline) -> Tensor:
        """An estimate of ∂E[objective]/∂logits: (edges,) float64.

        REINFORCE (Williams 1992): the score ∂ log p(H)/∂ logit_e is H_e − Γ_e, for a
        choice's softmax as for a sigmoid. `kept` (batch, edges) is the sample whose
        rows had `objective` (batch,), to be minimised.
        """
        # (batch, edges)
        score = (torch.from_numpy(kept).to(torch.float64) - self.probabilities) * self.leading
        return advantages(objective, baseline) @ score / len(objective)

    def _choices(self) -> list[Tensor]:
        """For each choice the leading edges of its options."""
        first = torch.from_numpy(self.decisions.first_edges)
        return [first[list(variables)] for variables in self.decisions.choices]

    def _probabilities(self, logits: Tensor) -> Tensor:
        chance = logits.sigmoid()
        for choice in self._choices():
            chance[choice] = logits[choice].softmax(0)
        first = torch.from_numpy(self.decisions.first_edges)
        padded = torch.cat([chance[first], chance.new_ones(1)])
        return padded[torch.from_numpy(self.decisions.variable_of)]  # −1, the fixed edges, picks the 1


def _logit(probability: float) -> float:
    clipped = min(max(probability, EDGE_OF_CERTAINTY), 1 - EDGE_OF_CERTAINTY)
    return math.log(clipped / (1 - clipped))


def advantages(objective: Tensor, baseline: Baseline) -> Tensor:
    """objective (batch,) minus its baseline.

    `leave-one-out`: the mean of the others, independent of the row itself, so the
    gradient stays unbiased (Kool et al. 2019). `batch-mean`: the mean of all, as in the
    paper; it shrinks the gradient by (n − 1)/n.
    """
    values = objective.to(torch.float64)
    count = len(values)
    centred = values - values.mean()
    if baseline == "leave-one-out" and count > 1:
        return centred * (count / (count - 1))
    return centred if count > 1 else torch.zeros_like(values)
