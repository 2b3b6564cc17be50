"""From arrays to a `Dataset`: which task the labels are for, whether they make sense,
statistics of the training split.

In: NumPy arrays in the source's order. Out: a `Dataset` in memory, with labels of the
type that its task has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from bsngraph.data.augmentation import Augmentation
from bsngraph.data.dataset import Dataset, Split
from bsngraph.data.grouping.grouped_rows import GroupedDrawing, grouped_rows
from bsngraph.data.grouping.groups import ExampleGroups
from bsngraph.data.reading.precision import ROUNDING_NOISE, check_finite_values, coarse_channels, stored
from bsngraph.data.request import Request
from bsngraph.data.splits import Part, Rows, SplitRows, split_rows
from bsngraph.errors import InputError
from bsngraph.tasks.label_forms import Array
from bsngraph.tasks.task_table import TASKS

_AT_ONCE = 4096
IGNORED = 255
"""The label of ignored pixels, in masks from files: what PASCAL VOC and
others write.
"""


def draw(
    request: Request,
    task: str,
    labels: Array,
    class_names: Sequence[str],
    *,
    numbering: str,
    given: Mapping[Part, Rows] | None = None,
    counts: Mapping[Part, int] | None = None,
    groups: ExampleGroups | None = None,
) -> SplitRows:
    """The splits of examples with these labels, stratified if each has one class, and
    by whole groups if they have some.

    The options `train`, `validation` and `test` of the name, if the source has them,
    say how many examples are drawn for each.
    """
    asked: dict[Part, int] = dict(counts or {})
    parts: tuple[Part, ...] = ("train", "validation", "test")
    for part in parts:
        count = request.number(part)
        if count is not None:
            asked[part] = count
    classes = TASKS[task].labels.layout == "class"
    strata = labels.astype(np.int64) if classes else np.zeros(len(labels), dtype=np.int64)
    names = class_names if classes else ("all",)
    if groups is not None:
        how = GroupedDrawing(request.text, request.split_seed, asked, request.shares, request.notify)
        return grouped_rows(strata, names, groups, how, numbering=numbering, given=given)
    return split_rows(
        strata,
        names,
        request.split_seed,
        origin=request.text,
        numbering=numbering,
        given=given,
        counts=asked,
        shares=request.shares,
    )


def make_dataset(
    request: Request,
    inputs: Array,
    labels: Array,
    rows: SplitRows,
    class_names: Sequence[str],
    *,
    task: str = "classification",
    augmentation: Augmentation | None = None,
    ignore_label: int | None = None,
    skipped: Sequence[str] = (),
    feature_names: Sequence[str] | None = None,
) -> Dataset:
    """A data set in memory from all inputs (n, …) and labels of a source.

    Raises:
        InputError: labels that the task does not take, values that are no numbers.
    """
    check_labels(request.text, labels, task, len(class_names), ignore_label)
    check_finite_values(request.text, inputs)
    values, form = stored(request.text, inputs), TASKS[task].labels
    if form.layout == "columns":
        _check_columns(request, labels, class_names)
    targets = labels.astype(torch.empty(0, dtype=form.dtype).numpy().dtype)

    def split(some: Rows) -> Split:
        return Split(torch.from_numpy(values[some]), torch.from_numpy(targets[some]))

    train, unused = split(rows.train), rows.unused(len(values))
    mean, std = statistics(train.inputs)
    return Dataset(
        name=request.text,
        class_names=tuple(class_names),
        mean=mean,
        std=std,
        train=train,
        validation=split(rows.validation),
        test=split(rows.test),
        augmentation=augmentation or usual_augmentation(tuple(inputs.shape[1:])),
        task=task,
        ignore_label=ignore_label,
        rows=rows,
        skipped=tuple(skipped),
        feature_names=None if feature_names is None else tuple(feature_names),
        unused=split(unused) if len(unused) else None,
    )


def usual_augmentation(input_shape: tuple[int, ...]) -> Augmentation:
    """What does no harm to images of any kind: shifts by an eighth of the shorter side.

    Flips would harm digits. Sequences and vectors have no augmentation.
    """
    return Augmentation(shift=min(input_shape[1:]) // 8) if len(input_shape) == 3 else Augmentation()


def statistics(inputs: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation a channel (feature, for sequences and vectors) in float64; a
    channel that never changes has deviation 1.
    """
    channel = 2 if inputs.dim() == 3 else 1
    means, deviations = [], []
    for one in range(inputs.shape[channel]):
        values = inputs.select(channel, one).numpy()
        # float64 is eight times as large as uint8
        parts = [values] if len(values) < _AT_ONCE else np.array_split(values, len(values) // _AT_ONCE + 1)
        mean = sum(float(part.sum(dtype=np.float64)) for part in parts) / values.size
        variance = sum(float(np.square(part.astype(np.float64) - mean).sum()) for part in parts) / values.size
        deviation = variance**0.5
        means.append(mean)
        # the mean of equal values may be off by its rounding
        deviations.append(deviation if deviation > ROUNDING_NOISE * abs(mean) else 1.0)
    return tuple(means), tuple(deviations)


def infer_task(labels: Array, inputs: Array) -> str | None:
    """The first task of the table that labels of this shape and type look right for;
    None if they fit none.
    """
    return next((task for task, row in TASKS.items() if row.labels.looks_so(labels, inputs)), None)


def check_labels(
    origin: str, labels: Array, task: str, classes: int, ignore_label: int | None = None
) -> None:
    """Whether labels are what the task takes.

    Raises:
        InputError: one is not; the text says which.
    """
    form = TASKS[task].labels
    wrong = ~form.allowed(labels, classes, ignore_label)
    if wrong.any():
        place = tuple(int(one) for one in np.argwhere(wrong)[0])
        raise InputError(
            f"{origin}: example {place[0]} has the label {labels[place]}, but "
            f"{form.values(classes, ignore_label)}"
        )


def _check_columns(request: Request, labels: Array, names: Sequence[str]) -> None:
    """Whether labels (n, columns) stay apart in float32; say which never change.

    Raises:
        InputError: the values of a column are large and differ by little.
    """
    for number in np.flatnonzero(coarse_channels(labels)).tolist():
        raise InputError(
            f"{request.text}: the labels {names[number]!r} lie near {labels[0, number]} and differ by too "
            "little for float32, in which networks compute: subtract a constant from them"
        )
    for number in np.flatnonzero((labels == labels[:1]).all(axis=0)).tolist():
        request.notify(
            f"{request.text}: the label {names[number]!r} is {labels[0, number]} for every example: there "
            "is nothing to learn from it"
        )
