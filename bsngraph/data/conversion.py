"""The same examples for another task than their data set says: `--task`."""

from __future__ import annotations

from dataclasses import replace

import torch

from bsngraph.data.dataset import Dataset, Split
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
    convert = TASKS[kind].converts_from.get(dataset.task)
    if convert is None:
        can = [other for other, row in TASKS.items() if dataset.task in row.converts_from]
        cure = f"they can be used for {' and '.join(can)}" if can else "leave out --task"
        raise InputError(
            f"{dataset.name} is for {dataset.task}, and its labels cannot be used for {kind}: {cure}"
        )
    splits = (dataset.train, dataset.validation, dataset.test)
    try:
        labels, class_names = convert(torch.cat([split.labels for split in splits]), dataset.class_names)
    except InputError as error:
        raise InputError(f"{dataset.name}: {error}") from None
    train, validation, test = (
        Split(split.inputs, some)
        for split, some in zip(splits, torch.split(labels, [len(split) for split in splits]), strict=True)
    )
    return replace(
        dataset,
        task=kind,
        class_names=class_names,
        train=train,
        validation=validation,
        test=test,
        unused=None,
    )
