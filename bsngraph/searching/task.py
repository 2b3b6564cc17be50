"""What a network is trained for: one table of tasks, and a task with what it needs to know about one data set.

A row of `TASKS` says what a target must give, the loss of each example, what is measured, and what a prediction is. A fabric may
have several sources, which all get the same example (two views of it), and several targets (auxiliary heads), which all give the
same: the loss is their mean, the prediction is the first one's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from bsngraph.data import Dataset, TaskKind
from bsngraph.errors import InputError
from bsngraph.ops import Shape
from bsngraph.searching.layout import laid_out
from bsngraph.searching.metrics import Accuracy, Errors, LabelRanking, Meter, Metric, PixelOverlap
from bsngraph.searching.settings import ClassWeights
from bsngraph.supernet import Route, SuperNet

Outputs = Tensor | dict[str, Tensor]


@dataclass(frozen=True)
class LabelFacts:
    """What losses and metrics need to know about labels: for regression `mean` and `std` (outputs,), of the training split.

    `class_names` are the outputs' names for regression. `class_weights` (classes,) multiply the loss of each label or pixel.
    """

    class_names: tuple[str, ...]
    ignore_label: int | None = None
    class_weights: Tensor | None = None
    mean: Tensor = field(default_factory=lambda: torch.zeros(()))
    std: Tensor = field(default_factory=lambda: torch.ones(()))


@dataclass(frozen=True)
class TaskRow:
    """A kind of task.

    `output_shape(dataset)` is the shape that a target must give, `has(shape)` says it in words, `cure(shape, given)` what to do where a
    fabric gives another. `losses(outputs, labels, facts)` is the loss of each example (batch,), `meter(facts)` measures a split, and
    `predictions(outputs, facts)` is what is predicted. `headline` is the metric that is shown.
    """

    headline: Metric
    output_shape: Callable[[Dataset], Shape]
    has: Callable[[Shape], str]
    cure: Callable[[Shape, Shape], str]
    losses: Callable[[Tensor, Tensor, LabelFacts], Tensor]
    meter: Callable[[LabelFacts], Meter]
    predictions: Callable[[Tensor, LabelFacts], Tensor]
    takes_weights: bool = False


@dataclass(frozen=True)
class Task:
    """A row of the table with the facts of one data set."""

    kind: TaskKind
    facts: LabelFacts

    @property
    def row(self) -> TaskRow:
        return TASKS[self.kind]

    def example_losses(self, outputs: Outputs, labels: Tensor) -> Tensor:
        """The loss of each example, the mean over targets: (batch,)."""
        if isinstance(outputs, Tensor):
            return self.row.losses(outputs, labels, self.facts)
        return torch.stack([self.row.losses(each, labels, self.facts) for each in outputs.values()]).mean(dim=0)

    def meter(self) -> Meter:
        """What measures a split; it takes `first(outputs)`."""
        return self.row.meter(self.facts)

    def predicted(self, outputs: Outputs) -> Tensor:
        """Classes (batch,) or (batch, height, width), amounts (batch, outputs) in their own units, or what applies (batch, classes)."""
        return self.row.predictions(first(outputs), self.facts)


def run_net(net: SuperNet, inputs: Tensor, route: Route) -> Outputs:
    """What each target gives for a batch of examples."""
    sources, inputs = net.fabric.sources, laid_out(net, inputs)
    outputs: Outputs = net(inputs if len(sources) == 1 else dict.fromkeys(sources, inputs), route)
    return outputs


def first(outputs: Outputs) -> Tensor:
    """The outputs of the first target."""
    return outputs if isinstance(outputs, Tensor) else next(iter(outputs.values()))


def task_of(dataset: Dataset, class_weights: ClassWeights = None, device: torch.device | None = None) -> Task:
    """The task that a data set is for, with the weights of its classes where some are asked for; its tensors are on `device` (the CPU).

    Raises:
        InputError: weights for a task without classes, or not one for each class.
    """
    if class_weights is not None and not TASKS[dataset.task].takes_weights:
        takers = " and ".join(kind for kind, row in TASKS.items() if row.takes_weights)
        raise InputError(f"class weights are for {takers}, but {dataset.name} is for {dataset.task}: leave out --class-weights")
    if dataset.task == "regression":
        std, mean = torch.std_mean(dataset.train.labels.double(), dim=0, correction=0)
        std = torch.where(std > 0, std, 1.0)
        return Task("regression", LabelFacts(dataset.class_names, mean=mean.float().to(device), std=std.float().to(device)))
    weights = None if class_weights is None else _class_weights(dataset, class_weights).to(device)
    return Task(dataset.task, LabelFacts(dataset.class_names, dataset.ignore_label, weights))


def _class_weights(dataset: Dataset, asked: tuple[float, ...] | str) -> Tensor:
    """Weights (classes,) as given, or balanced: n / (k · n_c) for the k classes that occur in the training split, 1 for the others."""
    classes = len(dataset.class_names)
    if isinstance(asked, tuple):
        if len(asked) != classes:
            raise InputError(
                f"{len(asked)} class weights are given, but {dataset.name} has {classes} classes: give one for each, or balanced"
            )
        return torch.tensor(asked)
    counts = dataset.train.label_counts(classes).double()
    if dataset.ignore_label is not None and dataset.ignore_label < classes:
        counts[dataset.ignore_label] = 0
    occur = counts > 0
    return torch.where(occur, counts.sum() / (occur.sum() * counts), 1.0).float()


# --- losses


def _cross_entropy(scores: Tensor, labels: Tensor, facts: LabelFacts) -> Tensor:
    """Cross-entropy in nats of scores (batch, classes) with labels (batch,), or with soft ones (batch, classes): (batch,)."""
    return functional.cross_entropy(scores, labels, weight=facts.class_weights, reduction="none")


def _pixel_cross_entropy(scores: Tensor, labels: Tensor, facts: LabelFacts) -> Tensor:
    """Cross-entropy in nats, the mean over each example's pixels that are not ignored; 0 where all are: (batch,)."""
    ignored = -100 if facts.ignore_label is None else facts.ignore_label
    losses = functional.cross_entropy(scores, labels.long(), weight=facts.class_weights, ignore_index=ignored, reduction="none")
    return losses.sum(dim=(1, 2)) / (labels != ignored).sum(dim=(1, 2)).clamp(min=1)


