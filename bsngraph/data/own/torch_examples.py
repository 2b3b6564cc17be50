"""torch's own data sets and loaders → arrays of all their examples, in the data set's
order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, RandomSampler, SequentialSampler

from bsngraph.data.own.given_values import array_of, stacked
from bsngraph.errors import InputError
from bsngraph.tasks.label_forms import Array


def examples_of(what: str, given: Any) -> tuple[Array, Array]:
    """Inputs and labels of every example, each read once. A shuffling loader is read in
    the order of its data set, and its last small batch too.

    Raises:
        InputError: an example is no pair of input and label, examples differ in shape,
            or a loader picks its examples by a sampler of its own.
    """
    if isinstance(given, DataLoader):
        batches = [
            (array_of(f"{what}: inputs", inputs), array_of(f"{what}: labels", labels))
            for inputs, labels in _pairs(what, _in_order(what, given), "batch")
        ]
        if not batches:
            raise InputError(f"{what}: there are no examples in it")
        try:
            return np.concatenate([one for one, _ in batches]), np.concatenate([one for _, one in batches])
        except ValueError as error:
            raise InputError(f"{what}: its batches differ in shape ({error})") from None
    inputs, labels = [], []
    for number, (one, label) in enumerate(_pairs(what, _each(what, given), "example")):
        inputs.append(array_of(f"{what}: the input of example {number}", one))
        labels.append(array_of(f"{what}: the label of example {number}", label))
    return stacked(f"{what}: inputs", inputs), stacked(f"{what}: labels", labels)


def names_of_classes(given: Any, labels: Array) -> list[str] | None:
    """The `classes` that a data set of torch's kind names, if each label is one of
    them.
    """
    names = getattr(given.dataset if isinstance(given, DataLoader) else given, "classes", None)
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        return None
    fit = labels.ndim == 1 and labels.dtype.kind in "iu" and labels.size and labels.max() < len(names)
    return list(names) if fit else None


def _each(what: str, given: Any) -> Iterable[Any]:
    if isinstance(given, IterableDataset):
        return given
    if hasattr(given, "__getitem__") and hasattr(given, "__len__"):
        return (given[number] for number in range(len(given)))
    raise InputError(
        f"{what}: is {type(given).__name__}: give a torch.utils.data.Dataset or DataLoader of (input, label)"
    )


def _in_order(what: str, loader: DataLoader[Any]) -> DataLoader[Any]:
    """The same loader without its shuffling."""
    whole = isinstance(loader.dataset, IterableDataset) or (
        type(loader.sampler) in (SequentialSampler, RandomSampler)
        and len(loader.sampler) == len(loader.dataset)  # type: ignore[arg-type]
    )
    if loader.batch_size is None or not whole:
        raise InputError(
            f"{what}: the loader picks its examples by a sampler of its own: give the data set itself, or "
            "a torch.utils.data.Subset of it"
        )
    return DataLoader(
        loader.dataset,
        batch_size=loader.batch_size,
        collate_fn=loader.collate_fn,
        num_workers=loader.num_workers,
        generator=torch.Generator(),  # it would draw from the global one
    )


def _pairs(what: str, given: Iterable[Any], kind: str) -> Iterator[tuple[Any, Any]]:
    for number, one in enumerate(given):
        if not isinstance(one, list | tuple) or len(one) != 2:
            raise InputError(
                f"{what}: {kind} {number} is {type(one).__name__}"
                f"{f' of {len(one)}' if isinstance(one, list | tuple) else ''}: it must be a pair, "
                "(input, label)"
            )
        yield one[0], one[1]
