"""`npz:`, `csv:`, `hf:` and `--data-code`: what is inferred, what is refused; nothing
in a file is ever run.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from image_folders import random_image
from PIL import Image

from bsngraph.data import load_data, load_data_code
from bsngraph.data.splits import PARTS
from bsngraph.errors import InputError


def refusal(name: str, **more: Any) -> str:
    with pytest.raises(InputError) as caught:
        load_data(name, **more)
    return str(caught.value)


def arrays(n: int = 20, shape: tuple[int, ...] = (1, 4, 4), kind: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(n).integers(0, 250, size=(n, *shape)).astype(kind)


def npz(path: Path, **given: Any) -> str:
    np.savez(path / "a.npz", **given)
    return f"npz:{path / 'a.npz'}"


CLASSES = np.arange(20) % 2


# --- npz


def test_arrays_of_an_archive_are_the_splits(tmp_path: Path) -> None:
    given = {f"x_{part}": arrays(count) for part, count in {"train": 20, "val": 6, "test": 8}.items()}
    labels = {f"y_{part}": np.arange(count) % 3 for part, count in {"train": 20, "val": 6, "test": 8}.items()}
    data = load_data(npz(tmp_path, **given, **labels))
    assert data.task == "classification"
    assert data.class_names == ("0", "1", "2")
    for part, suffix in zip(PARTS, ("train", "val", "test"), strict=True):
        assert np.array_equal(getattr(data, part).inputs.numpy(), given[f"x_{suffix}"])
        assert np.array_equal(getattr(data, part).labels.numpy(), labels[f"y_{suffix}"])
        assert getattr(data, part).labels.dtype == torch.int64


def test_what_an_archive_lacks_is_drawn_from_its_training_examples(tmp_path: Path) -> None:
    data = load_data(npz(tmp_path, x_train=arrays(50), y_train=np.arange(50) % 2))
    assert [len(getattr(data, part)) for part in PARTS] == [32, 8, 10]
    data = load_data(
        npz(
            tmp_path,
            x_train=arrays(50),
            y_train=np.arange(50) % 2,
            x_test=arrays(5),
            y_test=np.zeros(5, dtype=int),
        )
        + ",validation=6"
    )
    assert [len(getattr(data, part)) for part in PARTS] == [44, 6, 5]


@pytest.mark.parametrize(
    ("inputs", "labels", "task", "shape"),
    [
        (arrays(), CLASSES, "classification", (1, 4, 4)),
        (arrays(), CLASSES.astype(np.float32), "regression", (1, 4, 4)),
        (arrays(shape=(5,), kind=np.float32), np.random.default_rng(0).random((20, 3)), "regression", (5,)),
        (arrays(shape=(5,), kind=np.float64), np.eye(4, dtype=int)[np.arange(20) % 4], "multi-label", (5,)),
        (arrays(shape=(3, 4, 5)), arrays(shape=(4, 5)) % 3, "segmentation", (3, 4, 5)),
        (arrays(shape=(4, 5, 3)), CLASSES, "classification", (3, 4, 5)),
        (arrays(shape=(4, 5, 1)), CLASSES, "classification", (1, 4, 5)),
        (arrays(shape=(4, 5)), CLASSES, "classification", (1, 4, 5)),
        (arrays(shape=(4, 5), kind=np.float32), CLASSES, "classification", (4, 5)),
        (arrays(shape=(4, 5)) > 100, CLASSES == 1, "classification", (1, 4, 5)),
    ],
)
def test_task_and_shape_are_inferred_from_shapes_and_types(
    inputs: np.ndarray, labels: np.ndarray, task: str, shape: tuple[int, ...], tmp_path: Path
) -> None:
    data = load_data(npz(tmp_path, x_train=inputs, y_train=labels))
    assert data.task == task
    assert data.input_shape == shape
    batch, targets = next(data.training_batches(4, torch.Generator().manual_seed(0), augment=True))
    assert batch.shape == (4, *shape)
    assert batch.dtype == torch.float32
    assert torch.isfinite(batch).all()
    expected = {
        "classification": (torch.int64, (4,)),
        "segmentation": (torch.int64, (4, 4, 5)),
        "regression": (torch.float32, (4, labels.shape[1] if labels.ndim > 1 else 1)),
        "multi-label": (torch.float32, (4, 4)),
    }
    assert (targets.dtype, tuple(targets.shape)) == expected[task]


def test_task_layout_names_and_ignore_label_may_be_said(tmp_path: Path) -> None:
    given = {"x_train": arrays(shape=(3, 4, 3)), "y_train": CLASSES}
    assert load_data(npz(tmp_path, **given)).input_shape == (3, 4, 3)
    assert load_data(npz(tmp_path, **given) + ",layout=hwc").input_shape == (3, 3, 4)
    data = load_data(npz(tmp_path, **given, task="regression", class_names=["height"]))
    assert (data.task, data.class_names) == ("regression", ("height",))
    assert load_data(npz(tmp_path, **given) + ",task=regression").class_names == ("y0",)
    assert load_data(npz(tmp_path, **given, class_names=["a", "b", "c"])).class_names == ("a", "b", "c")
    masks = np.where(arrays(shape=(4, 5)) > 200, 9, arrays(shape=(4, 5)) % 2)
    data = load_data(npz(tmp_path, x_train=arrays(shape=(1, 4, 5)), y_train=masks, ignore_label=9))
    assert (data.ignore_label, data.class_names) == (9, ("0", "1"))


def test_sequences_are_normalised_by_feature(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal([5, -3], [2, 0.1], size=(30, 7, 2)).astype(np.float32)
    # the third never changes
    values = np.concatenate([values, np.full((30, 7, 1), 4, dtype=np.float32)], axis=2)
    data = load_data(npz(tmp_path, x_train=values, y_train=np.arange(30) % 2))
    assert len(data.mean) == 3
    normalised = data.normalised(data.train.inputs)
    torch.testing.assert_close(normalised.mean((0, 1)), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(
        normalised.std((0, 1), correction=0), torch.tensor([1.0, 1.0, 0.0]), atol=1e-4, rtol=0
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"x_train": arrays()},
            "there is no y_train (there is x_train): x_train and y_train are needed at least",
        ),
        ({}, "there is no x_train"),
        (
            {"x_train": arrays(), "y_train": CLASSES, "x_tset": arrays()},
            "holds 'x_tset', which is unknown: did you mean 'x_test'?",
        ),
        ({"x_train": arrays(), "y_train": CLASSES, "x_val": arrays()}, "x_val and y_val belong together"),
        (
            {"x_train": arrays(), "y_train": CLASSES[:9]},
            "x_train is (20, 1, 4, 4) and y_train is (9,): both need a row for each example",
        ),
        (
            {"x_train": arrays(0), "y_train": CLASSES[:0]},
            "both need a row for each example, and at least one",
        ),
        (
            {"x_train": arrays(), "y_train": CLASSES, "x_val": arrays(2, (1, 5, 4)), "y_val": CLASSES[:2]},
            "differ in size from x_train",
        ),
        ({"x_train": arrays(), "y_train": CLASSES.astype("U3")}, "y_train of <U3: both must be numbers"),
        (
            {"x_train": arrays(), "y_train": CLASSES - 1, "class_names": ["a", "b"]},
            "example 0 has the label -1, but labels are 0 to 1",
        ),
        (
            {"x_train": arrays(), "y_train": CLASSES + 1, "class_names": ["a", "b"]},
            "example 1 has the label 2, but labels are 0 to 1",
        ),
        (
            {"x_train": arrays(shape=(1, 4, 5)), "y_train": np.full((20, 4, 5), 1000)},
            "the highest label of a pixel is 1000: number classes from 0 to 255",
        ),
        (
            {"x_train": arrays(), "y_train": CLASSES * 0},
            "names one class @ class_names: classification needs two",
        ),
        ({"x_train": arrays(), "y_train": np.arange(20)}, "class '0' has 1 example"),
        (
            {"x_train": arrays(), "y_train": arrays(20, (3,))},
            "labels uint8 of shape (20, 3) fit no task: say task=",
        ),
        (
            {"x_train": arrays(), "y_train": CLASSES, "task": "clasification"},
            "task=clasification: did you mean 'classification'?",
        ),
        (
            {"x_train": arrays(), "y_train": CLASSES, "task": "multi-label"},
            "of shape (20,) are not for multi-label",
        ),
        (
            {"x_train": arrays(), "y_train": arrays(20, (2,)) % 3, "task": "multi-label"},
            "but labels are 0 or 1",
        ),
        (
            {"x_train": arrays(), "y_train": np.full(20, np.nan)},
            "y_train: row 0 holds nan, which is not a finite number: fill in or remove what is missing",
        ),
        (
            {"x_train": np.where(np.eye(20, 3, -4) > 0, np.inf, 1.0), "y_train": CLASSES},
            "x_train: row 4, column 0 holds inf, which is not a finite number: fill in or",
        ),
        (
            {
                "x_train": arrays(),
                "y_train": CLASSES,
                "x_val": np.full((2, 1, 4, 4), np.nan),
                "y_val": [0, 1],
            },
            "x_val: row 0 at (0, 0, 0) holds nan",
        ),
        (
            {"x_train": np.full((20, 3), 1e39), "y_train": CLASSES},
            "row 0, column 0 holds 1e+39, which is more than 3.4e+38, the largest number",
        ),
        (
            {"x_train": arrays(), "y_train": np.full((20, 2), [1, 1e300])},
            "y_train: row 0, column 1 holds 1e+300, which is more than",
        ),
        (
            {"x_train": arrays(), "y_train": 1.7e9 + np.arange(20) / 3, "class_names": ["time"]},
            "the labels 'time' lie near 1700000000.0 and differ by too little for float32, in which networks "
            "compute: subtract a constant from them",
        ),
        (
            {"x_train": 2**62 + np.arange(40).reshape(20, 2), "y_train": CLASSES},
            "column 0 holds whole numbers that are large and differ by little: subtract the smallest one",
        ),
        (
            {"x_train": arrays(), "y_train": arrays(20, (5, 5)) % 2},
            "label maps are (5, 5), images (4, 4): each pixel has a label",
        ),
        (
            {"x_train": arrays(20, (1, 2, 3, 4)), "y_train": CLASSES},
            "vectors, sequences and images have two to four dimensions",
        ),
        (
            {"x_train": arrays(), "y_train": CLASSES, "ignore_label": 3},
            "ignore_label must be one number, 0 to 255, and the task segmentation",
        ),
        (
            {"x_train": arrays(), "y_train": np.eye(2, dtype=int)[CLASSES], "class_names": ["a"]},
            "class_names are 1, but labels have 2 columns",
        ),
    ],
)
def test_arrays_that_make_no_data_set_are_refused(given: dict[str, Any], said: str, tmp_path: Path) -> None:
    assert said in refusal(npz(tmp_path, **given))


class Trap:
    """What unpickling would run."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("a pickle was run",))


