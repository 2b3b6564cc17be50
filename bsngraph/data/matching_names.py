"""A data set's classes and features in the order of a network's, matched by name.

In: a data set, and the names that the network knows. Out: the same examples with labels
and columns in the network's order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from bsngraph.data.dataset import Dataset, Split
from bsngraph.errors import InputError
from bsngraph.tasks.task_table import TASKS

_MOST_LISTED = 20


def with_classes(dataset: Dataset, names: tuple[str, ...]) -> Dataset:
    """`dataset` with its labels as numbers of the classes `names`.

    A class that the data lack occurs in no label. Outputs of a regression must all be
    there.

    Raises:
        InputError: a class is not among `names`, or an output is missing.
    """
    has, row = dataset.class_names, TASKS[dataset.task]
    if has == names:
        return dataset
    if set(has) - set(names) or (row.standardised and set(has) != set(names)):
        what = "outputs" if row.standardised else "classes"
        raise InputError(
            f"{dataset.name}: its {what} are {listed(has)}, but the network's are {listed(names)}: rename "
            f"those of the data, or leave out examples of other {what}"
        )
    if dataset.train.labels.is_meta:
        raise InputError(
            f"{dataset.name}: its classes are {listed(has)}, and the network's {listed(names)}: label maps "
            "that are read while they are used keep their numbers; let them fit into memory by memory=…"
        )
    numbers = {name: number for number, name in enumerate(names)}
    place = torch.tensor([numbers[name] for name in has])

    def renumbered(split: Split) -> Split:
        labels, there = split.labels, place.to(split.labels.device)
        if row.labels.layout == "columns":
            columns = labels.new_zeros(len(labels), len(names))
            columns[:, there] = labels
            return split.labelled(columns)
        return split.labelled(_renumbered(labels, there, dataset.ignore_label))

    return replace(dataset, class_names=names, **_splits(dataset, renumbered))


def with_features(dataset: Dataset, names: tuple[str, ...] | None) -> Dataset:
    """`dataset` with its columns in the order of `names`; as it is if one of the two
    has no names.

    Raises:
        InputError: a feature is missing, or is not among `names`.
    """
    has = dataset.feature_names
    if names is None or has is None or has == names:
        return dataset
    if set(has) != set(names):
        raise InputError(
            f"{dataset.name}: its features are {listed(has)}, but the network's are {listed(names)} "
            f"({_difference(has, names)}): give these columns, and say which is the label by label=COLUMN"
        )
    columns = {name: column for column, name in enumerate(has)}
    place = [columns[name] for name in names]
    return replace(
        dataset,
        **_splits(dataset, lambda split: Split(split.inputs[:, place], split.labels)),
        mean=tuple(dataset.mean[column] for column in place),
        std=tuple(dataset.std[column] for column in place),
        feature_names=names,
    )


def listed(names: Sequence[str]) -> str:
    """`a, b, c`; the end of a long list is counted."""
    more = len(names) - _MOST_LISTED
    return ", ".join(names[:_MOST_LISTED]) + (f" and {more} more" if more > 0 else "")


def _difference(has: Sequence[str], names: Sequence[str]) -> str:
    known, found = set(names), set(has)
    missing = [name for name in names if name not in found]
    extra = [name for name in has if name not in known]
    told = [f"missing: {listed(missing)}"] if missing else []
    return "; ".join([*told, f"unknown: {listed(extra)}"] if extra else told)


def _renumbered(labels: Tensor, place: Tensor, ignore_label: int | None) -> Tensor:
    """`place[label]` for each label; ignored ones stay."""
    if ignore_label is None:
        return place[labels.long()].to(labels.dtype)
    ignored = labels == ignore_label
    return torch.where(ignored, labels, place[torch.where(ignored, 0, labels).long()].to(labels.dtype))


def _splits(dataset: Dataset, change: Callable[[Split], Split]) -> dict[str, Any]:
    """Every split changed alike, as fields of a data set."""
    changed: dict[str, Split] = {part: change(split) for part, split in dataset.splits().items()}
    if dataset.unused is not None:
        changed["unused"] = change(dataset.unused)
    return changed
