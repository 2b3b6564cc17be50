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


def policy_gradient(logits: EdgeLogits, kept: Booleans, objective: Tensor, baseline: Baseline) -> Tensor:
    """An estimate of ∂E[objective]/∂logits: (edges,) float64.

    `kept` (batch, edges) are samples of `logits`; `objective` (batch,) is what each is
    worth, to be minimised.
    """
    return advantages(objective, baseline) @ logits.score(kept) / len(objective)


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
