"""Arrays that a user has in Python → a `Dataset`, as `npz:FILE` gives one of the same
arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from bsngraph.data.dataset import Dataset
from bsngraph.data.own.given_values import are_texts, array_of, numbered_words, whole_labels
from bsngraph.data.own.python_request import Drawing, python_request
from bsngraph.data.sources.npz_arrays import GROUPS_KEY, dataset_from_arrays
from bsngraph.data.splits import Part
from bsngraph.errors import InputError
from bsngraph.tasks.label_forms import Array
from bsngraph.tasks.task_table import TASKS

Pair = tuple[Any, Any]
"""Inputs and labels as the user has them; None for what is missing."""

_KEYS: dict[Part, str] = {"train": "train", "validation": "val", "test": "test"}


def dataset_from_pairs(
    pairs: Mapping[Part, Pair],
    called: Mapping[Part, tuple[str, str]],
    name: str,
    how: Drawing,
    *,
    task: str | None = None,
    class_names: Sequence[str] | None = None,
    feature_names: Sequence[str] | None = None,
    ignore_label: int | None = None,
    layout: str | None = None,
) -> Dataset:
    """A data set of the splits that the user has; the others are drawn. `called` are
    the words for inputs and labels in errors.

    Raises:
        InputError: what is wrong with the arrays, by these words.
    """
    given: dict[Part, object] = {part: pair[0] for part, pair in pairs.items()}
    request = python_request(name, how, given, {} if layout is None else {"layout": layout})
    if task is not None and not isinstance(task, str):
        raise InputError(f"{request.text}: task={task!r} must be one of {', '.join(TASKS)}")
    form = TASKS[task].labels.layout if task in TASKS else None
    words = dict[str, str]()
    inputs, labels = dict[str, Array](), dict[Part, Array]()
    for part, (x, y) in pairs.items():
        x_word, y_word = called[part]
        words |= {f"x_{_KEYS[part]}": x_word, f"y_{_KEYS[part]}": y_word}
        if x is not None:
            inputs[f"x_{_KEYS[part]}"] = array_of(f"{request.text}: {x_word}", x)
        if y is not None:
            labels[part] = array_of(f"{request.text}: {y_word}", y)
            if form in ("class", "map") and not are_texts(labels[part]):
                labels[part] = whole_labels(f"{request.text}: {y_word}", labels[part])
            if form == "columns" and labels[part].size and are_texts(labels[part]):
                raise InputError(f"{request.text}: {y_word} holds words, but {task} takes numbers")
    names = None if class_names is None else _names(request.text, class_names)
    if "train" in labels and labels["train"].size and are_texts(labels["train"]):
        names = names or sorted(set(map(str, labels["train"].ravel().tolist())))
        labels = {
            part: numbered_words(f"{request.text}: {called[part][1]}", some, names)
            for part, some in labels.items()
        }
    arrays = inputs | {f"y_{_KEYS[part]}": some for part, some in labels.items()}
    said = {"class_names": names, "task": task, "ignore_label": ignore_label}
    arrays |= {key: np.asarray(value) for key, value in said.items() if value is not None}
    if how.groups is not None:
        arrays[GROUPS_KEY] = array_of(f"{request.text}: groups", how.groups)
    return dataset_from_arrays(request, arrays, called=words, feature_names=feature_names)


def _names(origin: str, names: Sequence[str]) -> list[str]:
    several = isinstance(names, Iterable) and not isinstance(names, str)
    if not several or not all(isinstance(name, str) for name in names):
        raise InputError(f"{origin}: class_names={names!r} must be a list of texts, one for each class")
    return list(names)