def test_pickled_arrays_are_refused_and_never_run(tmp_path: Path) -> None:
    objects = np.empty(20, dtype=object)
    objects[:] = [Trap() for _ in range(20)]
    said = refusal(npz(tmp_path, x_train=objects, y_train=CLASSES))
    assert "an array of Python objects: those are pickled, and reading a pickle can run code" in said
    (tmp_path / "b.npz").write_bytes(pickle.dumps(Trap()))
    assert "b.npz: cannot be read" in refusal(f"npz:{tmp_path / 'b.npz'}")


def test_damaged_archives_are_refused(tmp_path: Path) -> None:
    name = npz(tmp_path, x_train=arrays(), y_train=CLASSES)
    path = tmp_path / "a.npz"
    content = path.read_bytes()
    for damaged in (
        content[:-30],
        content[: len(content) // 2],
        b"",
        content[:60] + b"\xff" * 40 + content[100:],
    ):
        path.write_bytes(damaged)
        assert "a.npz: cannot be read" in refusal(name)


def test_archive_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x_train.npy", b"")
    content = path.read_bytes()
    directory = content.index(b"PK\x01\x02")
    path.write_bytes(
        content[: directory + 24] + (2**32 - 2).to_bytes(4, "little") + content[directory + 28 :]
    )
    with zipfile.ZipFile(path, "a") as archive:
        for number in range(4):
            archive.writestr(f"y{number}.npy", b"")
    patched = path.read_bytes()
    place = 0
    while (place := patched.find(b"PK\x01\x02", place)) >= 0:
        patched = patched[: place + 24] + (2**32 - 2).to_bytes(4, "little") + patched[place + 28 :]
        place += 4
    path.write_bytes(patched)
    assert "its arrays take 21,474,836,470 bytes, more than 2,000,000,000" in refusal(f"npz:{path}")


def test_labels_of_any_values_are_classes_called_by_them_with_a_word(tmp_path: Path) -> None:
    told: list[str] = []
    for values, names in (([7, 3], ("3", "7")), ([1, 2], ("1", "2")), ([-1, 10**6], ("-1", "1000000"))):
        labels = np.array(values)[CLASSES]
        data = load_data(npz(tmp_path, x_train=arrays(), y_train=labels), notify=told.append)
        assert data.class_names == names
        assert data.rows is not None
        assert [names[label] for label in data.train.labels] == list(map(str, labels[data.rows.train]))
        assert f"the labels are {', '.join(names)}, and not 0 to 1: each value is a class" in told[-1]
    told.clear()
    load_data(npz(tmp_path, x_train=arrays(), y_train=CLASSES), notify=told.append)
    assert not told


def test_a_pixel_label_that_never_occurs_is_told(tmp_path: Path) -> None:
    told: list[str] = []
    masks = arrays(shape=(4, 5)) % 2 * 2
    data = load_data(npz(tmp_path, x_train=arrays(shape=(1, 4, 5)), y_train=masks), notify=told.append)
    assert data.class_names == ("0", "1", "2")
    assert "no pixel has the label 1" in told[0]


def test_a_label_that_never_changes_is_told(tmp_path: Path) -> None:
    told: list[str] = []
    load_data(npz(tmp_path, x_train=arrays(), y_train=np.full(20, 7.0)), notify=told.append)
    assert "the label 'y0' is 7.0 for every example: there is nothing to learn from it" in told[0]


@pytest.mark.parametrize("kind", ["npz", "csv"])
def test_small_differences_of_large_values_reach_the_network(kind: str, tmp_path: Path) -> None:
    """Times in seconds lie 128 apart in float32."""
    times = 1.7e9 + np.arange(20.0)
    values = np.stack([times, np.full(20, 0.1), np.arange(20) / 7], axis=1)
    if kind == "npz":
        name = npz(tmp_path, x_train=values, y_train=CLASSES)
    else:
        rows = [
            f"{a!r},{b!r},{c!r},{label}\n" for (a, b, c), label in zip(values.tolist(), CLASSES, strict=True)
        ]
        name = table(tmp_path, "time,same,third,y\n" + "".join(rows))
    data = load_data(name)
    assert data.rows is not None
    train = values[data.rows.train]
    spread = np.where(train.std(axis=0) > 1e-9, train.std(axis=0), 1)
    for part in PARTS:
        inputs = torch.cat([batch for batch, _ in data.evaluation_batches(getattr(data, part))])
        assert inputs.dtype == torch.float32
        expected = (values[getattr(data.rows, part)] - train.mean(axis=0)) / spread
        np.testing.assert_allclose(inputs.numpy(), expected, atol=1e-5)


@pytest.mark.parametrize(
    "values",
    [
        np.arange(60.0).reshape(20, 3),
        np.arange(60).reshape(20, 3),
        1e6 + np.random.default_rng(0).normal(size=(20, 3)) * 1e3,
        np.full((20, 3), 1.7e9),
        0.1 + np.random.default_rng(0).integers(0, 2, size=(20, 3)) * 2.0**-56,  # rounding errors
    ],
)
def test_ordinary_values_are_float32(values: np.ndarray, tmp_path: Path) -> None:
    data = load_data(npz(tmp_path, x_train=values, y_train=CLASSES))
    assert data.train.inputs.dtype == torch.float32
    assert np.array_equal(data.train.inputs.numpy(), values[data.rows.train].astype(np.float32))  # type: ignore[union-attr]
    assert float(data.normalised(data.test.inputs).abs().max()) < 4


# --- csv


def table(path: Path, text: str, name: str = "t.csv") -> str:
    (path / name).write_text(text, encoding="utf-8")
    return f"csv:{path / name}"


def lines(label: Any, count: int = 20, header: str = "a,b,y") -> str:
    return f"{header}\n" + "".join(
        f"{number},{number * number / 7:.3f},{label(number)}\n" for number in range(count)
    )


def test_a_column_of_words_holds_classes(tmp_path: Path) -> None:
    data = load_data(table(tmp_path, lines(lambda number: "cat" if number % 2 else "dog")))
    assert (data.task, data.class_names, data.input_shape) == ("classification", ("cat", "dog"), (2,))
    assert data.rows is not None
    for part in PARTS:
        rows = getattr(data.rows, part)
        assert getattr(data, part).inputs[:, 0].tolist() == rows.tolist()
        assert getattr(data, part).labels.tolist() == [1 - row % 2 for row in rows]


@pytest.mark.parametrize(
    ("label", "options", "task", "names"),
    [
        (lambda number: number % 3 * 5, "", "classification", ("0", "5", "10")),
        (lambda number: number % 3 - 1, "", "classification", ("-1", "0", "1")),
        (lambda number: f"{number % 3}.0", "", "regression", ("y",)),
        (lambda number: number / 3, "", "regression", ("y",)),
        (lambda number: number, ",task=regression", "regression", ("y",)),
        (lambda number: f"{number % 2}.5", ",task=classification", "classification", ("0.5", "1.5")),
    ],
)
def test_numbers_are_classes_where_they_are_whole_else_to_be_predicted(
    label: Any, options: str, task: str, names: tuple[str, ...], tmp_path: Path
) -> None:
    data = load_data(table(tmp_path, lines(label)) + options)
    assert (data.task, data.class_names) == (task, names)
    if task == "regression":
        assert data.rows is not None
        expected = [[float(label(row))] for row in data.rows.test.tolist()]
        torch.testing.assert_close(data.test.labels, torch.tensor(expected))


def test_several_label_columns_are_multi_label_or_several_outputs(tmp_path: Path) -> None:
    text = "red;x;green;blue\n" + "".join(f"{n % 2};{n / 3:.2f};{n % 3 % 2};{n / 9:.2f}\n" for n in range(20))
    several = load_data(table(tmp_path, text) + ",label=red+green")
    assert (several.task, several.class_names, several.input_shape) == ("multi-label", ("red", "green"), (2,))
    assert several.train.labels.dtype == torch.float32
    outputs = load_data(table(tmp_path, text) + ",label=red+blue")
    assert (outputs.task, outputs.class_names) == ("regression", ("red", "blue"))
    one = load_data(table(tmp_path, text) + ",label=red")
    assert (one.task, one.class_names, one.input_shape) == ("classification", ("0", "1"), (3,))


def test_a_column_that_never_changes_does_no_harm(tmp_path: Path) -> None:
    data = load_data(table(tmp_path, "a\tb\ty\n" + "".join(f"7\t{n}\t{n % 2}\n" for n in range(20))))
    assert torch.isfinite(data.normalised(data.test.inputs)).all()


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        (
            lines(lambda n: n % 2).replace("3,1.286", "3,oops"),
            "",
            "line 5: 'oops' in column 'b' is not a finite number",
        ),
        (
            lines(lambda n: n % 2).replace("3,1.286", "3,nan"),
            "",
            "line 5: 'nan' in column 'b' is not a finite number",
        ),
        (
            lines(lambda n: n % 2).replace("3,1.286", "3,"),
            "",
            "line 5: '' in column 'b' is not a finite number",
        ),
        (
            lines(lambda n: n % 2).replace("3,1.286,1", "3,1.286,"),
            "",
            "line 5: '' in column 'y' is not a label",
        ),
        (lines(lambda n: n % 2).replace("3,1.286,1", "3,1.286"), "", "line 5: has 2 entries for 3 columns"),
        (lines(lambda n: n % 2), ",label=z", "there is no column 'z': known are a, b, y"),
        (lines(lambda n: n % 2), ",label=a+b+y", "every column is a label"),
        (lines(lambda n: n % 2), ",task=segmentation", "task=segmentation with 1 label column: known are"),
        (
            lines(lambda n: n % 2),
            ",label=a+b,task=classification",
            "classification takes one label column, not 2",
        ),
        (
            lines(lambda n: "x" if n % 2 else "z"),
            ",task=regression",
            "the labels of regression must be numbers",
        ),
        (lines(lambda n: 1), "", "column 'y' holds only '1': classes are two or more"),
        (lines(lambda n: n), "", "class '0' has 1 example (and 19 other classes have too few)"),
        ("1,2,3\n4,5,6\n", "", "its first line holds numbers only: it must name the columns"),
        ("a,a,y\n1,2,3\n", "", "two columns are called 'a'"),
        ("a,b\n", "", "needs a line of column names, then lines of two entries or more"),
        ("a\n1\n2\n", "", "needs a line of column names"),
        ("", "", "needs a line of column names"),
        ('a,b\n"1,2\n', "", "is not a table ("),
    ],
)
def test_tables_that_cannot_be_used_are_refused(text: str, options: str, said: str, tmp_path: Path) -> None:
    assert said in refusal(table(tmp_path, text) + options)


