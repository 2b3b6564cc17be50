"""`npz:FILE`: arrays from a NumPy archive; the same from a dictionary, as code of the
user's own gives it.

In: x_train, y_train, and optionally x_val, y_val, x_test, y_test (what is missing is
drawn from the training examples); optionally class_names, task, ignore_label, and
groups, a value for each row of x_train. Out: a `Dataset`. Archives are read without
pickle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bsngraph.data.dataset import Dataset
from bsngraph.data.grouping.groups import ExampleGroups, groups_of_values
from bsngraph.data.reading.making import check_labels, draw, infer_task, make_dataset
from bsngraph.data.reading.precision import check_finite_values
from bsngraph.data.reading.survey import MEMORY
from bsngraph.data.request import Request
from bsngraph.data.sources.npz_file import read_npz
from bsngraph.data.splits import Part, Rows
from bsngraph.errors import InputError, nearest
from bsngraph.tasks.label_forms import Array
from bsngraph.tasks.task_table import TASKS

OPTIONS = {
    "task": "what the labels are for, e.g. regression, if their type does not say",
    "layout": "chw or hwc: where the channels of images (n, …) stand, if sizes do not say",
    "validation": "number of validation examples to draw, if there is no x_val",
    "test": "number of test examples to draw, if there is no x_test",
    "train": "use only so many training examples",
    "memory": "bytes that the arrays may take, e.g. 4GB (2GB)",
}

GROUPS_KEY = "groups"
_SUFFIXES: dict[Part, str] = {"train": "train", "validation": "val", "test": "test"}
_KEYS = frozenset(
    {f"{letter}_{suffix}" for letter in "xy" for suffix in _SUFFIXES.values()}
    | {"class_names", "task", "ignore_label", GROUPS_KEY}
)
_MOST_CLASSES, _MOST_MAP_CLASSES, _MOST_LISTED = 100_000, 256, 10


def load_npz(request: Request) -> Dataset:
    """The arrays of a .npz file.

    Raises:
        InputError: it cannot be read, or its arrays make no data set.
    """
    most = request.bytes("memory", MEMORY)
    return dataset_from_arrays(request, read_npz(request.path, _KEYS, most))


def dataset_from_arrays(
    request: Request,
    arrays: Mapping[str, Array],
    *,
    called: Mapping[str, str] | None = None,
    feature_names: Sequence[str] | None = None,
) -> Dataset:
    """A data set from named arrays. `called` are the names of arrays in errors, where
    the user knows them by others; `feature_names` those of the columns of vectors.

    uint8 inputs (n, height, width) are grey images, floating-point ones sequences (n,
    length, features). Images with channels may be (n, channels, height, width) or (n,
    height, width, channels).

    Raises:
        InputError: an array is missing, sizes do not agree, labels fit no task.
    """
    origin = request.text
    if missing := [key for key in ("x_train", "y_train") if key not in arrays]:
        first, x, y = ((called or {}).get(key, key) for key in (missing[0], "x_train", "y_train"))
        there = ", ".join((called or {}).get(key, key) for key in arrays) or "nothing"
        raise InputError(f"{origin}: there is no {first} (there is {there}): {x} and {y} are needed at least")
    inputs, labels, given = _joined(origin, arrays, called or {})
    inputs = _as_examples(request, inputs)
    task = _task(request, arrays, inputs, labels)
    layout = TASKS[task].labels.layout
    if layout == "columns" and labels.ndim == 1:
        labels = labels[:, None]
    if layout == "map" and labels.shape[1:] != inputs.shape[2:]:
        raise InputError(
            f"{origin}: label maps are {labels.shape[1:]}, images {inputs.shape[2:]}: each pixel has a label"
        )
    ignore = _ignore_label(origin, arrays, task)
    if "class_names" in arrays:
        names = _given_names(origin, np.asarray(arrays["class_names"]))
        _check_names(origin, names, task, labels, ignore)
    else:
        names, labels = _numbered(request, task, labels, ignore)
    order = ", ".join((called or {}).get(key, key) for key in ("x_train", "x_val", "x_test"))
    numbering = f"rows of {order} in this order"
    groups = _groups(origin, arrays, len(given["train"]), len(labels))
    rows = draw(request, task, labels, names, numbering=numbering, given=given, groups=groups)
    return make_dataset(
        request,
        inputs,
        labels,
        rows,
        names,
        task=task,
        ignore_label=ignore,
        feature_names=feature_names,
    )


def _groups(origin: str, arrays: Mapping[str, Array], count: int, examples: int) -> ExampleGroups | None:
    """The groups of the training examples, if they are said."""
    if GROUPS_KEY not in arrays:
        return None
    return groups_of_values(origin, GROUPS_KEY, np.asarray(arrays[GROUPS_KEY]), count, examples)


def _joined(
    origin: str, arrays: Mapping[str, Array], called: Mapping[str, str]
) -> tuple[Array, Array, dict[Part, Rows]]:
    """All inputs, all labels, and which rows are of which split."""
    inputs, labels, given, start = [], [], {}, 0
    for part, suffix in _SUFFIXES.items():
        x_there, y_there = f"x_{suffix}", f"y_{suffix}"
        x_key, y_key = called.get(x_there, x_there), called.get(y_there, y_there)
        if (x_there in arrays) != (y_there in arrays):
            raise InputError(f"{origin}: {x_key} and {y_key} belong together, but one of them is missing")
        if x_there not in arrays:
            continue
        x, y = np.asarray(arrays[x_there]), np.asarray(arrays[y_there])
        if x.dtype.kind not in "iufb" or y.dtype.kind not in "iufb":
            raise InputError(
                f"{origin}: {x_key} has values of type {x.dtype}, {y_key} of {y.dtype}: both must be numbers"
            )
        if x.ndim < 2 or y.ndim < 1 or len(x) != len(y) or not x.size or not y.size:
            raise InputError(
                f"{origin}: {x_key} is {x.shape} and {y_key} is {y.shape}: both need a row for each "
                "example, and at least one, with a value or more"
            )
        if x.shape[1:] != arrays["x_train"].shape[1:] or y.shape[1:] != arrays["y_train"].shape[1:]:
            whole = " and ".join(called.get(key, key) for key in ("x_train", "y_train"))
            raise InputError(f"{origin}: {x_key} {x.shape} and {y_key} {y.shape} differ in size from {whole}")
        check_finite_values(f"{origin}: {x_key}", x)
        check_finite_values(f"{origin}: {y_key}", y)
        inputs.append(x)
        labels.append(y)
        given[part] = np.arange(start, start + len(x))
        start += len(x)
    return _end_to_end(inputs), _end_to_end(labels), given


def _end_to_end(arrays: Sequence[Array]) -> Array:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _as_examples(request: Request, inputs: Array) -> Array:
    """Inputs as networks take them: channels first, laid out in this order.

    Strides of a single channel that say otherwise would make torch take another
    convolution, with other last bits.
    """
    if inputs.dtype == np.bool_:
        inputs = inputs.astype(np.uint8)
    if inputs.ndim > 4:
        raise InputError(
            f"{request.text}: inputs are {inputs.shape}: vectors, sequences and images have two to four "
            "dimensions"
        )
    if inputs.ndim == 3 and inputs.dtype == np.uint8:
        inputs = inputs[:, None]
    elif inputs.ndim == 4:
        guess = "hwc" if inputs.shape[3] in (1, 3) and inputs.shape[1] not in (1, 3) else "chw"
        if request.word("layout", ("chw", "hwc"), guess) == "hwc":
            inputs = inputs.transpose(0, 3, 1, 2)
    return inputs.reshape(-1).reshape(inputs.shape)


def _task(request: Request, arrays: Mapping[str, Array], inputs: Array, labels: Array) -> str:
    """The task that the name or the archive says, else the one that the labels look
    right for.
    """
    said = request.options.get("task") or (str(arrays["task"]) if "task" in arrays else None)
    what = f"{request.text}: labels {labels.dtype} of shape {labels.shape}"
    if said is None:
        found = infer_task(labels, inputs)
        if found is None:
            raise InputError(f"{what} fit no task: say task={'|'.join(TASKS)}")
        return found
    if said not in TASKS:
        raise InputError(f"{request.text}: task={said}: {nearest(said, TASKS)}")
    if not TASKS[said].labels.holds(labels, inputs):
        raise InputError(f"{what} are not for {said}")
    return said


def _ignore_label(origin: str, arrays: Mapping[str, Array], task: str) -> int | None:
    if "ignore_label" not in arrays:
        return None
    value = np.asarray(arrays["ignore_label"])
    maps = [kind for kind, row in TASKS.items() if row.labels.layout == "map"]
    if task not in maps or value.ndim or value.dtype.kind not in "iu" or not 0 <= int(value) <= 255:
        raise InputError(
            f"{origin}: ignore_label must be one number, 0 to 255, and the task {' or '.join(maps)}"
        )
    return int(value)


# --- classes


def _given_names(origin: str, names: Array) -> list[str]:
    if names.size > _MOST_CLASSES:
        raise InputError(f"{origin}: class_names are {names.size:,}, more than {_MOST_CLASSES:,}")
    return [str(name) for name in names.ravel()]


def _check_names(origin: str, names: Sequence[str], task: str, labels: Array, ignore: int | None) -> None:
    """Whether `class_names` are as many as the labels need."""
    if TASKS[task].labels.layout == "columns" and len(names) != labels.shape[1]:
        raise InputError(f"{origin}: class_names are {len(names)}, but labels have {labels.shape[1]} columns")
    check_labels(origin, labels, task, len(names), ignore)


def _numbered(request: Request, task: str, labels: Array, ignore: int | None) -> tuple[list[str], Array]:
    """Names for classes or outputs without any, and the labels with their numbers.

    A class of examples is called by its label's value, and classes are numbered in the
    order of values, whatever gaps there are. Label maps keep their values.
    """
    row = TASKS[task]
    if row.labels.layout == "columns":
        return [row.column_name.format(number) for number in range(labels.shape[1])], labels
    values, numbers = np.unique(labels, return_inverse=True)
    values = values.astype(np.int64)[values != ignore]
    if row.labels.layout == "map":
        return _map_names(request, values), labels
    if len(values) > _MOST_CLASSES:
        raise InputError(
            f"{request.text}: there are {len(values)} labels, more than {_MOST_CLASSES:,}: is the task "
            "regression?"
        )
    if values[0] != 0 or values[-1] != len(values) - 1:
        request.notify(
            f"{request.text}: the labels are {_listed(values)}, and not 0 to {len(values) - 1}: each value "
            "is a class of that name"
        )
    return list(map(str, values.tolist())), numbers.reshape(labels.shape)


def _map_names(request: Request, values: NDArray[np.int64]) -> list[str]:
    """As many classes as the highest label of maps says."""
    count = int(values.max(initial=0)) + 1
    if count > _MOST_MAP_CLASSES:
        raise InputError(
            f"{request.text}: the highest label of a pixel is {count - 1}: number classes from 0 to "
            f"{_MOST_MAP_CLASSES - 1}"
        )
    if absent := sorted(set(range(count)) - set(values.tolist())):
        request.notify(f"{request.text}: no pixel has the label {_listed(absent)}")
    return [str(number) for number in range(count)]


def _listed(values: Iterable[int]) -> str:
    """`1, 2, 3`, with the middle of a long list left out."""
    texts = [str(value) for value in values]
    return ", ".join(texts if len(texts) <= _MOST_LISTED else [*texts[:3], "…", texts[-1]])
