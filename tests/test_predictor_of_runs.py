"""A run's network as a function: files, pictures, arrays and tables in, answers out,
the same as `predict` writes.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits
from tiny import DIGITS, fabric_of, no_pictures, recipe, settings

import bsngraph
from bsngraph.data import Dataset
from bsngraph.delivered import RunPredictor
from bsngraph.errors import InputError

NAMES = ["zero", "one", "seven"]
TABLE = """\
digraph table {
  graph [source=row, target=scores];
  row [input="2"];
  row -> a [op=linear, features=4, fixed=true];
  a -> scores [op=classifier, classes=OUTPUTS, fixed=true];
}
"""
MAPS = """\
digraph maps {
  graph [source=image, target=scores];
  image [input="1x8x8"];
  image -> a [op=conv, channels=4, fixed=true];
  a -> scores [op=segmentation_head, classes=2, height=8, width=8, fixed=true];
}
"""


def digits() -> tuple[np.ndarray, np.ndarray]:
    bunch = load_digits()
    some = [bunch.images[bunch.target == digit][:20] for digit in (0, 1, 7)]
    return (np.concatenate(some) * 255 / 16).astype(np.uint8), np.repeat(np.arange(3), 20)


X, Y = digits()
ROWS = np.stack([X.reshape(60, -1).mean(1), X.reshape(60, -1).std(1)], axis=1)


class Runs(NamedTuple):
    folder: Path
    images: RunPredictor
    shares: RunPredictor
    table: RunPredictor
    amounts: RunPredictor
    maps: RunPredictor


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    folder = tmp_path_factory.mktemp("runs")
    for number, (image, label) in enumerate(zip(X, Y, strict=True)):
        (folder / "shapes" / NAMES[label]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / "shapes" / NAMES[label] / f"{number}.png")
    columns = ["mean", "spread"]
    data: dict[str, tuple[str | Dataset, str]] = {
        "images": (f"folder:{folder / 'shapes'},size=8", DIGITS),
        "shares": (Dataset.from_arrays(X[:, None] / np.float32(255), Y), DIGITS),
        "table": (Dataset.from_arrays(ROWS, Y, feature_names=columns), TABLE.replace("OUTPUTS", "3")),
        "amounts": (Dataset.from_arrays(ROWS, ROWS[:, :1]), TABLE.replace("OUTPUTS", "1")),
        "maps": (Dataset.from_arrays(X, (X > 99).astype(int), class_names=["paper", "ink"]), MAPS),
    }
    made = []
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        for name, (what, text) in data.items():
            fabric = fabric_of(text, folder, {"classes": 3} if text == DIGITS else None)
            how = {"recipe": recipe(epochs=1), "settings": settings(finetune_epochs=0), "threads": 1}
            bsngraph.search(fabric, what, out=folder / name, device="cpu", **how)
            made.append(bsngraph.load_predictor(folder / name, device="cpu", threads=1))
    return Runs(folder, *made)


def test_files_pictures_arrays_and_tensors_give_the_answer_that_predict_writes(runs: Runs) -> None:
    shapes = runs.folder / "shapes"
    bsngraph.predict(runs.folder / "images", out=runs.folder / "said", images=shapes, device="cpu")
    with (runs.folder / "said" / "predictions.csv").open() as file:
        lines = list(csv.DictReader(file))
    files = [str(shapes / line["file"]) for line in lines]
    answer = runs.images(files)
    assert answer.names == tuple(line["predicted"] for line in lines)
    written = [[float(line[name]) for name in answer.class_names] for line in lines]
    assert answer.probabilities == pytest.approx(np.array(written), rel=1e-5)
    pixels = np.stack([np.asarray(Image.open(file)) for file in files])
    for given in (
        [Image.open(file) for file in files],
        [Path(file) for file in files],
        pixels,
        pixels[:, None],
        pixels[..., None],
        list(pixels),
        torch.from_numpy(pixels),
        torch.from_numpy(pixels)[:, None].float(),
    ):
        again = runs.images(given)
        assert np.array_equal(again.probabilities, answer.probabilities)
        assert np.array_equal(again.predicted, answer.predicted)


def test_one_example_is_an_answer_of_one_row(runs: Runs) -> None:
    many = runs.images(X)
    for one in (X[3], Image.fromarray(X[3]), X[3][None], torch.from_numpy(X[3])[None]):
        answer = runs.images(one)
        assert len(answer) == 1
        assert answer.probabilities == pytest.approx(many.probabilities[3:4], abs=1e-6)
    assert runs.images.input_shape == (1, 8, 8)
    assert (runs.images.task, runs.images.class_names) == ("classification", ("one", "seven", "zero"))
    assert repr(many).startswith("NetworkAnswer(classification of 60: ")


def test_pictures_are_scaled_to_what_the_training_data_held(runs: Runs) -> None:
    answer = runs.shares([Image.fromarray(image) for image in X])
    assert answer.probabilities == pytest.approx(runs.shares(X / np.float32(255)).probabilities, abs=1e-5)
    with pytest.raises(InputError, match="the examples hold at most 255, but the training data held 0 to 1:"):
        runs.shares(X)
    with pytest.raises(InputError, match="the examples hold at most 1, but the training data held 0 to 255"):
        runs.images(X / 255)
    assert len(runs.images(np.ones((8, 8)))) == 1, "a dark image"


def test_pictures_are_resized_as_the_run_s_were(runs: Runs) -> None:
    large = Image.fromarray(X[0]).resize((16, 16))
    assert len(runs.images([large, Image.fromarray(X[0])])) == 2
    with pytest.raises(InputError, match=r"has 16x16 pixels .height x width., but the network takes 8x8"):
        runs.shares(large)


def test_a_table_s_columns_are_matched_by_name(runs: Runs) -> None:
    pandas = pytest.importorskip("pandas")
    answer = runs.table(ROWS)
    assert answer.probabilities.shape == (60, 3)
    frame = pandas.DataFrame({"spread": ROWS[:, 1], "mean": ROWS[:, 0]})
    frame.to_csv(runs.folder / "rows.csv", index=False)
    records = [{"spread": row[1], "mean": row[0]} for row in ROWS]
    for given in (frame, records, runs.folder / "rows.csv", str(runs.folder / "rows.csv")):
        assert np.array_equal(runs.table(given).predicted, answer.predicted)
    assert len(runs.table(records[0])) == len(runs.table(ROWS[0])) == len(runs.table(list(ROWS[0]))) == 1
    for given, said in (
        (frame[["mean"]], "the column 'spread' is missing: add it"),
        (frame.assign(kind=1), "the column 'kind' is unknown: leave it out"),
        ([{"mean": 1}], "example 0 must hold mean, spread, and nothing else"),
        (frame.assign(mean=np.nan), "column 'mean' has nan in row 0"),
        (runs.folder / "images" / "config.json", "needs a line of column names"),
    ):
        with pytest.raises(InputError, match=said):
            runs.table(given)


def test_amounts_are_in_their_own_units_and_maps_have_a_class_a_pixel(runs: Runs) -> None:
    amounts = runs.amounts(ROWS)
    assert amounts.probabilities is None
    assert amounts.predicted.shape == (60, 1)
    assert abs(amounts.predicted.mean() - ROWS[:, 0].mean()) < 30
    assert amounts.names[0].startswith("y0 ")
    maps = runs.maps(X[:5])
    assert maps.predicted.shape == (5, 8, 8)
    assert maps.probabilities is not None
    assert maps.probabilities.shape == (5, 2, 8, 8)
    assert np.array_equal(maps.probabilities.argmax(1), maps.predicted)
    assert set(maps.names) <= {"paper", "ink", "paper, ink"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            X[:, :4],
            "the examples are (60, 4, 8): give one of (1, 8, 8), or arrays of raw values, (n, 1, 8, 8)",
        ),
        (X[:0], "there are no examples in it"),
        (np.array([["a"]]), "have values of type <U1: they must be numbers"),
        (np.full((1, 8, 8), np.nan), "holds nan, which is not a finite number"),
        ("none.png", "none.png: is not there"),
        ([Image.fromarray(X[0]), X[0]], "ndarray stands among pictures"),
        ([X[0], X[0, :2]], "the examples: example 1 is (2, 8), but example 0 is (8, 8)"),
        ({"a": 1}, "the network knows its inputs by no names: give arrays of raw values"),
    ],
)
def test_what_is_wrong_with_examples_is_said(given: Any, said: str, runs: Runs) -> None:
    with pytest.raises(InputError) as error:
        runs.images(given)
    assert said in str(error.value)


def test_a_network_of_unnamed_vectors_says_what_it_takes(runs: Runs) -> None:
    (runs.folder / "two.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="does not hold what the network takes: give arrays of raw values"):
        runs.amounts(runs.folder / "two.csv")
    with pytest.raises(InputError, match="there is no finished network in it"):
        bsngraph.load_predictor(runs.folder)
