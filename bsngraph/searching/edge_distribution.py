"""Γ: independent probabilities with which the searchable edges are kept, and their policy gradient.

logits are a vector over all edges of the fabric, so that everything indexes edges the same way; fixed edges are always kept, whatever
theirs says, and get no gradient.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bsngraph.fabric import Booleans, Fabric
from bsngraph.searching.settings import Baseline

# Probabilities of 0 and 1 in a file are certain no gradient could ever move; they start this near instead.
EDGE_OF_CERTAINTY = 1e-4


class EdgeDistribution:
    """H_e ~ Bernoulli(Γ_e), independently, Γ = sigmoid(logits) on the searchable edges and 1 on the fixed ones."""

    def __init__(self, fabric: Fabric, initial_probability: float) -> None:
        starts = [initial_probability if edge.probability is None else edge.probability for edge in fabric.edges]
        clipped = [min(max(start, EDGE_OF_CERTAINTY), 1 - EDGE_OF_CERTAINTY) for start in starts]
        self.logits = torch.tensor([math.log(start / (1 - start)) for start in clipped], dtype=torch.float64)
        self.searchable = torch.tensor([not edge.fixed for edge in fabric.edges])

    @property
    def probabilities(self) -> Tensor:
        """Γ: (edges,) float64."""
        return torch.where(self.searchable, self.logits.sigmoid(), 1.0)

    def sample(self, count: int, generator: torch.Generator, *, shift: Tensor | None = None) -> Booleans:
        """`count` samples: (count, edges) Boolean. `shift` (edges,) is added to the logits."""
        logits = self.logits if shift is None else self.logits + shift
        chance = torch.where(self.searchable, logits.sigmoid(), 1.0)
        kept: Booleans = (torch.rand(count, len(chance), generator=generator, dtype=torch.float64) < chance).numpy()
        return kept

    def thresholded(self) -> Booleans:
        """The edges with Γ > ½: (edges,) Boolean."""
        kept: Booleans = (self.probabilities > 0.5).numpy()
        return kept

    def entropy(self) -> float:
        """Mean entropy of the searchable edges in bits: 1 undecided, 0 decided; 0 where nothing is searchable."""
        if not bool(self.searchable.any()):
            return 0.0
        p = self.probabilities[self.searchable]
        return float(-(torch.xlogy(p, p) + torch.xlogy(1 - p, 1 - p)).mean() / math.log(2))

    def policy_gradient(self, kept: Booleans, objective: Tensor, baseline: Baseline) -> Tensor:
        """An estimate of ∂E[objective]/∂logits: (edges,) float64.

        REINFORCE (Williams 1992): the score ∂ log p(H)/∂ logit_e is H_e − Γ_e. `kept` (batch, edges) is the sample whose rows had
        `objective` (batch,), to be minimised.
        """
        score = torch.from_numpy(kept).to(torch.float64) - self.probabilities  # (batch, edges); 0 on fixed edges
        return advantages(objective, baseline) @ score / len(objective)


def advantages(objective: Tensor, baseline: Baseline) -> Tensor:
    """objective (batch,) minus its baseline.

    `leave-one-out`: the mean of the others, independent of the row itself, so the gradient stays unbiased (Kool et al. 2019).
    `batch-mean`: the mean of all, as in the paper; it shrinks the gradient by (n − 1)/n.
    """
    values = objective.to(torch.float64)
    count = len(values)
    centred = values - values.mean()
    if baseline == "leave-one-out" and count > 1:
        return centred * (count / (count - 1))
    return centred if count > 1 else torch.zeros_like(values)
