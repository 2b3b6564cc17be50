"""The table of tasks: what a target must give, its loss, what is measured, what a
prediction is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from bsngraph.data import Dataset, TaskKind
from bsngraph.ops import Shape
from bsngraph.tasks.label_facts import LabelFacts
from bsngraph.tasks.losses import binary_cross_entropy, cross_entropy, pixel_cross_entropy, squared_error
from bsngraph.tasks.metrics import Accuracy, Errors, LabelRanking, Meter, Metric, PixelOverlap


@dataclass(frozen=True)
class TaskRow:
    """A kind of task.

    `output_shape(dataset)` is the shape that a target must give, `has(shape)` says it
    in words, `cure(shape, given)` what to do where a fabric gives another.
    `losses(outputs, labels, facts)` is the loss of each example (batch,),
    `meter(facts)` measures a split, and `predictions(outputs, facts)` is what is
    predicted. `headline` is the metric that is shown.
    """

    headline: Metric
    output_shape: Callable[[Dataset], Shape]
    has: Callable[[Shape], str]
    cure: Callable[[Shape, Shape], str]
    losses: Callable[[Tensor, Tensor, LabelFacts], Tensor]
    meter: Callable[[LabelFacts], Meter]
    predictions: Callable[[Tensor, LabelFacts], Tensor]
    takes_weights: bool = False


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
        losses=cross_entropy,
        meter=lambda facts: Accuracy(),
        predictions=lambda scores, facts: scores.argmax(dim=1),
        takes_weights=True,
    ),
    "segmentation": TaskRow(
        headline=Metric("mean_iou", "mean IoU"),
        output_shape=lambda dataset: (len(dataset.class_names), *dataset.input_shape[1:]),
        has=lambda shape: f"{shape[0]} classes for each of {shape[1]}x{shape[2]} pixels",
        cure=_set_pixels,
        losses=pixel_cross_entropy,
        meter=lambda facts: PixelOverlap(facts.class_names, facts.ignore_label),
        predictions=lambda scores, facts: scores.argmax(dim=1),
        takes_weights=True,
    ),
    "regression": TaskRow(
        headline=Metric("rmse", "RMSE", percent=False, higher_is_better=False),
        output_shape=_vector,
        has=lambda shape: f"{shape[0]} outputs",
        cure=_set_outputs,
        losses=squared_error,
        meter=lambda facts: Errors(facts.class_names, facts.mean, facts.std),
        predictions=lambda outputs, facts: outputs * facts.std + facts.mean,
    ),
    "multi-label": TaskRow(
        headline=Metric("mean_average_precision", "mean average precision"),
        output_shape=_vector,
        has=_has_classes,
        cure=_set_classes,
        losses=binary_cross_entropy,
        meter=lambda facts: LabelRanking(facts.class_names),
        predictions=lambda logits, facts: logits > 0,
    ),
}