def test_a_column_without_a_name_is_left_out_as_an_index(tmp_path: Path) -> None:
    text = ",a,y\n" + "".join(f"{n},{n / 3:.2f},{n % 2}\n" for n in range(20))
    told: list[str] = []
    data = load_data(table(tmp_path, text), notify=told.append)
    assert data.input_shape == (1,)
    assert (
        "column 1 has no name and is left out, as an index of the rows: give it a name to use it" in told[0]
    )
    assert "every column that has a name is a label" in refusal(table(tmp_path, text) + ",label=a+y")


def test_a_number_that_is_missing_among_labels_is_no_class(tmp_path: Path) -> None:
    text = lines(lambda n: n / 3).replace("3,1.286,1.0\n", "3,1.286,nan\n")
    assert "line 5: 'nan' in column 'y' is not a finite number" in refusal(table(tmp_path, text))
    words = load_data(table(tmp_path, lines(lambda n: "inf" if n % 2 else "sup")))
    assert words.class_names == ("inf", "sup")


def test_bad_lines_are_skipped_with_a_warning(tmp_path: Path) -> None:
    told: list[str] = []
    data = load_data(
        table(tmp_path, lines(lambda n: n % 2).replace("3,1.286", "3,oops")),
        skip_bad=True,
        notify=told.append,
    )
    assert sum(len(getattr(data, part)) for part in PARTS) == 19
    assert "1 of 20 lines skipped:\n  - line 5: 'oops'" in told[0]
    assert len(data.skipped) == 1


