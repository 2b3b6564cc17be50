"""Whether a split and a data set make sense: every problem that can be known without
reading an example of a streamed set.

In: a `Split` or a `Dataset` as it was constructed. Out: what is wrong with it, each
problem with its field, the value and the cure.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import torch

from bsngraph.errors import InputError, Problem, nearest
from bsngraph.settings.kinds import kind_problems
from bsngraph.tasks.label_forms import LabelForm
from bsngraph.tasks.task_table import TASKS
from bsngraph.wording import shape_text

if TYPE_CHECKING:
    from bsngraph.data.dataset import Dataset, Split


def split_problems(split: Split) -> Iterator[Problem]:
    """Whether inputs and labels are tensors with a row for each example."""
    for field, least in (("inputs", 2), ("labels", 1)):
        tensor = getattr(split, field)
        if not isinstance(tensor, torch.Tensor):
            yield Problem(f"is {type(tensor).__name__}", field, "give a tensor: torch.as_tensor(…)")
        elif tensor.dim() < least:
            shape = "(examples, …)" if least == 1 else "(examples, features), or more dimensions"
            yield Problem(f"has the shape {tuple(tensor.shape)}", field, f"make it {shape}")
        elif not len(tensor):
            yield Problem("holds no example", field, "give at least one")
    inputs, labels = split.inputs, split.labels
    if not isinstance(inputs, torch.Tensor) or not isinstance(labels, torch.Tensor):
        return
    if inputs.dtype == torch.bool or inputs.is_complex():
        cure = "convert them: .to(torch.uint8) for bits, two channels for complex numbers"
        yield Problem(f"has values of type {_type(inputs)}", "inputs", cure)
    if inputs.dim() and labels.dim() and len(inputs) != len(labels):
        what = f"holds {len(labels)} labels for {len(inputs)} inputs"
        yield Problem(what, "labels", "give one label for each example")


def dataset_problems(dataset: Dataset) -> Iterator[Problem]:
    """Whether splits, statistics, classes and labels agree with each other and with the
    task.
    """
    kinds = [
        Problem(f"is {found}", field, f"give {wanted}") for field, found, wanted in kind_problems(dataset)
    ]
    if kinds:
        yield from kinds
        return
    if not dataset.name:
        yield Problem("is empty", "name", "give the data a name")
    yield from _inputs_problems(dataset)
    yield from _features_problems(dataset)
    yield from _statistics_problems(dataset)
    yield from _names_problems(dataset)
    if dataset.task not in TASKS:
        yield Problem(f"is {dataset.task!r}", "task", nearest(str(dataset.task), TASKS))
        return
    form = TASKS[dataset.task].labels
    classes = len(dataset.class_names)
    if form.layout != "columns" and classes < 2:
        yield Problem(
            "names one class" if classes else "names no class",
            "class_names",
            f"{dataset.task} needs two or more",
        )
    if form.layout != "map" and dataset.ignore_label is not None:
        cure = f"leave it out: {dataset.task} has no pixels to ignore"
        yield Problem(f"is {dataset.ignore_label}", "ignore_label", cure)
    for part, split in dataset.splits().items():
        yield from _label_problems(dataset, form, part, split)


def _features_problems(dataset: Dataset) -> Iterator[Problem]:
    names, shape = dataset.feature_names, dataset.input_shape
    if names is not None and (len(names),) != shape:
        what = f"names {len(names)} features, but an example is {shape_text(shape)}"
        yield Problem(what, "feature_names", "give vectors a name for each column, and other data none")


def _inputs_problems(dataset: Dataset) -> Iterator[Problem]:
    first = dataset.train.inputs
    for part in ("validation", "test"):
        inputs = dataset.splits()[part].inputs
        if inputs.shape[1:] != first.shape[1:]:
            what = f"has examples of {shape_text(tuple(inputs.shape[1:]))}"
            cure = f"give them the shape of train, {shape_text(tuple(first.shape[1:]))}"
            yield Problem(what, f"{part}.inputs", cure)
        if inputs.is_floating_point() != first.is_floating_point():
            what = f"has values of type {_type(inputs)}, train of {_type(first)}"
            yield Problem(what, f"{part}.inputs", "use whole numbers in every split, or in none")


def _statistics_problems(dataset: Dataset) -> Iterator[Problem]:
    shape = dataset.input_shape
    channels = shape[1] if len(shape) == 2 else shape[0]
    for field in ("mean", "std"):
        values = getattr(dataset, field)
        if len(values) != channels:
            what = f"has {_counted(len(values), 'value')} for {_counted(channels, 'channel')}"
            yield Problem(what, field, "give one for each channel (feature, for sequences and vectors)")
        for number, value in enumerate(values):
            if not math.isfinite(value):
                yield Problem(f"is {value}", f"{field}[{number}]", "give a finite number")
            elif field == "std" and value <= 0:
                cure = "give a number above 0; 1 for a channel that never changes"
                yield Problem(f"is {value}", f"{field}[{number}]", cure)


def _names_problems(dataset: Dataset) -> Iterator[Problem]:
    for name, count in Counter(dataset.class_names).items():
        if count > 1:
            yield Problem(f"has {name!r} {count} times", "class_names", "give every class its own name")
    features, channels = dataset.feature_names, len(dataset.mean)
    if features is not None and len(set(features)) != channels:
        what = f"has {_counted(len(set(features)), 'different name')} for {_counted(channels, 'channel')}"
        yield Problem(what, "feature_names", "give every feature its own name")


def _label_problems(dataset: Dataset, form: LabelForm, part: str, split: Split) -> Iterator[Problem]:
    labels, classes, place = split.labels, len(dataset.class_names), f"{part}.labels"
    if labels.is_floating_point() != form.dtype.is_floating_point or labels.dtype == torch.bool:
        cure = f"{dataset.task} takes {str(form.dtype).removeprefix('torch.')}: use .to({form.dtype})"
        yield Problem(f"has values of type {_type(labels)}", place, cure)
        return
    wanted = form.shape(classes, dataset.input_shape)
    if labels.shape[1:] != wanted:
        cure = f"{dataset.task} takes {('examples', *wanted)}".replace("'", "")
        if form.layout == "columns":
            cure += ", a column for each of class_names"
        yield Problem(f"has the shape {tuple(labels.shape)}", place, cure)
        return
    wrong = split.wrong_label(dataset.task, classes, dataset.ignore_label)
    if wrong:
        cure = form.values(classes, dataset.ignore_label)
        if form.layout != "columns":
            cure += "; name more classes in class_names, or correct the labels"
        yield Problem(wrong, place, cure)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' if count != 1 else ''}"


def _type(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def refuse_problems(origin: str, problems: Iterable[Problem]) -> None:
    """Raise one error for all problems, if there are any.

    Raises:
        InputError: there are; `origin` says of what.
    """
    found = [f"  - {problem}" for problem in problems]
    if found:
        count = f"{len(found)} problem{'s' if len(found) > 1 else ''}"
        raise InputError("\n".join([f"{origin}: {count}", *found]))
