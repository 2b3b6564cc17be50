"""Data that a user has in Python: arrays, torch's data sets, Hugging Face's, tables.
One meaning, whatever they come in; and what is wrong with them, by name.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits
from tiny import DIGITS, fabric_of, no_pictures, recipe, settings
from torch.utils.data import DataLoader, SubsetRandomSampler, TensorDataset

import bsngraph
from bsngraph.data import Dataset, load_data
from bsngraph.data.own.given_values import array_of
from bsngraph.errors import InputError

NAMES = ["0", "1", "7"]
CLASSES = (0, 1, 7)


def digits(each: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 8, 8) uint8 by class, as a folder lists them, and their classes."""
    bunch = load_digits()
    images = [(bunch.images[bunch.target == digit][:each] * 255 / 16).astype(np.uint8) for digit in CLASSES]
    return np.concatenate(images), np.repeat(np.arange(len(CLASSES)), each)


X, Y = digits()
TABLE = np.stack([X.reshape(len(X), -1).mean(1), X.reshape(len(X), -1).std(1)], axis=1)


def from_folder(folder: Path) -> Dataset:
    for number, (image, label) in enumerate(zip(X, Y, strict=True)):
        (folder / NAMES[label]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / NAMES[label] / f"{number:03}.png")
    return load_data(f"folder:{folder}")


def from_images(_folder: Path) -> Dataset:
    images = [Image.fromarray(image) for image in X]
    return Dataset.from_arrays(images, [NAMES[label] for label in Y])


def from_loader(_folder: Path) -> Dataset:
    loader = DataLoader(TensorDataset(torch.from_numpy(X), torch.from_numpy(Y)), batch_size=7, shuffle=True)
    return Dataset.from_torch(loader, class_names=NAMES)


def from_torch(_folder: Path) -> Dataset:
    images = torch.from_numpy(X)[:, None]
    return Dataset.from_torch(TensorDataset(images, torch.from_numpy(Y)), class_names=NAMES)


def from_hugging_face(_folder: Path) -> Dataset:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=NAMES)})
    columns = {"image": [Image.fromarray(image) for image in X], "label": Y.tolist()}
    return Dataset.from_hugging_face(datasets.Dataset.from_dict(columns, features=features))


def run_of(data: Dataset, folder: Path) -> dict[str, Any]:
    """What a search of the data leaves, but for names and seconds."""
    fabric = fabric_of(DIGITS, folder, {"classes": 3})
    how = {"recipe": recipe(epochs=1), "settings": settings(finetune_epochs=1), "threads": 1}
    bsngraph.search(fabric, data, "macs=60%", out=folder / "run", seed=3, device="cpu", **how)
    lines = (folder / "run" / "metrics.jsonl").read_text().splitlines()
    rows = [{name: value for name, value in json.loads(line).items() if name != "seconds"} for line in lines]
    network = [(folder / "run" / name).read_bytes() for name in ("architecture.dot", "model.safetensors")]
    return {"rows": rows, "network": network}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("folder")
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        return run_of(from_folder(folder / "images"), folder)


@pytest.mark.parametrize("made", [from_images, from_loader, from_torch, from_hugging_face])
def test_the_same_images_give_the_same_search_whatever_they_come_in(
    made: Callable[[Path], Dataset],
    reference: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    no_pictures(monkeypatch)
    assert run_of(made(tmp_path), tmp_path) == reference


def test_a_hugging_face_image_may_be_the_name_of_its_file(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    expected = from_folder(tmp_path / "images")
    files = sorted(map(str, (tmp_path / "images").rglob("*.png")))
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=NAMES)})
    table = datasets.Dataset.from_dict({"image": files, "label": Y.tolist()}, features=features)
    assert Dataset.from_hugging_face(table).fingerprint() == expected.fingerprint()
    halves = datasets.DatasetDict({"train": table, "val": table, "test": table})
    assert len(Dataset.from_hugging_face(halves, size=4, channels=3).test) == len(X)
    with pytest.raises(InputError, match=r"validation_share=0\.1 has no meaning: the validation split is"):
        Dataset.from_hugging_face(halves, validation_share=0.1)
    with pytest.raises(InputError, match="data is list: give a datasets"):
        Dataset.from_hugging_face([1, 2])


# --- what an array means


def test_a_split_that_is_given_stays_and_others_are_drawn_by_share_and_seed() -> None:
    data = Dataset.from_arrays(X, Y, x_test=X[:6], y_test=Y[[0, 30, 60, 0, 30, 60]], validation_share=0.5)
    assert len(data.test) == 6
    assert len(data.train) == len(data.validation) == len(X) // 2
    again = Dataset.from_arrays(X, Y, test_share=0.25, split_seed=1)
    assert len(again.test) == len(X) // 4
    assert again.fingerprint() != Dataset.from_arrays(X, Y, test_share=0.25).fingerprint()
    assert data.name == "python:arrays"


