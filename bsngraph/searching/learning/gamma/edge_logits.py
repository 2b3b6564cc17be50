"""A distribution of samples H, frozen: one logit an edge, and what can be asked of it.

Each decision is drawn by itself. An edge, or a gate of edges, is kept with probability
sigmoid(logit); of a choice exactly one option is kept, with probabilities
softmax(logits). Logits are a vector over all edges of the fabric, so that everything
indexes edges the same way, or a row of such vectors, a distribution for each sample.
The first edge of a gate speaks for the others, and fixed edges are always kept,
whatever theirs says.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bsngraph.fabric import Booleans, Decisions, Fabric

# Probabilities of 0 and 1 in a file are a certainty that no gradient could ever move.
# They start this near instead.
EDGE_OF_CERTAINTY = 1e-4


@dataclass(frozen=True, eq=False)
class DecisionIndex:
    """A fabric's decisions as tensors of edge indices.

    `first` (variables,) is the first edge of each variable, `free` of those of no
    choice; `choices` has a tensor of such edges for each choice. `variable_of` (edges,)
    is each edge's variable, −1 for fixed edges. `leading` (edges,) marks the edges
    whose logits count.
    """

    decisions: Decisions
    first: Tensor
    free: Tensor
    choices: tuple[Tensor, ...]
    variable_of: Tensor
    leading: Tensor

    @staticmethod
    def of(fabric: Fabric) -> DecisionIndex:
        """The index of a fabric."""
        decisions = fabric.decisions
        first = torch.from_numpy(decisions.first_edges)
        leading = torch.zeros(len(fabric.edges), dtype=torch.bool)
        leading[first] = True
        choices = tuple(first[list(variables)] for variables in decisions.choices)
        variable_of = torch.from_numpy(decisions.variable_of)
        return DecisionIndex(decisions, first, first[list(decisions.free)], choices, variable_of, leading)


@dataclass(frozen=True, eq=False)
class EdgeLogits:
    """The distribution of samples that `logits` (edges,) float64 give, or those that
    (rows, edges) give, one a row.

    Rows are mixed from fewer vectors: row = `mix` (rows, vectors) @ vectors. Without
    rows there is no mix.
    """

    index: DecisionIndex
    logits: Tensor
    mix: Tensor | None = None

    @cached_property
    def probabilities(self) -> Tensor:
        """Γ: (edges,) float64, or (rows, edges); 1 for fixed edges."""
        return self._probabilities(self.logits)

    def sample(
        self,
        count: int,
        generator: torch.Generator,
        *,
        temperature: float = 1.0,
        shift: Tensor | None = None,
    ) -> Booleans:
        """`count` samples, (count, edges) Boolean; with rows, `count` is their number.

        They are drawn from the logits divided by `temperature`, with `shift` (edges,)
        added.
        """
        index = self.index
        logits = self.logits / temperature
        chance = self._probabilities(logits if shift is None else logits + shift)
        uniform = torch.rand(count, len(index.first), generator=generator, dtype=torch.float64)
        values = uniform < chance[..., index.first]
        for variables, choice in zip(index.decisions.choices, index.choices, strict=True):
            steps = chance[..., choice].cumsum(-1)[..., :-1]
            uniform = torch.rand(count, generator=generator, dtype=torch.float64)
            drawn = (steps.reshape(-1, len(variables) - 1) <= uniform[:, None]).sum(dim=1)
            values[:, list(variables)] = torch.nn.functional.one_hot(drawn, len(variables)).bool()
        return index.decisions.kept(values.numpy())

    def open(self) -> EdgeLogits:
        """The distribution in which nothing is decided: p = ½, options alike."""
        return EdgeLogits(self.index, torch.zeros(self.logits.shape[-1], dtype=torch.float64))

    def thresholded(self) -> Booleans:
        """The edges with Γ > ½, and of every choice the likeliest: (edges,) Boolean, or
        (rows, edges).
        """
        index = self.index
        values = (self.probabilities[..., index.first] > 0.5).numpy()
        for variables, choice in zip(index.decisions.choices, index.choices, strict=True):
            likeliest = self.logits[..., choice].argmax(dim=-1, keepdim=True).numpy()
            values[..., list(variables)] = np.arange(len(variables)) == likeliest
        return index.decisions.kept(values)

    def log_probability(self, live: Booleans) -> NDArray[np.float64]:
        """About how likely each of live edges (batch, edges) is: (batch,).

        It is log Γ of what is live plus log (1 − Γ) of the other decisions. Edges that
        are kept but not live are left out of account, so this ranks architectures and
        is not a probability.
        """
        chance = self.probabilities.clamp(EDGE_OF_CERTAINTY, 1 - EDGE_OF_CERTAINTY)
        logs = chance.log(), (1 - chance).log()
        on, off = (torch.where(self.index.leading, log, 0.0).numpy() for log in logs)
        value: NDArray[np.float64] = live @ on + ~live @ off
        return value

    def entropy(self) -> float:
        """The mean entropy of the decisions, each in shares of what it can be, over all
        rows.

        It is 1 where nothing is decided, 0 where all is, and 0 without decisions.
        """
        p = self.probabilities
        free = p[..., self.index.free].reshape(-1)
        shares = [-(torch.xlogy(free, free) + torch.xlogy(1 - free, 1 - free)) / math.log(2)]
        for choice in self.index.choices:
            options = p[..., choice]
            shares.append(-torch.xlogy(options, options).sum(-1).reshape(-1) / math.log(len(choice)))
        every = torch.cat(shares)
        return float(every.mean()) if len(every) else 0.0

    def score(self, kept: Booleans) -> Tensor:
        """∂ log p(H)/∂ logit_e = H_e − Γ_e of samples (batch, edges): (batch, edges).

        It is the same for a choice's softmax as for a sigmoid.
        """
        return (torch.from_numpy(kept).to(torch.float64) - self.probabilities) * self.index.leading

    def _probabilities(self, logits: Tensor) -> Tensor:
        chance = logits.sigmoid()
        for choice in self.index.choices:
            chance[..., choice] = logits[..., choice].softmax(-1)
        padded = torch.cat([chance[..., self.index.first], chance.new_ones(*chance.shape[:-1], 1)], dim=-1)
        return padded[..., self.index.variable_of]  # −1, the fixed edges, picks the 1
