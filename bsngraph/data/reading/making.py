"""From arrays to a `Dataset`: which task the labels are for, whether they make sense,
statistics of the training split.

In: NumPy arrays in the source's order. Out: a `Dataset` in memory, with labels of the
type that its task has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bsngraph.data.augmentation import Augmentation
from bsngraph.data.dataset import Dataset, Split, TaskKind
from bsngraph.data.request import Request
from bsngraph.data.splits import Part, Rows, SplitRows, split_rows
from bsngraph.errors import InputError

Array = NDArray[np.generic]
TASKS: tuple[TaskKind, ...] = ("classification", "segmentation", "regression", "multi-label")
_AT_ONCE = 4096
IGNORED = 255
"""The label of pixels that count nowhere, in masks from files: what PASCAL VOC and
others write.
"""


def draw(
    request: Request,
    task: TaskKind,
    labels: Array,
    class_names: Sequence[str],
    *,
    numbering: str,
    given: Mapping[Part, Rows] | None = None,
    counts: Mapping[Part, int] | None = None,
) -> SplitRows:
    """The splits of examples with these labels, stratified for classification.

    The options `train`, `validation` and `test` of the name, where the source has them,
    say how many examples are drawn for each.
    """
    asked: dict[Part, int] = dict(counts or {})
    parts: tuple[Part, ...] = ("train", "validation", "test")
    for part in parts:
        count = request.number(part)
        if count is not None:
            asked[part] = count
    classes = task == "classification"
    strata = labels.astype(np.int64) if classes else np.zeros(len(labels), dtype=np.int64)
    names = class_names if classes else ("all",)
    return split_rows(
        strata, names, request.split_seed, origin=request.text, numbering=numbering, given=given, counts=asked
    )


def make_dataset(
    request: Request,
    inputs: Array,
    labels: Array,
    rows: SplitRows,
    class_names: Sequence[str],
    *,
    task: TaskKind = "classification",
    augmentation: Augmentation | None = None,
    ignore_label: int | None = None,
    skipped: Sequence[str] = (),
) -> Dataset:
    """A data set in memory from all inputs (n, …) and labels of a source.

    Raises:
        InputError: labels that are none, values that are no numbers.
    """
    check_labels(request.text, labels, task, len(class_names), ignore_label)
    values = inputs if inputs.dtype == np.uint8 else inputs.astype(np.float32)
    if values.dtype != np.uint8 and not np.isfinite(values).all():
        first = int(np.argwhere(~np.isfinite(values).reshape(len(values), -1).all(axis=1))[0, 0])
        raise InputError(
            f"{request.text}: the values of example {first} are not all finite numbers: fill in or remove "
            "what is missing"
        )
    kind = np.uint8 if task == "segmentation" else np.int64 if task == "classification" else np.float32

    def split(some: Rows) -> Split:
        return Split(torch.from_numpy(values[some]), torch.from_numpy(labels[some].astype(kind)))

    train = split(rows.train)
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
    )


def usual_augmentation(input_shape: tuple[int, ...]) -> Augmentation:
    """What does no harm to images of any kind: shifts by an eighth of the shorter side.
    Flips would, to digits; nothing else has any.
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
        parts = np.array_split(values, len(values) // _AT_ONCE + 1)
        mean = sum(float(part.sum(dtype=np.float64)) for part in parts) / values.size
        variance = sum(float(np.square(part.astype(np.float64) - mean).sum()) for part in parts) / values.size
        means.append(mean)
        deviations.append(variance**0.5 or 1.0)
    return tuple(means), tuple(deviations)


def infer_task(labels: Array, inputs: Array) -> TaskKind | None:
    """The task that labels of this shape and type are for; None where they fit none.

    Floating point: regression. Whole numbers: a vector is classes; (n, k) of 0 and 1 is
    multi-label; one for each pixel is segmentation.
    """
    if labels.dtype.kind == "f":
        return "regression" if labels.ndim in (1, 2) else None
    if labels.dtype.kind not in "iub":
        return None
    if labels.ndim == 1:
        return "classification"
    if labels.ndim == 2 and np.isin(labels, (0, 1)).all():
        return "multi-label"
    return "segmentation" if labels.ndim == 3 and inputs.ndim == 4 else None


def check_labels(
    origin: str, labels: Array, task: TaskKind, classes: int, ignore_label: int | None = None
) -> None:
    """Whether labels are what the task takes.

    Raises:
        InputError: one is not; the text says which.
    """
    if task in ("classification", "segmentation"):
        wrong = (labels < 0) | (labels >= classes)  # type: ignore[operator]  # numbers: their kind was looked at
        if ignore_label is not None:
            wrong &= labels != ignore_label
        takes = f"labels are 0 to {classes - 1}" + (
            f", or {ignore_label} for pixels that count nowhere" if ignore_label is not None else ""
        )
    elif task == "multi-label":
        wrong, takes = ~np.isin(labels, (0, 1)), "labels are 0 or 1"
    else:
        wrong, takes = ~np.isfinite(labels.astype(np.float64)), "labels are finite numbers"
    if wrong.any():
        place = tuple(int(one) for one in np.argwhere(wrong)[0])
        raise InputError(f"{origin}: example {place[0]} has the label {labels[place]}, but {takes}")