def test_labels_say_the_task_unless_it_is_given() -> None:
    flat = X.reshape(len(X), -1).astype(np.float32)
    assert Dataset.from_arrays(flat, Y).task == "classification"
    assert Dataset.from_arrays(flat, Y.astype(float)).task == "regression"
    assert Dataset.from_arrays(flat, Y.astype(float), task="classification").class_names == ("0", "1", "2")
    assert Dataset.from_arrays(flat, np.eye(3, dtype=int)[Y]).task == "multi-label"
    maps = Dataset.from_arrays(X, (X > 99).astype(int), class_names=["paper", "ink"])
    assert (maps.task, maps.class_names) == ("segmentation", ("paper", "ink"))
    colour = np.repeat(X[..., None], 3, axis=3)
    assert Dataset.from_arrays(colour, Y).input_shape == (3, 8, 8)
    assert Dataset.from_arrays(torch.from_numpy(flat).bfloat16(), Y).input_shape == (64,)


def test_the_classes_of_a_torch_data_set_are_its_own() -> None:
    pairs = TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))
    pairs.classes = ["zero", "one", "seven"]
    assert Dataset.from_torch(pairs).class_names == ("zero", "one", "seven")


def broken(place: tuple[int, ...], value: float) -> np.ndarray:
    values = X.astype(np.float32)
    values[place] = value
    return values


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"y": Y[:-1]}, "x is (72, 8, 8) and y is (71,): both need a row for each example"),
        ({"x": broken((3, 0, 0), np.nan)}, "x: row 3 at (0, 0) holds nan, which is not a finite number"),
        ({"y": np.where(Y == 2, 2.5, Y), "task": "classification"}, "y: example 48 has the label 2.5, which"),
        ({"y": np.where(Y == 2, np.nan, Y), "task": "classification"}, "example 48 has the label nan"),
        ({"x_test": X}, "x_test and y_test belong together, but one of them is missing"),
        ({"x_test": X[:0], "y_test": Y[:0]}, "x_test is (0, 8, 8) and y_test is (0,)"),
        ({"x_test": X[:, :4], "y_test": Y}, "x_test (72, 4, 8) and y_test (72,) differ in size from x and y"),
        ({"x": list("ab"), "y": [0, 1]}, "x has values of type <U1"),
        ({"x": [X[0], X[0, :4]], "y": [0, 1]}, "x: example 1 is (4, 8), but example 0 is (8, 8)"),
        ({"x": [[1, 2], [1]], "y": [0, 1]}, "x: example 1 is (1,), but example 0 is (2,)"),
        ({"y": Y, "class_names": ["a", "b"]}, "example 48 has the label 2, but labels are 0 to 1"),
        ({"y": Y, "class_names": "abc"}, "class_names='abc' must be a list of texts"),
        ({"y": np.array(NAMES)[Y], "class_names": ["0", "1"]}, "y: example 48 has the label '7'"),
        (
            {"y": np.array(NAMES)[Y], "x_test": X[:1], "y_test": ["9"]},
            "y_test: example 0 has the label '9', and the classes are 0, 1, 7",
        ),
        ({"y": Y, "task": "clasification"}, "did you mean 'classification'?"),
        ({"test_share": 0.0}, "test_share=0.0 must be a share of the examples between 0 and 1"),
        ({"x_test": X, "y_test": Y, "test_share": 0.1}, "test_share=0.1 has no meaning: the test split is"),
        ({"y": [0] * 71 + [1]}, "class '1' has 1 example, but each split needs one: 3 at least"),
        ({"name": "a,b"}, "name='a,b' must be a text without a comma"),
        ({"split_seed": "0"}, "split_seed='0' must be a whole number"),
        ({"y": None}, "there is no y (there is x): x and y are needed at least"),
        ({"y": np.array(NAMES)[Y], "task": "regression"}, "y holds words, but regression takes numbers"),
        ({"y": Y, "task": ["regression"]}, "task=['regression'] must be one of classification"),
        ({"y": Y, "class_names": 3}, "class_names=3 must be a list of texts"),
        ({"x": np.ma.masked_greater(X, 9)}, "x: has masked entries: fill them in"),
        ({"x": torch.empty(72, 8, device="meta")}, "x: is a tensor without plain values"),
        ({"layout": "xyz", "x": np.repeat(X[..., None], 3, axis=3)}, "layout=xyz must be one of chw, hwc"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_arrays_is_said_by_name(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as error:
        Dataset.from_arrays(**{"x": X, "y": Y} | given)
    assert said in str(error.value)


def test_what_is_wrong_with_a_torch_data_set_is_said_by_name() -> None:
    pairs = TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))
    some = DataLoader(pairs, batch_size=4, sampler=SubsetRandomSampler(range(9)))
    for given, said in (
        (some, "data: the loader picks its examples by a sampler of its own"),
        (TensorDataset(torch.from_numpy(X)), "data: example 0 is tuple of 1: it must be a pair"),
        ([{"image": 1}], "data: example 0 is dict: it must be a pair"),
        (7, "data: is int: give a torch.utils.data.Dataset"),
        (None, "data: is NoneType: give a torch.utils.data.Dataset"),
        ([], "data: inputs: there are no examples in it"),
        ([(X[0], 0), (X[0, :2], 1)], "data: inputs: example 1 is (2, 8), but example 0 is (8, 8)"),
    ):
        with pytest.raises(InputError) as error:
            Dataset.from_torch(given)
        assert said in str(error.value)


