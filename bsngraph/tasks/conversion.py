"""The same examples for another task than their data set says: `--task`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from bsngraph.data import Dataset, Split, TaskKind
from bsngraph.errors import InputError, nearest
from bsngraph.tasks.task_table import TASKS


def as_task(dataset: Dataset, kind: str) -> Dataset:
    """`dataset` with its labels as `kind` has them: whole numbers as amounts, classes
    as yes or no, and back.

    Raises:
        InputError: there is no such task, or the labels say too little or too much for
            it.
    """
    if kind not in TASKS:
        raise InputError(f"there is no task {kind!r}: {nearest(kind, TASKS)}")
    if kind == dataset.task:
        return dataset
    if dataset.train.inputs.is_meta:
        raise InputError(
            f"{dataset.name} is read while it is used, as {dataset.task}: leave out --task, or let it fit "
            "into memory by memory=…"
        )
    if (dataset.task, kind) in _CONVERSIONS:
        return _CONVERSIONS[dataset.task, kind](dataset, kind)
    can = [after for before, after in _CONVERSIONS if before == dataset.task]
    cure = f"it can serve {' and '.join(can)} besides" if can else "leave out --task"
    raise InputError(f"{dataset.name} is for {dataset.task}, and its labels cannot serve {kind}: {cure}")


def _relabelled(
    dataset: Dataset, task: TaskKind, class_names: tuple[str, ...], labels: Callable[[Tensor], Tensor]
) -> Dataset:
    train, validation, test = (
        Split(split.inputs, labels(split.labels))
        for split in (dataset.train, dataset.validation, dataset.test)
    )
    return replace(dataset, task=task, class_names=class_names, train=train, validation=validation, test=test)


def _amounts(dataset: Dataset, task: TaskKind) -> Dataset:
    """The number of a class as an amount."""
    return _relabelled(dataset, task, ("label",), lambda labels: labels.float()[:, None])


def _one_hot(dataset: Dataset, task: TaskKind) -> Dataset:
    """Of all classes, the one that applies."""
    classes = len(dataset.class_names)
    return _relabelled(
        dataset, task, dataset.class_names, lambda labels: torch.nn.functional.one_hot(labels.long(), classes)
    )


def _floats(dataset: Dataset, task: TaskKind) -> Dataset:
    """Each yes or no as 1 or 0."""
    return _relabelled(dataset, task, dataset.class_names, Tensor.float)


def _whole_numbers(dataset: Dataset, task: TaskKind) -> Dataset:
    """Amounts that are whole numbers from 0 on, one an example, as classes."""
    labels = _all_labels(dataset)
    if labels.shape[1] != 1 or not bool((labels == labels.round()).all()) or float(labels.min()) < 0:
        raise InputError(
            f"{dataset.name}: its labels are no classes: one whole number from 0 on is needed for each "
            "example"
        )
    names = tuple(map(str, range(int(labels.max()) + 1)))
    return _relabelled(dataset, task, names, lambda labels: labels[:, 0].long())


def _decisions(dataset: Dataset, task: TaskKind) -> Dataset:
    """Amounts that are all 0 or 1 as no and yes."""
    labels = _all_labels(dataset)
    if not bool(((labels == 0) | (labels == 1)).all()):
        raise InputError(f"{dataset.name}: its labels are no yes or no: only 0 and 1 are")
    return _relabelled(dataset, task, dataset.class_names, lambda labels: labels)


def _all_labels(dataset: Dataset) -> Tensor:
    return torch.cat([split.labels for split in (dataset.train, dataset.validation, dataset.test)])


_CONVERSIONS: dict[tuple[TaskKind, TaskKind], Callable[[Dataset, TaskKind], Dataset]] = {
    ("classification", "regression"): _amounts,
    ("classification", "multi-label"): _one_hot,
    ("regression", "classification"): _whole_numbers,
    ("regression", "multi-label"): _decisions,
    ("multi-label", "regression"): _floats,
}
