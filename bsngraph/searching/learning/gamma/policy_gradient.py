"""The policy gradient of Γ: what samples were worth → ∂E[objective]/∂logits.

REINFORCE (Williams 1992) needs only a value of each sample, so the objective and its
costs need no derivative.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bsngraph.fabric import Booleans
from bsngraph.searching.learning.gamma.edge_logits import EdgeLogits
from bsngraph.settings import Baseline

# How much of its own row a fitted baseline may have; a row that alone decides its
# baseline says nothing.
_ALONE = 1 - 1e-9


def policy_gradient(logits: EdgeLogits, kept: Booleans, objective: Tensor, baseline: Baseline) -> Tensor:
    """An estimate of ∂E[objective]/∂logits: (edges,) float64, or (vectors, edges) where
    rows of logits are mixed from vectors.

    `kept` (batch, edges) are samples of `logits`; `objective` (batch,) is what each is
    worth, to be minimised.
    """
    if logits.mix is None:
        return advantages(objective, baseline) @ logits.score(kept) / len(objective)
    gains = mixed_advantages(objective, logits.mix, baseline)
    return logits.mix.T @ (gains[:, None] * logits.score(kept)) / len(objective)


def advantages(objective: Tensor, baseline: Baseline) -> Tensor:
    """objective (batch,) minus its baseline: (batch,) float64.

    `leave-one-out` is the mean of the others. It does not depend on the row itself, so
    the gradient stays unbiased (Kool et al. 2019). `batch-mean` is the mean of all, as
    in the paper; it shrinks the gradient by (n − 1)/n.
    """
    values = objective.to(torch.float64)
    count = len(values)
    centred = values - values.mean()
    if baseline == "leave-one-out" and count > 1:
        return centred * (count / (count - 1))
    return centred if count > 1 else torch.zeros_like(values)


def mixed_advantages(objective: Tensor, mix: Tensor, baseline: Baseline) -> Tensor:
    """The same where rows stand under different limits: the baseline is the least
    squares fit of objective on `mix` (batch, vectors), a value for each limit.

    `leave-one-out` fits it without the row itself, which its hat matrix gives without
    fitting again: residual / (1 − h_ii).
    """
    values = objective.to(torch.float64)
    hat = mix @ torch.linalg.pinv(mix)
    left = values - hat @ values
    own = hat.diagonal()
    scale = 1 / (1 - own.clamp(max=_ALONE)) if baseline == "leave-one-out" else torch.ones_like(own)
    return torch.where(own < _ALONE, left * scale, 0.0)