def test_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"a,b\n1,\xe9\n")
    assert "t.csv: is not UTF-8 (byte 6): save it as UTF-8" in refusal(f"csv:{tmp_path / 't.csv'}")
    assert "cannot be read" in refusal(f"csv:{tmp_path}")


# --- Hugging Face


def content(pixels: np.ndarray) -> dict[str, Any]:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return {"bytes": buffer.getvalue(), "path": None}


@pytest.fixture
def hub() -> Any:
    import datasets

    return datasets


def classified(hub: Any, count: int, seed: int = 0) -> Any:
    features = hub.Features(
        {"id": hub.Value("string"), "img": hub.Image(), "fine": hub.ClassLabel(names=["cat", "dog"])}
    )
    rows = {
        "id": [str(n) for n in range(count)],
        "img": [content(random_image(seed + n)) for n in range(count)],
        "fine": [n % 2 for n in range(count)],
    }
    return hub.Dataset.from_dict(rows, features=features)


@pytest.mark.parametrize("options", ["", ",memory=1kB,workers=1"])
def test_saved_hugging_face_data_are_read_with_their_splits_and_class_names(
    hub: Any, options: str, tmp_path: Path
) -> None:
    hub.DatasetDict({"train": classified(hub, 10), "test": classified(hub, 4, 50)}).save_to_disk(
        tmp_path / "d"
    )
    data = load_data(f"hf:{tmp_path / 'd'}{options}")
    assert data.class_names == ("cat", "dog")
    assert [len(getattr(data, part)) for part in PARTS] == [8, 2, 4]
    inputs = torch.cat(
        [data.std[0] * batch[:, :1] + data.mean[0] for batch, _ in data.evaluation_batches(data.test)]
    )
    expected = torch.stack([torch.from_numpy(random_image(50 + n)[None, :, :, 0]) for n in range(4)])
    torch.testing.assert_close(inputs, expected.float(), atol=1e-3, rtol=1e-5)
    assert data.test.labels.tolist() == [0, 1, 0, 1]


