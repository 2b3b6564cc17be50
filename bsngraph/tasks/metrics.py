"""What is measured on a split, task by task: batches of outputs and labels go in, a few
numbers come out.

Counts and sums stay on the device of the outputs until `measured` asks for them, so
that a batch waits for nothing. Each meter takes the outputs of one target as the
network gives them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Metric:
    """How a metric is called in files and on the terminal, and whether it is a share of
    one, shown in percent.
    """

    name: str
    title: str
    percent: bool = True
    higher_is_better: bool = True

    def shown(self, value: float, digits: int = 2) -> str:
        """`mean IoU 61.25 %`, `RMSE 53.2`."""
        return f"{self.title} {self.value(value, digits)}"

    def value(self, value: float, digits: int = 2) -> str:
        """`61.25 %`, `53.2`."""
        return f"{100 * value:.{digits}f} %" if self.percent else f"{value:.{digits + 2}g}"


@dataclass(frozen=True)
class Measured:
    """Metrics of a split, and those that have a value a class (None for a class that
    neither occurs nor is predicted).
    """

    metrics: Mapping[str, float]
    per_class: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)


class Meter(Protocol):
    """Adds up over batches what a task's metrics need."""

    def update(self, outputs: Tensor, labels: Tensor) -> None:
        """Take a batch."""

    def join(self, other: Self) -> None:
        """Take all that another meter of this kind took."""

    def measured(self) -> Measured:
        """The metrics of all batches so far, of which there must be one."""


class Accuracy:
    """Share of examples whose highest score (batch, classes) is at their label
    (batch,), or at the largest of soft labels.
    """

    def __init__(self) -> None:
        self.right: Tensor | int = 0
        self.count = 0

    def update(self, outputs: Tensor, labels: Tensor) -> None:
        hard = labels.argmax(dim=1) if labels.dim() > 1 else labels
        self.right = self.right + (outputs.argmax(dim=1) == hard).sum()
        self.count += len(labels)

    def join(self, other: Accuracy) -> None:
        self.right = self.right + other.right
        self.count += other.count

    def measured(self) -> Measured:
        return Measured({"accuracy": int(self.right) / self.count})


class PixelOverlap:
    """Intersection over union of each class, their mean, and pixel accuracy, by the
    confusion matrix of a whole split.

    Outputs (batch, classes, height, width), labels (batch, height, width); pixels
    labelled `ignore_label` are ignored. The mean is over the classes that occur or
    are predicted (Everingham et al., Pascal VOC, 2010: intersections and unions are
    summed over the split).
    """

    def __init__(self, class_names: Sequence[str], ignore_label: int | None) -> None:
        self.class_names, self.ignore_label = class_names, ignore_label
        # truth · classes + prediction, how often; the last entry gathers what is
        # ignored
        self.pairs: Tensor | None = None

    def update(self, outputs: Tensor, labels: Tensor) -> None:
        self.compare(outputs.argmax(dim=1), labels)

    def compare(self, predicted: Tensor, labels: Tensor) -> None:
        """Take a batch of predicted classes (batch, height, width) and labels."""
        classes = len(self.class_names)
        if self.pairs is None:
            self.pairs = torch.zeros(classes * classes + 1, dtype=torch.int64, device=predicted.device)
        pair = labels.long() * classes + predicted
        if self.ignore_label is not None:
            pair = torch.where(labels == self.ignore_label, classes * classes, pair)
        self.pairs.scatter_add_(0, pair.flatten(), torch.ones_like(pair).flatten())

    def join(self, other: PixelOverlap) -> None:
        if other.pairs is not None:
            self.pairs = other.pairs if self.pairs is None else self.pairs + other.pairs

    def confusion(self) -> Tensor:
        """How often each class (row) was predicted as each (column): (classes,
        classes), int64, on the CPU.
        """
        assert self.pairs is not None
        classes = len(self.class_names)
        return self.pairs[:-1].view(classes, classes).cpu()

    def measured(self) -> Measured:
        confusion = self.confusion().double()
        right, count = confusion.diagonal(), float(confusion.sum())
        union = confusion.sum(dim=0) + confusion.sum(dim=1) - right
        overlaps = [float(part / whole) if whole else None for part, whole in zip(right, union, strict=True)]
        there = [overlap for overlap in overlaps if overlap is not None]
        metrics = {
            "mean_iou": sum(there) / len(there) if there else 0.0,
            "pixel_accuracy": float(right.sum()) / count if count else 0.0,
        }
        return Measured(metrics, {"iou": dict(zip(self.class_names, overlaps, strict=True))})


