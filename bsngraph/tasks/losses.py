"""The loss of each example of a batch, task by task: outputs and labels in, (batch,)
out.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from bsngraph.tasks.label_facts import LabelFacts


def cross_entropy(scores: Tensor, labels: Tensor, facts: LabelFacts) -> Tensor:
    """Cross-entropy in nats of scores (batch, classes) with labels (batch,), or with
    soft ones (batch, classes): (batch,).
    """
    return functional.cross_entropy(scores, labels, weight=facts.class_weights, reduction="none")


def pixel_cross_entropy(scores: Tensor, labels: Tensor, facts: LabelFacts) -> Tensor:
    """Cross-entropy in nats, the mean over each example's pixels that are not ignored;
    0 if all are: (batch,).
    """
    ignored = -100 if facts.ignore_label is None else facts.ignore_label
    losses = functional.cross_entropy(
        scores, labels.long(), weight=facts.class_weights, ignore_index=ignored, reduction="none"
    )
    return losses.sum(dim=(1, 2)) / (labels != ignored).sum(dim=(1, 2)).clamp(min=1)


def squared_error(outputs: Tensor, labels: Tensor, facts: LabelFacts) -> Tensor:
    """Squared error of standardised outputs, the mean over them: (batch,)."""
    return (outputs - (labels - facts.mean) / facts.std).square().mean(dim=1)


def binary_cross_entropy(logits: Tensor, labels: Tensor, facts: LabelFacts) -> Tensor:
    """Cross-entropy in nats of each yes or no, the mean over classes: (batch,)."""
    return functional.binary_cross_entropy_with_logits(
        logits, labels.to(logits.dtype), reduction="none"
    ).mean(dim=1)