def test_hugging_face_label_maps_are_a_segmentation(hub: Any, tmp_path: Path) -> None:
    images = [random_image(n) for n in range(10)]
    features = hub.Features({"image": hub.Image(), "annotation": hub.Image()})
    rows = {
        "image": [content(image) for image in images],
        "annotation": [content(image[:, :, 0] // 100) for image in images],
    }
    hub.Dataset.from_dict(rows, features=features).save_to_disk(tmp_path / "d")
    data = load_data(f"hf:{tmp_path / 'd'},size=12x10")
    assert (data.task, data.ignore_label, data.class_names) == ("segmentation", 255, ("0", "1", "2"))
    assert data.train.labels.shape[1:] == (12, 10)
    assert load_data(f"hf:{tmp_path / 'd'},binary=yes").train.labels.max() == 1
    assert load_data(f"hf:{tmp_path / 'd'},classes=7").class_names == tuple("0123456")
    assert "a mask has the label 2, but labels are 0 to 1" in refusal(f"hf:{tmp_path / 'd'},classes=2")
    assert data.rows is not None
    first = int(data.rows.train[0])
    assert np.array_equal(data.train.labels[0, ::2, ::2].numpy(), images[first][:, :, 0] // 100)


def test_hugging_face_data_that_cannot_be_used_are_refused(hub: Any, tmp_path: Path) -> None:
    classified(hub, 6).save_to_disk(tmp_path / "d")
    name = f"hf:{tmp_path / 'd'}"
    assert "there is no label column 'fin': did you mean 'fine'?" in refusal(f"{name},label=fin")
    assert "column 'id' holds no images" in refusal(f"{name},image=id")
    assert "column 'id' holds neither classes nor label maps" in refusal(f"{name},label=id")
    (tmp_path / "e").mkdir()
    assert "cannot be loaded (" in refusal(f"hf:{tmp_path / 'e'}")
    hub.DatasetDict({"test": classified(hub, 4)}).save_to_disk(tmp_path / "f")
    assert "has the splits test, but no train" in refusal(f"hf:{tmp_path / 'f'}")
    hub.Dataset.from_dict({"x": [1, 2]}).save_to_disk(tmp_path / "g")
    assert "there is no image column: say image=COLUMN, one of x" in refusal(f"hf:{tmp_path / 'g'}")


def test_bad_image_in_hugging_face_data_is_named_by_row(hub: Any, tmp_path: Path) -> None:
    features = hub.Features({"image": hub.Image(), "label": hub.Value("int64")})
    images = [content(random_image(n)) for n in range(12)]
    images[5] = {"bytes": b"nothing", "path": None}
    hub.Dataset.from_dict(
        {"image": images, "label": [None, *(n % 2 for n in range(1, 12))]}, features=features
    ).save_to_disk(tmp_path / "d")
    said = refusal(f"hf:{tmp_path / 'd'}")
    assert "row 0 of train: has no label" in said
    assert "row 5 of train: cannot be read as an image" in said
    assert len(load_data(f"hf:{tmp_path / 'd'}", skip_bad=True).skipped) == 2


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    assert "pip install 'bsngraph[hf]'" in refusal("hf:mnist")


# --- code of one's own


def code(path: Path, text: str) -> str:
    (path / "mine.py").write_text(text, encoding="utf-8")
    return f"{path / 'mine.py'}:data"


def test_code_gives_arrays_or_a_data_set(tmp_path: Path) -> None:
    given = code(
        tmp_path,
        "import numpy as np\n"
        "def data():\n"
        "    x = np.arange(80, dtype=np.float32).reshape(20, 4)\n"
        "    return {'x_train': x, 'y_train': np.arange(20) % 2}\n"
        "def whole():\n"
        "    from bsngraph.data import load_data\n"
        "    return load_data('digits')\n",
    )
    data = load_data_code(given)
    assert data.name == f"code:{given}"
    assert Counter(
        data.train.labels.tolist() + data.validation.labels.tolist() + data.test.labels.tolist()
    ) == {0: 10, 1: 10}
    assert load_data_code(given.replace(":data", ":whole")).fingerprint() == load_data("digits").fingerprint()
    assert not (tmp_path / "__pycache__").exists()


def test_record_of_a_run_never_runs_code(tmp_path: Path) -> None:
    given = code(tmp_path, "raise SystemExit('run')\ndef data(): pass\n")
    with pytest.raises(InputError, match="comes from code, which nothing runs by itself"):
        load_data(f"code:{given}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def dat(): pass\n", "has no function 'data': did you mean 'dat'?"),
        ("def data(): return 3\n", "returned int: it must return a Dataset, or a dictionary of arrays"),
        ("def data(): return {'x_train': [[1.0]]}\n", "there is no y_train"),
        ("x = 1\ndef data():\n    return x / 0\n", "mine.py, line 3: ZeroDivisionError: division by zero"),
        ("import nowhere_at_all\n", "mine.py, line 1: ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("def data(:\n", "mine.py, line 1: SyntaxError"),
        ("raise SystemExit\n", "mine.py, line 1: SystemExit"),
    ],
)
def test_code_that_gives_no_data_is_refused(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_data_code(code(tmp_path, text))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("mine.py", "does not read FILE.py:function"),
        ("mine:data", "does not read FILE.py:function"),
        ("mine.py:2x", "does not read FILE.py:function"),
        ("nowhere.py:data", "nowhere.py: cannot be read (No such file or directory)"),
    ],
)
def test_code_that_is_not_there_is_refused(given: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        load_data_code(given)
    assert said in str(caught.value)