# --- tables


@pytest.fixture
def frame() -> Any:
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame({"mean": TABLE[:, 0], "spread": TABLE[:, 1], "kind": np.array(NAMES)[Y]})


def test_a_frame_is_the_table_that_a_file_of_it_is(frame: Any, tmp_path: Path) -> None:
    frame.to_csv(tmp_path / "table.csv", index=False)
    of_file = load_data(f"csv:{tmp_path / 'table.csv'}")
    data = Dataset.from_frame(frame, target="kind")
    assert data.fingerprint() == of_file.fingerprint()
    assert (data.feature_names, data.class_names) == (("mean", "spread"), ("0", "1", "7"))
    one = Dataset.from_frame(frame, target="spread", features=["mean"])
    assert (one.task, one.class_names) == ("regression", ("spread",))
    both = Dataset.from_frame(frame.assign(whole=1.5 * Y), target=["spread", "whole"], features=["mean"])
    assert both.class_names == ("spread", "whole")
    assert len(Dataset.from_frame(frame, target="kind", test=frame[:9]).test) == 9


@pytest.mark.parametrize(
    ("change", "asked", "said"),
    [
        ({}, {"target": 3}, "there is no column 3: known are kind, mean, spread"),
        ({}, {"target": "knd"}, "there is no column 'knd': did you mean 'kind'?"),
        ({}, {"target": "mean"}, "column 'kind' holds words, e.g. '0': features are numbers"),
        ({"mean": np.nan}, {"target": "kind"}, "column 'mean' has nan in row 0, which is no finite number"),
        ({"mean": None}, {"target": "kind"}, "column 'mean' has None in row 0, which is no finite number"),
        ({"kind": np.nan}, {"target": "kind"}, "column 'kind' has nan in row 0, which is no finite number"),
        ({}, {"target": ["kind", "mean"]}, "column 'kind' holds words: several labels must be numbers"),
        ({}, {"target": "mean", "features": ["mean"]}, "give each at least one column, none to both"),
        ({3: 1.0}, {"target": "kind"}, "the column 3 has no text for a name"),
    ],
)
def test_what_is_wrong_with_a_frame_is_said_by_column_and_row(
    change: dict[Any, Any], asked: dict[str, Any], said: str, frame: Any
) -> None:
    for column, value in change.items():
        frame[column] = value
    with pytest.raises(InputError) as error:
        Dataset.from_frame(frame, **asked)
    assert said in str(error.value)


def test_a_frame_that_is_none_or_lacks_rows_is_said(frame: Any) -> None:
    with pytest.raises(InputError, match="the table is list: give a table with columns"):
        Dataset.from_frame([1], target="kind")
    with pytest.raises(InputError, match="there are no rows in it"):
        Dataset.from_frame(frame[:0], target="kind")
    with pytest.raises(InputError, match="test: there is no column 'spread'"):
        Dataset.from_frame(frame, target="kind", test=frame[["mean", "kind"]])
    gone = frame.assign(kind=frame["kind"].where(frame.index != 5, None))
    with pytest.raises(InputError, match=r"column 'kind' has .* in row 5, among words"):
        Dataset.from_frame(gone, target="kind")


# --- runs


def test_a_run_says_that_it_needs_its_data_again_and_takes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_pictures(monkeypatch)
    data = Dataset.from_arrays(X, Y, class_names=NAMES, name="three")
    run_of(data, tmp_path)
    run = tmp_path / "run"
    assert json.loads((run / "config.json").read_text())["data"]["name"] == "python:three"
    for ask in (
        lambda **more: bsngraph.evaluate_run(run, **more),
        lambda **more: bsngraph.prune_run(run, "macs=70%", out=tmp_path / "pruned", **more),
    ):
        with pytest.raises(
            InputError, match="was made in a Python program, and nothing else can open it: pass the Da"
        ):
            ask()
        ask(data=data)
    np.savez(tmp_path / "same.npz", x_train=X, y_train=Y, class_names=NAMES)
    assert bsngraph.evaluate_run(run, data=f"npz:{tmp_path / 'same.npz'}").score.metrics


def test_a_picture_of_another_mode_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="x: the picture has values of another type than 8 bits"):
        array_of("x", Image.new("I;16", (4, 4)))
