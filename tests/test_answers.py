"""answers.json: what is recorded of a network's answers is what a slow, obvious count
of them gives, is read back to the same rows, and stays bounded.
"""

from __future__ import annotations

import base64
import io
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tiny import STRIPES, fabric_of, no_pictures, recipe, stripes
from torch import Tensor

from bsngraph import train
from bsngraph.cli.main import cli
from bsngraph.cli.tables.answers_table import show_answers
from bsngraph.delivered import ModelFacts, evaluate_run, load_net
from bsngraph.delivered.recording.recorder import recorder_of
from bsngraph.draw.pixel_overlays import overlay, palette
from bsngraph.errors import InputError
from bsngraph.runs import RunFolder
from bsngraph.runs.rows.answers import (
    LONGEST_SIDE,
    MOST_PAIRS,
    MOST_POINTS,
    AmountAnswers,
    ClassAnswers,
    DecisionAnswers,
    PixelAnswers,
)
from bsngraph.typed_files import MOST_BYTES, decode_row, json_text, plain

FEW = settings(max_examples=30, deadline=None)


def facts(task: str, classes: int, **more: Any) -> ModelFacts:
    names = tuple(f"c{number}" for number in range(classes))
    return ModelFacts(task, names, (0.0,), (1.0,), **more)


def recorded(known: ModelFacts, predicted: Tensor, labels: Tensor, size: int = 5, **more: Any) -> Any:
    inputs = more.get("inputs", torch.zeros(len(labels), 1, *labels.shape[1:]))
    recorder = recorder_of(known, len(labels))
    for batch in zip(inputs.split(size), predicted.split(size), labels.split(size), strict=True):
        recorder.update(*batch)
    return recorder.recorded()


def read_back(row: Any) -> Any:
    return decode_row(json_text(row).encode(), type(row), "here")


# --- classes


@FEW
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40))
def test_classes_are_counted_as_one_by_one(pairs: list[tuple[int, int]]) -> None:
    true, said = torch.tensor(pairs).T
    found = recorded(facts("classification", 5), said, true)
    assert read_back(found) == found
    expected = Counter(pairs)
    assert found.matrix() == [[expected[row, column] for column in range(5)] for row in range(5)]
    assert (found.examples, found.unlisted) == (len(pairs), 0)
    counts = [pair.count for pair in found.pairs]
    assert counts == sorted(counts, reverse=True)
    for number, one in enumerate(found.classes):
        here = [pair for pair in pairs if pair[0] == number]
        there = [pair for pair in pairs if pair[1] == number]
        right = sum(pair == (number, number) for pair in pairs)
        assert (one.labelled, one.predicted, one.right) == (len(here), len(there), right)
        assert one.recall == (right / len(here) if here else None)
        assert one.precision == (right / len(there) if there else None)


def test_a_thousand_classes_stay_bounded_and_nothing_is_lost() -> None:
    generator = torch.Generator().manual_seed(0)
    true = torch.randint(1000, (50_000,), generator=generator)
    said = torch.randint(1000, (50_000,), generator=generator)
    found = recorded(facts("classification", 1000), said, true, size=4096)
    assert len(found.pairs) == MOST_PAIRS
    assert found.unlisted > 0
    assert len(json_text(found)) < 3_000_000 < MOST_BYTES
    assert read_back(found) == found
    wrong = int((true != said).sum())
    assert sum(pair.count for pair in found.pairs) + found.unlisted == wrong


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda row: row["classes"][0].update(right=9), "more of a class are right than there are"),
        (lambda row: row["pairs"][0].update(predicted=3), "a pair names a class that there is not"),
        (lambda row: row["pairs"][0].update(predicted=0), "a pair names one class twice"),
        (lambda row: row["pairs"].append(row["pairs"][0]), "a pair stands there twice"),
        (lambda row: row.update(unlisted=1), "pairs and classes do not add up"),
        (lambda row: row["classes"][0].update(recall=1.5), r"<= 1.0 - at|<= 1"),
        (lambda row: row.update(kind="words"), "words"),
        (lambda row: row.update(more=1), "unknown field"),
    ],
)
def test_a_damaged_file_is_told_apart(change: Callable[[Any], object], said: str, tmp_path: Path) -> None:
    found = recorded(facts("classification", 3), torch.tensor([0, 1, 1, 2]), torch.tensor([0, 0, 1, 2]))
    row = plain(found)
    change(row)
    (tmp_path / "answers.json").write_text(json.dumps(row), encoding="utf-8")
    with pytest.raises(InputError, match=said):
        RunFolder(tmp_path).read_answers()


