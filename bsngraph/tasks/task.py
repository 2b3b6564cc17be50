"""A task with what it needs to know about one data set.

A fabric may have several sources, which all get the same example (two views of it), and
several targets (auxiliary heads), which all give the same: the loss is their mean, the
prediction is the first one's.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bsngraph.errors import InputError
from bsngraph.settings import ClassWeights
from bsngraph.tasks.label_facts import LabelFacts, LabelledData
from bsngraph.tasks.metrics import Meter
from bsngraph.tasks.task_table import TASKS, TaskRow

Outputs = Tensor | dict[str, Tensor]


@dataclass(frozen=True)
class Task:
    """A row of the table with the facts of one data set."""

    kind: str
    facts: LabelFacts

    @property
    def row(self) -> TaskRow:
        return TASKS[self.kind]

    def example_losses(self, outputs: Outputs, labels: Tensor) -> Tensor:
        """The loss of each example, the mean over targets: (batch,)."""
        if isinstance(outputs, Tensor):
            return self.row.losses(outputs, labels, self.facts)
        return torch.stack([self.row.losses(each, labels, self.facts) for each in outputs.values()]).mean(
            dim=0
        )

    def meter(self) -> Meter:
        """What measures a split; it takes `first(outputs)`."""
        return self.row.meter(self.facts)

    def predicted(self, outputs: Outputs) -> Tensor:
        """Classes (batch,) or (batch, height, width), amounts (batch, outputs) in their
        own units, or what applies (batch, classes).
        """
        return self.row.predictions(first(outputs), self.facts)


def first(outputs: Outputs) -> Tensor:
    """The outputs of the first target."""
    return outputs if isinstance(outputs, Tensor) else next(iter(outputs.values()))


def task_of(
    dataset: LabelledData, class_weights: ClassWeights = None, device: torch.device | None = None
) -> Task:
    """The task that a data set is for, with the weights of its classes if some are
    asked for; its tensors are on `device` (the CPU).

    Raises:
        InputError: weights for a task without classes, or not one for each class.
    """
    row = TASKS[dataset.task]
    if class_weights is not None and not row.takes_weights:
        takers = " and ".join(kind for kind, other in TASKS.items() if other.takes_weights)
        raise InputError(
            f"class weights are for {takers}, but {dataset.name} is for {dataset.task}: leave out "
            "--class-weights"
        )
    if row.standardised:
        std, mean = torch.std_mean(dataset.train.labels.double(), dim=0, correction=0)
        std = torch.where(std > 0, std, 1.0)
        return Task(
            dataset.task,
            LabelFacts(dataset.class_names, mean=mean.float().to(device), std=std.float().to(device)),
        )
    weights = None if class_weights is None else _class_weights(dataset, class_weights).to(device)
    return Task(dataset.task, LabelFacts(dataset.class_names, dataset.ignore_label, weights))


def _class_weights(dataset: LabelledData, asked: tuple[float, ...] | str) -> Tensor:
    """Weights (classes,) as given, or balanced: n / (k · n_c) for the k classes that
    occur in the training split, 1 for the others.
    """
    classes = len(dataset.class_names)
    if isinstance(asked, tuple):
        if len(asked) != classes:
            raise InputError(
                f"{len(asked)} class weights are given, but {dataset.name} has {classes} classes: give "
                "one for each, or balanced"
            )
        return torch.tensor(asked)
    counts = dataset.train.label_counts(classes).double()
    if dataset.ignore_label is not None and dataset.ignore_label < classes:
        counts[dataset.ignore_label] = 0
    occur = counts > 0
    return torch.where(occur, counts.sum() / (occur.sum() * counts), 1.0).float()