def _squared_error(outputs: Tensor, labels: Tensor, facts: LabelFacts) -> Tensor:
    """Squared error of standardised outputs, the mean over them: (batch,)."""
    return (outputs - (labels - facts.mean) / facts.std).square().mean(dim=1)


def _binary_cross_entropy(logits: Tensor, labels: Tensor, facts: LabelFacts) -> Tensor:
    """Cross-entropy in nats of each yes or no, the mean over classes: (batch,)."""
    return functional.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype), reduction="none").mean(dim=1)


# --- the table


def _vector(dataset: Dataset) -> Shape:
    return (len(dataset.class_names),)


def _has_classes(shape: Shape) -> str:
    return f"{shape[0]} classes"


def _set_classes(shape: Shape, given: Shape) -> str:
    return f"use --set classes={shape[0]}, if the fabric has that parameter, or change its head"


def _set_pixels(shape: Shape, given: Shape) -> str:
    if given[1:] == shape[1:]:
        return _set_classes(shape, given)
    return f"end it in op=segmentation_head with classes={shape[0]}, height={shape[1]}, width={shape[2]}"


def _set_outputs(shape: Shape, given: Shape) -> str:
    return f"use --set outputs={shape[0]}, if the fabric has that parameter, or change its head"


TASKS: dict[TaskKind, TaskRow] = {
    "classification": TaskRow(
        headline=Metric("accuracy", "accuracy"),
        output_shape=_vector,
        has=_has_classes,
        cure=_set_classes,
        losses=_cross_entropy,
        meter=lambda facts: Accuracy(),
        predictions=lambda scores, facts: scores.argmax(dim=1),
        takes_weights=True,
    ),
    "segmentation": TaskRow(
        headline=Metric("mean_iou", "mean IoU"),
        output_shape=lambda dataset: (len(dataset.class_names), *dataset.input_shape[1:]),
        has=lambda shape: f"{shape[0]} classes for each of {shape[1]}x{shape[2]} pixels",
        cure=_set_pixels,
        losses=_pixel_cross_entropy,
        meter=lambda facts: PixelOverlap(facts.class_names, facts.ignore_label),
        predictions=lambda scores, facts: scores.argmax(dim=1),
        takes_weights=True,
    ),
    "regression": TaskRow(
        headline=Metric("rmse", "RMSE", percent=False, higher_is_better=False),
        output_shape=_vector,
        has=lambda shape: f"{shape[0]} outputs",
        cure=_set_outputs,
        losses=_squared_error,
        meter=lambda facts: Errors(facts.class_names, facts.mean, facts.std),
        predictions=lambda outputs, facts: outputs * facts.std + facts.mean,
    ),
    "multi-label": TaskRow(
        headline=Metric("mean_average_precision", "mean average precision"),
        output_shape=_vector,
        has=_has_classes,
        cure=_set_classes,
        losses=_binary_cross_entropy,
        meter=lambda facts: LabelRanking(facts.class_names),
        predictions=lambda logits, facts: logits > 0,
    ),
}
