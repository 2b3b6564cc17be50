"""One class for each example: the confusion matrix, as lists that stay short."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bsngraph.delivered.model_facts import ModelFacts
from bsngraph.runs.rows.answers import MOST_PAIRS, ClassAnswers, ClassScore, ConfusedPair

_Counts = NDArray[np.int64]


class ClassRecorder:
    """Predictions and labels (batch,) of a classification."""

    def __init__(self, facts: ModelFacts, examples: int) -> None:
        self.classes = facts.classes
        self.labels: list[Tensor] = []
        self.predicted: list[Tensor] = []

    def update(self, inputs: Tensor, predicted: Tensor, labels: Tensor) -> None:
        self.labels.append(labels.cpu())
        self.predicted.append(predicted.long().cpu())

    def recorded(self) -> ClassAnswers:
        labels, predicted = torch.cat(self.labels).numpy(), torch.cat(self.predicted).numpy()
        both, counts = np.unique(labels * len(self.classes) + predicted, return_counts=True)
        found = confusions(self.classes, both // len(self.classes), both % len(self.classes), counts)
        return ClassAnswers(
            examples=len(labels),
            classes=found.scores(),
            pairs=found.pairs(),
            unlisted=found.unlisted(),
        )


@dataclass(frozen=True)
class Confusions:
    """How often which class was taken for which.

    `labelled`, `predicted` and `right` (classes,) are counts of each class. `mistaken`
    (pairs, 3) are the true class, the predicted one and how often, most frequent first.
    """

    names: tuple[str, ...]
    labelled: _Counts
    predicted: _Counts
    right: _Counts
    mistaken: _Counts

    def scores(self, *, overlaps: bool = False) -> tuple[ClassScore, ...]:
        """The row of each class, `overlaps` with intersection over union."""
        return tuple(
            ClassScore(
                name=name,
                labelled=labelled,
                predicted=predicted,
                right=right,
                precision=ratio(right, predicted),
                recall=ratio(right, labelled),
                iou=ratio(right, labelled + predicted - right) if overlaps else None,
            )
            for name, labelled, predicted, right in zip(
                self.names, self.labelled.tolist(), self.predicted.tolist(), self.right.tolist(), strict=True
            )
        )

    def pairs(self) -> tuple[ConfusedPair, ...]:
        """The pairs that are listed."""
        return tuple(
            ConfusedPair(true=true, predicted=predicted, count=count)
            for true, predicted, count in self.mistaken[:MOST_PAIRS].tolist()
        )

    def unlisted(self) -> int:
        """How much was mistaken in all other pairs."""
        return int(self.mistaken[MOST_PAIRS:, 2].sum())


def confusions(names: tuple[str, ...], true: _Counts, predicted: _Counts, counts: _Counts) -> Confusions:
    """From pairs of classes (pairs,) that occur, and how often (pairs,)."""
    same = true == predicted
    labelled, said, right = np.zeros((3, len(names)), dtype=np.int64)
    np.add.at(labelled, true, counts)
    np.add.at(said, predicted, counts)
    np.add.at(right, true[same], counts[same])
    mistaken = np.stack([true, predicted, counts], axis=1)[~same]
    order = np.lexsort((mistaken[:, 1], mistaken[:, 0], -mistaken[:, 2]))
    return Confusions(names, labelled, said, right, mistaken[order])


def ratio(part: int, whole: int) -> float | None:
    """`part / whole`; None for a whole of 0."""
    return part / whole if whole else None