class Errors:
    """Root mean squared error, mean absolute error and R², in the outputs' own units;
    outputs (batch, n) are standardised, labels are not.

    RMSE and MAE are over all outputs, R² is the mean over them. If the labels of an
    output are all the same, R² is 1 if they are met exactly and 0 if not.
    """

    def __init__(self, names: Sequence[str], mean: Tensor, std: Tensor) -> None:
        self.names, self.mean, self.std = names, mean.double(), std.double()
        self.count = 0
        # of e², |e|, y and y², y standardised
        self.sums = torch.zeros(4, len(names), dtype=torch.float64, device=mean.device)

    def update(self, outputs: Tensor, labels: Tensor) -> None:
        true = (labels.double() - self.mean) / self.std
        error = outputs.double() - true
        self.sums += torch.stack([error.square(), error.abs(), true, true.square()]).sum(dim=1)
        self.count += len(labels)

    def join(self, other: Errors) -> None:
        self.sums += other.sums
        self.count += other.count

    def measured(self) -> Measured:
        squares, absolutes, first, second = self.sums.cpu()
        std = self.std.cpu()
        spread = second - first.square() / self.count
        constant = spread <= 1e-12 * second.clamp(min=1e-12)
        determined = torch.where(
            constant, (squares <= 1e-12).double(), 1 - squares / torch.where(constant, 1.0, spread)
        )
        mean_square = squares * std.square() / self.count
        mean_absolute = absolutes * std / self.count
        metrics = {
            "rmse": float(mean_square.mean().sqrt()),
            "mae": float(mean_absolute.mean()),
            "r2": float(determined.mean()),
        }
        if len(self.names) == 1:
            return Measured(metrics)
        each = {"rmse": mean_square.sqrt(), "mae": mean_absolute, "r2": determined}
        per_output = {
            f"{name}_each": dict(zip(self.names, map(float, values), strict=True))
            for name, values in each.items()
        }
        return Measured(metrics, per_output)


class LabelRanking:
    """Mean average precision, and F1 at probability 0.5 over all decisions (micro) and
    as the mean over classes (macro).

    Outputs (batch, classes) are logits; labels (batch, classes), 1 where a class
    applies. Average precision is scikit-learn's, its mean over the classes that occur.
    F1 of a class that neither occurs nor is predicted is 0.
    """

    def __init__(self, class_names: Sequence[str]) -> None:
        self.class_names = class_names
        self.scores: list[Tensor] = []
        self.labels: list[Tensor] = []

    def update(self, outputs: Tensor, labels: Tensor) -> None:
        self.scores.append(outputs.detach())
        self.labels.append(labels > 0.5)

    def join(self, other: LabelRanking) -> None:
        self.scores += other.scores
        self.labels += other.labels

    def measured(self) -> Measured:
        from sklearn.metrics import average_precision_score

        scores, true = torch.cat(self.scores).cpu().numpy(), torch.cat(self.labels).cpu().numpy()
        precisions = [
            float(average_precision_score(truth, score)) if truth.any() else None
            for truth, score in zip(true.T, scores.T, strict=True)
        ]
        there = [precision for precision in precisions if precision is not None]
        said = scores > 0
        hits, total = (said & true).sum(axis=0), said.sum(axis=0) + true.sum(axis=0)
        each = np.divide(2 * hits, total, out=np.zeros(len(total)), where=total > 0)
        metrics = {
            "mean_average_precision": sum(there) / len(there) if there else 0.0,
            "f1_micro": float(2 * hits.sum() / total.sum()) if total.sum() else 0.0,
            "f1_macro": float(each.mean()),
        }
        return Measured(metrics, {"average_precision": dict(zip(self.class_names, precisions, strict=True))})