def test_a_run_without_recorded_answers_has_none(tmp_path: Path) -> None:
    assert RunFolder(tmp_path).read_answers() is None


# --- pixels


def test_pixels_are_counted_and_ignored_ones_are_not() -> None:
    generator = torch.Generator().manual_seed(1)
    labels = torch.randint(3, (9, 4, 5), generator=generator)
    labels[torch.rand(labels.shape, generator=generator) < 0.2] = 255
    said = torch.randint(3, (9, 4, 5), generator=generator)
    found = recorded(facts("segmentation", 3, ignore_label=255), said, labels)
    assert read_back(found) == found
    expected = Counter(zip(labels.flatten().tolist(), said.flatten().tolist(), strict=True))
    assert found.matrix() == [[expected[row, column] for column in range(3)] for row in range(3)]
    for number, one in enumerate(found.classes):
        both = int(((labels == number) & (said == number)).sum())
        either = int(((labels == number) | ((said == number) & (labels != 255))).sum())
        assert one.iou == both / either
    assert [sample.example for sample in found.samples] == [0, 2, 4, 6]


def opened(text: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(text)))


def test_samples_are_small_pictures_of_image_truth_and_answer() -> None:
    labels = torch.arange(200 * 300).reshape(1, 200, 300) % 3
    labels[0, 0, 0] = -1
    images = torch.linspace(0, 1, 200 * 300).reshape(1, 1, 200, 300)
    known = facts("segmentation", 3, ignore_label=-1, white=1.0)
    (sample,) = recorded(known, labels.clamp(min=0), labels, inputs=images).samples
    for text in (sample.image, sample.truth, sample.predicted):
        assert opened(text).size == (LONGEST_SIDE, 64)
    image = np.array(opened(sample.image))
    assert (image[0, 0], image[-1, -1]) == (1, 254)
    assert set(np.unique(np.array(opened(sample.truth)))) <= {0, 1, 2, 255}
    colours = np.array(opened(sample.predicted).convert("RGB")).reshape(-1, 3)
    assert {tuple(colour) for colour in colours.tolist()} == {
        tuple(colour) for colour in palette(known.classes).tolist()
    }


def test_small_images_stay_as_they_are_and_what_is_ignored_has_no_class() -> None:
    labels = torch.tensor([[[0, 1], [7, 2]]])
    known = facts("segmentation", 3, ignore_label=7)
    (sample,) = recorded(known, torch.tensor([[[0, 1], [1, 2]]]), labels).samples
    assert np.array(opened(sample.truth)).tolist() == [[0, 1], [255, 2]]
    assert np.array(opened(sample.predicted)).tolist() == [[0, 1], [1, 2]]


# --- amounts and decisions


def test_residuals_are_those_of_all_examples_and_points_are_few() -> None:
    generator = torch.Generator().manual_seed(2)
    true = 100 + 20 * torch.randn(1203, 2, generator=generator)
    said = true + torch.randn(1203, 2, generator=generator)
    found = recorded(facts("regression", 2), said, true, size=500)
    assert read_back(found) == found
    for number, output in enumerate(found.outputs):
        residuals = (said.double() - true.double())[:, number].numpy()
        by_share = {one.share: one.residual for one in output.residuals}
        assert by_share[0.0] == residuals.min()
        assert by_share[0.5] == pytest.approx(np.median(residuals))
        assert output.rmse == pytest.approx(float(np.sqrt(np.mean(residuals**2))))
        assert output.mae == pytest.approx(float(np.abs(residuals).mean()))
        assert len(output.points) == MOST_POINTS
        assert output.points[0].true == float(true[0, number])
    many = recorded(facts("regression", 2000), torch.zeros(600, 2000), torch.ones(600, 2000), size=600)
    assert sum(len(output.points) for output in many.outputs) <= 4000


