"""The table of tasks. A task is one row of `TASKS`: what its labels look like, what a
target must give, its loss, what is measured, what a prediction is and how it is
written. Everything else asks the row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

from bsngraph.ops import Shape
from bsngraph.tasks import label_conversions as conversions
from bsngraph.tasks.answer_tables import EACH_AMOUNT, ONE_CLASS, SEVERAL_CLASSES, AnswerTable
from bsngraph.tasks.answers import ONE_OF_THE_CLASSES, THE_AMOUNTS, WHAT_APPLIES, AnswerForm
from bsngraph.tasks.label_conversions import Conversion
from bsngraph.tasks.label_facts import LabelFacts
from bsngraph.tasks.label_forms import AMOUNTS, CLASS, CLASS_MAP, DECISIONS, LabelForm
from bsngraph.tasks.losses import binary_cross_entropy, cross_entropy, pixel_cross_entropy, squared_error
from bsngraph.tasks.metrics import Accuracy, Errors, LabelRanking, Meter, Metric, PixelOverlap


@dataclass(frozen=True)
class TaskRow:
    """A kind of task.

    `labels` is the form of its labels. `output_shape(classes, input_shape)` is the
    shape that a target must give, `has(shape)` says it in words, `cure(shape, given)`
    what to do if a fabric gives another.

    `losses(outputs, labels, facts)` is the loss of each example (batch,),
    `meter(facts)` measures a split, and `predictions(outputs, facts)` is what is
    predicted. `headline` is the metric that is shown. `answers` is the table that
    predictions are written in; None if they are maps of classes, written as pictures.
    `form` is what the network answers when it is exported.

    `takes_weights`: classes may have weights. `takes_soft_labels`: the loss takes
    shares of the classes (batch, classes), as mixup makes them. `standardised`: outputs
    have the scale of labels with zero mean and unit deviation. `converts_from`: the
    tasks whose labels can serve this one. `column_name` numbers outputs without a name.
    """

    labels: LabelForm
    headline: Metric
    output_shape: Callable[[int, Shape], Shape]
    has: Callable[[Shape], str]
    cure: Callable[[Shape, Shape], str]
    losses: Callable[[Tensor, Tensor, LabelFacts], Tensor]
    meter: Callable[[LabelFacts], Meter]
    predictions: Callable[[Tensor, LabelFacts], Tensor]
    answers: AnswerTable | None
    form: AnswerForm = ONE_OF_THE_CLASSES
    takes_weights: bool = False
    takes_soft_labels: bool = False
    standardised: bool = False
    converts_from: Mapping[str, Conversion] = field(default_factory=dict)
    column_name: str = "{}"


def _vector(classes: int, _input_shape: Shape) -> Shape:
    return (classes,)


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


# The task of labels that nothing is said about is the first one they look right for.
TASKS: dict[str, TaskRow] = {
    "classification": TaskRow(
        labels=CLASS,
        headline=Metric("accuracy", "accuracy"),
        output_shape=_vector,
        has=_has_classes,
        cure=_set_classes,
        losses=cross_entropy,
        meter=lambda facts: Accuracy(),
        predictions=lambda scores, facts: scores.argmax(dim=1),
        answers=ONE_CLASS,
        takes_weights=True,
        takes_soft_labels=True,
        converts_from={"regression": conversions.amounts_to_classes},
    ),
    "segmentation": TaskRow(
        labels=CLASS_MAP,
        headline=Metric("mean_iou", "mean IoU"),
        output_shape=lambda classes, input_shape: (classes, *input_shape[1:]),
        has=lambda shape: f"{shape[0]} classes for each of {shape[1]}x{shape[2]} pixels",
        cure=_set_pixels,
        losses=pixel_cross_entropy,
        meter=lambda facts: PixelOverlap(facts.class_names, facts.ignore_label),
        predictions=lambda scores, facts: scores.argmax(dim=1),
        answers=None,
        takes_weights=True,
    ),
    "regression": TaskRow(
        labels=AMOUNTS,
        headline=Metric("rmse", "RMSE", percent=False, higher_is_better=False),
        output_shape=_vector,
        has=lambda shape: f"{shape[0]} outputs",
        cure=_set_outputs,
        losses=squared_error,
        meter=lambda facts: Errors(facts.class_names, facts.mean, facts.std),
        predictions=lambda outputs, facts: outputs * facts.std + facts.mean,
        answers=EACH_AMOUNT,
        form=THE_AMOUNTS,
        standardised=True,
        converts_from={
            "classification": conversions.classes_to_amounts,
            "multi-label": conversions.decisions_to_amounts,
        },
        column_name="y{}",
    ),
    "multi-label": TaskRow(
        labels=DECISIONS,
        headline=Metric("mean_average_precision", "mean average precision"),
        output_shape=_vector,
        has=_has_classes,
        cure=_set_classes,
        losses=binary_cross_entropy,
        meter=lambda facts: LabelRanking(facts.class_names),
        predictions=lambda logits, facts: logits > 0,
        answers=SEVERAL_CLASSES,
        form=WHAT_APPLIES,
        converts_from={
            "classification": conversions.classes_to_decisions,
            "regression": conversions.amounts_to_decisions,
        },
    ),
}
