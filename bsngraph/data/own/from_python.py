"""The ways from what a user has in Python to a `Dataset`: `Dataset.from_arrays` and the
others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bsngraph.data.own.frames import asked_columns, chosen_columns, columns_of, feature_values, label_values
from bsngraph.data.own.python_request import Drawing, python_request
from bsngraph.data.own.torch_examples import examples_of, names_of_classes
from bsngraph.data.request import Notify, silent
from bsngraph.data.splits import Part
from bsngraph.tasks.task_table import TASKS

if TYPE_CHECKING:
    from bsngraph.data.dataset import Dataset


_ARRAY_NAMES: dict[Part, tuple[str, str]] = {
    "train": ("x", "y"),
    "validation": ("x_validation", "y_validation"),
    "test": ("x_test", "y_test"),
}


class FromPython:
    """What makes a `Dataset` of data in Python. A split that is given stays as it is;
    one that is not is drawn from the others' training examples with `split_seed`, each
    class by its share: a fifth for the test, a fifth of what remains for validation,
    unless `test_share` and `validation_share` say otherwise.

    Values stay as they are and are normalised by the mean and deviation of the training
    split, channel by channel. A run records the data as `python:NAME`; whatever reads
    such a run again needs them by `data=…`.
    """

    @staticmethod
    def from_arrays(
        x: Any,
        y: Any,
        *,
        x_test: Any = None,
        y_test: Any = None,
        x_validation: Any = None,
        y_validation: Any = None,
        task: str | None = None,
        class_names: Sequence[str] | None = None,
        feature_names: Sequence[str] | None = None,
        ignore_label: int | None = None,
        layout: str | None = None,
        groups: Any = None,
        name: str = "arrays",
        split_seed: int = 0,
        test_share: float | None = None,
        validation_share: float | None = None,
        notify: Notify = silent,
    ) -> Dataset:
        """A data set of arrays, tensors or lists of examples.

        `x`: images (n, channels, height, width) or (n, height, width, channels), grey
        ones (n, height, width) in uint8, or a list of pictures; vectors (n, features);
        sequences (n, length, features) in floating point. `layout` is chw or hwc where
        the sizes leave it open.

        `y`: a whole number or a word for each example (classification), for each pixel
        (n, height, width; segmentation), 0 and 1 (n, classes; multi-label), or floating
        point (n,) or (n, outputs; regression). `task` overrules what they look like.
        Numbers count `class_names` from 0; without names each value is a class.

        `groups`: a word or a whole number for each example of `x`, such as its patient.
        Examples of one group stay in one split.

        Raises:
            InputError: shapes, types or labels do not fit each other or the task, a
                value is not finite, or a class has too few examples or groups to be
                split.
        """
        from bsngraph.data.own.own_arrays import dataset_from_pairs

        return dataset_from_pairs(
            {"train": (x, y), "validation": (x_validation, y_validation), "test": (x_test, y_test)},
            _ARRAY_NAMES,
            name,
            Drawing(
                test_share=test_share,
                validation_share=validation_share,
                seed=split_seed,
                groups=groups,
                notify=notify,
            ),
            task=task,
            class_names=class_names,
            feature_names=feature_names,
            ignore_label=ignore_label,
            layout=layout,
        )

    @staticmethod
    def from_torch(
        data: Any,
        *,
        test: Any = None,
        validation: Any = None,
        task: str | None = None,
        class_names: Sequence[str] | None = None,
        ignore_label: int | None = None,
        layout: str | None = None,
        groups: Any = None,
        name: str = "torch",
        split_seed: int = 0,
        test_share: float | None = None,
        validation_share: float | None = None,
        notify: Notify = silent,
    ) -> Dataset:
        """A data set of a `torch.utils.data.Dataset` or `DataLoader` of pairs (input,
        label); `test` and `validation` are others of the kind.

        Every example is read once, in the data set's own order, whatever a loader
        shuffles. So leave random transforms out: a search augments by itself. Inputs
        and labels are as `from_arrays` takes them, and so are `groups`, in that order;
        `class_names` are the data set's `classes` if it has some.

        Raises:
            InputError: as `from_arrays`; or an example is no pair.
        """
        from bsngraph.data.own.own_arrays import Pair, dataset_from_pairs

        given: dict[Part, Any] = {"train": data, "validation": validation, "test": test}
        words: dict[Part, str] = {"train": "data", "validation": "validation", "test": "test"}
        pairs: dict[Part, Pair] = {
            part: examples_of(words[part], one)
            for part, one in given.items()
            if one is not None or part == "train"
        }
        return dataset_from_pairs(
            pairs,
            {part: (f"inputs of {word}", f"labels of {word}") for part, word in words.items()},
            name,
            Drawing(
                test_share=test_share,
                validation_share=validation_share,
                seed=split_seed,
                groups=groups,
                notify=notify,
            ),
            task=task,
            class_names=names_of_classes(data, pairs["train"][1]) if class_names is None else class_names,
            ignore_label=ignore_label,
            layout=layout,
        )

    @staticmethod
    def from_frame(
        frame: Any,
        *,
        target: str | Sequence[str],
        features: Sequence[str] | None = None,
        test: Any = None,
        validation: Any = None,
        task: str | None = None,
        class_names: Sequence[str] | None = None,
        groups: str | None = None,
        name: str = "frame",
        split_seed: int = 0,
        test_share: float | None = None,
        validation_share: float | None = None,
        notify: Notify = silent,
    ) -> Dataset:
        """A data set of a table in memory: a DataFrame of pandas or polars, or what has
        `columns` with `to_numpy`; `test` and `validation` are others with the same
        columns.

        `target` is the column to predict, or several. `features` are the columns to
        predict from, all others if they are not given. Words and whole numbers are
        classes, other numbers amounts, unless `task` says otherwise. `groups` is a
        column of words or whole numbers, such as the patient: no feature, and rows of
        one group stay in one split.

        Raises:
            InputError: as `from_arrays`; or a feature is no number, or missing; the
                text names its column and row.
        """
        from bsngraph.data.own.own_arrays import Pair, dataset_from_pairs

        inputs, targets = chosen_columns("the table", frame, target, features, groups)
        given: dict[Part, Any] = {"train": frame, "validation": validation, "test": test}
        words: dict[Part, str] = {"train": "the table", "validation": "validation", "test": "test"}
        pairs: dict[Part, Pair] = {}
        for part, one in given.items():
            if one is not None:
                asked_columns(words[part], [*inputs, *targets], columns_of(words[part], one))
                x, y = feature_values(words[part], one, inputs), label_values(words[part], one, targets)
                pairs[part] = x, y
        if task in TASKS:
            named = TASKS[task].labels.layout == "columns"
        else:
            named = len(targets) > 1 or pairs["train"][1].dtype.kind == "f"
        return dataset_from_pairs(
            pairs,
            {part: (f"the features of {word}", f"the target of {word}") for part, word in words.items()},
            name,
            Drawing(
                test_share=test_share,
                validation_share=validation_share,
                seed=split_seed,
                groups=None if groups is None else frame[groups],
                notify=notify,
            ),
            task=task,
            class_names=targets if named and class_names is None else class_names,
            feature_names=inputs,
        )

    @staticmethod
    def from_hugging_face(
        data: Any,
        *,
        image: str | None = None,
        label: str | None = None,
        size: int | tuple[int, int] | None = None,
        channels: int | None = None,
        classes: int | None = None,
        groups: str | None = None,
        name: str = "hugging-face",
        split_seed: int = 0,
        test_share: float | None = None,
        validation_share: float | None = None,
        notify: Notify = silent,
    ) -> Dataset:
        """A data set of images from a `datasets.Dataset` or `DatasetDict` (train, and
        optionally validation and test).

        `image` is the column of images, `label` that of classes or label maps; without
        these the first of each. `size` (a side, or height and width) resizes every
        image, `channels` (1 or 3) converts them; `classes` is the number of classes in
        label maps. `groups` is a column of words or whole numbers, such as the patient:
        rows of one group stay in one split.

        Raises:
            InputError: there are no such columns, or an image cannot be used.
        """
        from bsngraph.data.sources.hugging_face import dataset_of_tables, given_tables

        sides = (size,) if isinstance(size, int) else size
        said: dict[str, object | None] = {
            "image": image,
            "label": label,
            "size": None if sides is None else "x".join(map(str, sides)),
            "channels": channels,
            "classes": classes,
            "groups": groups,
        }
        tables = given_tables(data)
        how = Drawing(
            test_share=test_share, validation_share=validation_share, seed=split_seed, notify=notify
        )
        options = {option: str(value) for option, value in said.items() if value is not None}
        parts: dict[Part, object] = {part: tables.get(part) for part in ("validation", "test")}
        return dataset_of_tables(python_request(name, how, parts, options), tables, files=True)