def test_decisions_are_counted_for_each_class() -> None:
    true = torch.tensor([[1.0, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0]])
    said = torch.tensor([[True, False, False], [True, False, False], [True, True, False], [False] * 3])
    found = recorded(facts("multi-label", 3), said, true, size=3)
    assert read_back(found) == found
    assert (found.examples, found.wholly_right) == (4, 2)
    first, second, never = found.classes
    assert (first.labelled, first.predicted, first.right, first.f1) == (2, 3, 2, 0.8)
    assert (second.precision, second.recall) == (1.0, 0.5)
    assert (never.precision, never.recall, never.f1) == (None, None, None)


# --- overlays of predict

PLACES = ("sky", "road", "car")


def panels(picture: bytes, width: int = 256) -> list[np.ndarray[Any, Any]]:
    """The image and its painted copies, which stand 8 pixels apart."""
    pixels = np.array(Image.open(io.BytesIO(picture)))
    count = (pixels.shape[1] - 8) // (width + 8)
    return [pixels[22 : 22 + width, 8 + at * (width + 8) :][:, :width] for at in range(min(count, 3))]


def scene() -> tuple[Any, Any]:
    classes = np.ones((4, 4), dtype=np.uint8)
    classes[0] = 0
    classes[3, 3] = 2
    return np.full((1, 4, 4), 200, dtype=np.uint8), classes


def test_the_class_that_covers_most_is_not_painted_unless_asked() -> None:
    image, classes = scene()
    original, painted = panels(overlay(image, classes, PLACES))
    assert (original == 200).all()
    road = np.repeat(np.repeat(classes == 1, 64, axis=0), 64, axis=1)
    assert (painted[road] == 200).all()
    assert (painted[~road] != 200).any(axis=-1).all()
    _, everything = panels(overlay(image, classes, PLACES, paint_all=True))
    assert (everything != 200).any(axis=-1).all()


def test_a_background_is_what_is_not_painted_however_small() -> None:
    image, classes = scene()
    _, painted = panels(overlay(image, classes, ("background", "road", "car")))
    assert (painted[:64] == 200).all()
    assert (painted[64:] != 200).any(axis=-1).all()


def test_regions_have_a_contour_in_their_colour() -> None:
    image, classes = scene()
    _, painted = panels(overlay(image, classes, PLACES))
    car = palette(PLACES)[2]
    assert (painted[192, 192:] == car).all(), "its upper border"
    assert (painted[255, 255] != car).any(), "the border of the image is none"


