"""What applies to each example: right and wrong decisions of each class."""

from __future__ import annotations

import torch
from torch import Tensor

from bsngraph.delivered.model_facts import ModelFacts
from bsngraph.delivered.recording.classes import ratio
from bsngraph.runs.rows.answers import DecisionAnswers, DecisionScore


class DecisionRecorder:
    """Predictions and labels (batch, classes) of a multi-label task."""

    def __init__(self, facts: ModelFacts, examples: int) -> None:
        self.classes = facts.classes
        self.examples = self.wholly_right = 0
        # of what applies, what is predicted, and both
        self.counts = torch.zeros(3, len(facts.classes), dtype=torch.int64)

    def update(self, inputs: Tensor, predicted: Tensor, labels: Tensor) -> None:
        true, said = (labels > 0.5).cpu(), predicted.bool().cpu()
        self.examples += len(true)
        self.wholly_right += int((true == said).all(dim=1).sum())
        self.counts += torch.stack([true, said, true & said]).sum(dim=1)

    def recorded(self) -> DecisionAnswers:
        return DecisionAnswers(
            examples=self.examples,
            wholly_right=self.wholly_right,
            classes=tuple(
                DecisionScore(
                    name=name,
                    labelled=labelled,
                    predicted=predicted,
                    right=right,
                    precision=ratio(right, predicted),
                    recall=ratio(right, labelled),
                    f1=ratio(2 * right, labelled + predicted),
                )
                for name, (labelled, predicted, right) in zip(
                    self.classes, self.counts.T.tolist(), strict=True
                )
            ),
        )