def test_truth_may_hold_what_is_not_labelled() -> None:
    image, classes = scene()
    truth = classes.copy()
    truth[1] = 255
    _, _, true = panels(overlay(image, classes, PLACES, truth))
    assert (true[66:126] == (200 + 128) // 2).all()


# --- evaluate


def table_of(answers: Any, capsys: pytest.CaptureFixture[str]) -> str:
    show_answers(answers)
    return capsys.readouterr().out


def test_few_classes_are_printed_with_their_confusions(capsys: pytest.CaptureFixture[str]) -> None:
    true, said = torch.tensor([0, 0, 0, 1]), torch.tensor([0, 0, 1, 1])
    known = replace(facts("classification", 2), classes=("[/x]\x1b[31m", "\u202eb"))
    text = table_of(recorded(known, said, true), capsys)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[/x]\ufffd[31m" in text
    assert " 66.7 % " in text
    assert "true ↓  predicted →" in text


def test_of_many_classes_the_worst_and_the_most_confused_are_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    true = torch.arange(1000) % 100
    said = torch.where(true >= 95, true - 95, true)
    text = table_of(recorded(facts("classification", 100), said, true), capsys)
    assert "the 10 worst of 100 classes" in text
    assert "true ↓" not in text
    (line,) = [line for line in text.splitlines() if line.split()[:2] == ["c97", "c2"]]
    assert line.split() == ["c97", "c2", "10", "100.0", "%"]
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("task", ["regression", "multi-label", "segmentation"])
def test_every_kind_of_answers_is_printed(task: str, capsys: pytest.CaptureFixture[str]) -> None:
    shape = (6, 2, 2) if task == "segmentation" else (6, 30)
    labels = torch.randint(2, shape, generator=torch.Generator().manual_seed(0))
    values = labels if task == "segmentation" else labels.float()
    text = table_of(recorded(facts(task, 30), values, values), capsys)
    assert {"regression": "10 more", "multi-label": "6 of 6 examples", "segmentation": "IoU"}[task] in text


# --- runs


def invoke(*words: object) -> Result:
    result = CliRunner().invoke(cli, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that tells stripes apart, and has mistaken some."""
    folder = tmp_path_factory.mktemp("answers")
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        train(fabric_of(STRIPES, folder), stripes(noise=2.0), out=folder / "run", recipe=recipe(), threads=1)
    return folder / "run"


def test_a_run_records_what_its_network_answers_on_test_data(run: Path) -> None:
    data, found = stripes(noise=2.0), RunFolder(run).read_answers()
    assert isinstance(found, ClassAnswers)
    with torch.no_grad():
        said = load_net(run)(data.test.inputs).argmax(dim=1)
    expected = Counter(zip(data.test.labels.tolist(), said.tolist(), strict=True))
    assert found.matrix() == [[expected[row, column] for column in range(2)] for row in range(2)]
    assert [one.name for one in found.classes] == ["rows", "columns"]
    right = sum(one.right for one in found.classes) / found.examples
    test = RunFolder(run).read_result().metrics.test
    assert test["accuracy"] == right


def test_evaluate_shows_classes_and_its_json_has_all(run: Path) -> None:
    data = f"npz:{run.parent / 'stripes.npz'}"
    split = stripes(noise=2.0).test
    np.savez(
        run.parent / "stripes.npz",
        **{
            f"{kind}_{part}": values
            for part in ("train", "val", "test")
            for kind, values in (("x", split.inputs.numpy()), ("y", split.labels.numpy()))
        },
        class_names=np.array(["rows", "columns"]),
    )
    words = ("evaluate", run, "--data", data, "--as-new-test", "--threads", 1)
    assert "columns" in invoke(*words).stdout
    found = json.loads(invoke(*words, "--format", "json").stdout)["answers"]
    assert found == plain(RunFolder(run).read_answers())
    refused = CliRunner().invoke(
        cli, ["predict", str(run), "--data", data, "--paint-all", "-o", str(run.parent / "said")]
    )
    assert refused.exit_code == 2
    assert "--paint-all is for overlays of a segmentation" in refused.stderr


def test_the_certificate_covers_the_answers(run: Path, tmp_path: Path) -> None:
    assert "file answers.json" in invoke("verify", run).stdout
    copy = tmp_path / "run"
    copy.mkdir()
    for file in run.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    (copy / "answers.json").write_text((run / "answers.json").read_text(encoding="utf-8") + " ")
    result = CliRunner().invoke(cli, ["verify", str(copy)])
    assert result.exit_code == 1
    (copy / "answers.json").unlink()
    assert RunFolder(copy).read_answers() is None


def test_test_data_are_read_once_for_score_and_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_pictures(monkeypatch)
    data, read = stripes(), []
    batches = type(data.test).batches

    def counting(split: Any, rows: Any) -> Any:
        for batch in batches(split, rows):
            if split is data.test:
                read.append(len(batch[1]))
            yield batch

    monkeypatch.setattr(type(data.test), "batches", counting)
    train(fabric_of(STRIPES, tmp_path), data, out=tmp_path / "run", recipe=recipe(epochs=1), threads=1)
    assert sum(read) == len(data.test)


@pytest.mark.parametrize("kind", [AmountAnswers, DecisionAnswers, PixelAnswers])
def test_every_task_records_its_kind(kind: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from test_tasks import PIXELS, VECTORS, pixels, tags, vectors

    no_pictures(monkeypatch)
    text, data = {
        AmountAnswers: (VECTORS, vectors()),
        DecisionAnswers: (VECTORS, tags()),
        PixelAnswers: (PIXELS, replace(pixels(), ignore_label=255)),
    }[kind]
    train(fabric_of(text, tmp_path), data, out=tmp_path / "run", recipe=recipe(epochs=1), threads=1)
    found = RunFolder(tmp_path / "run").read_answers()
    assert isinstance(found, kind)
    assert found.examples == len(data.test)
    assert evaluate_run(tmp_path / "run", data=data).answers == found
