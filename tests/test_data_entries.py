"""A task is one row of TASKS, a data set is one row of DATA_SOURCES: a dummy of each,
put in there and nowhere else, goes through every command that takes one.
"""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from test_data_tables import lines, npz, table
from tiny import STRIPES, fabric_of, no_pictures, recipe, settings, stripes, written
from torch import Tensor

from bsngraph.cli.main import cli
from bsngraph.data import DATA_SOURCES, Augmentation, Dataset, Split, as_task, load_data
from bsngraph.data.data_sources import DataSource
from bsngraph.data.request import Request
from bsngraph.delivered import evaluate_run, predict
from bsngraph.errors import InputError
from bsngraph.searching import search
from bsngraph.tasks import TASKS, LabelFacts, Metric, TaskRow
from bsngraph.tasks.answer_tables import ONE_CLASS
from bsngraph.tasks.label_forms import CLASS
from bsngraph.tasks.metrics import Measured


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    no_pictures(monkeypatch)


def invoke(*words: Any) -> Any:
    return CliRunner().invoke(cli, list(map(str, words)))


# --- a task: classes in an order


def expected_class(scores: Tensor) -> Tensor:
    """(batch, classes) → (batch,)."""
    return (scores.softmax(dim=1) * torch.arange(scores.shape[1], device=scores.device)).sum(dim=1)


def order_losses(scores: Tensor, labels: Tensor, facts: LabelFacts) -> Tensor:
    return (expected_class(scores) - labels).square()


class Distance:
    """How many classes a prediction is away from its label, on average."""

    def __init__(self) -> None:
        self.total, self.count = 0.0, 0

    def update(self, outputs: Tensor, labels: Tensor) -> None:
        self.total += float((expected_class(outputs) - labels).abs().sum())
        self.count += len(labels)

    def join(self, other: Distance) -> None:
        self.total += other.total
        self.count += other.count

    def measured(self) -> Measured:
        return Measured({"distance": self.total / self.count})


ORDINAL = TaskRow(
    labels=CLASS,
    headline=Metric("distance", "distance", percent=False, higher_is_better=False),
    output_shape=lambda classes, input_shape: (classes,),
    has=lambda shape: f"{shape[0]} ordered classes",
    cure=lambda shape, given: f"use --set classes={shape[0]}",
    losses=order_losses,
    meter=lambda facts: Distance(),
    predictions=lambda scores, facts: expected_class(scores).round().long(),
    answers=ONE_CLASS,
    converts_from={"classification": lambda labels, names: (labels, names)},
)


@pytest.fixture
def _ordinal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TASKS, "ordinal", ORDINAL)


def sizes(count: int) -> Split:
    """Images of 4x4 with a brightness; its third is the class."""
    brightness = (torch.arange(count) * 37 % 100) / 100
    images = brightness[:, None, None, None].expand(count, 1, 4, 4) * 2 - 1
    return Split(images.contiguous(), (brightness * 3).long())


def brightness() -> Dataset:
    return Dataset(
        name="brightness",
        class_names=("dark", "grey", "light"),
        mean=(0.0,),
        std=(1.0,),
        train=sizes(80),
        validation=sizes(40),
        test=sizes(20),
        augmentation=Augmentation(),
        task="ordinal",
    )


@pytest.mark.usefixtures("_ordinal")
def test_a_task_added_to_the_table_is_searched_evaluated_and_predicted(tmp_path: Path) -> None:
    data, run = brightness(), tmp_path / "run"
    fabric = fabric_of(STRIPES.replace("classes=2", "classes=3"), tmp_path)
    result = search(
        fabric, data, ["price=6"], out=run, recipe=recipe(epochs=12, augment=False), settings=settings()
    )
    distance = result.summary["metrics"]["test"]["distance"]
    assert result.summary["task"] == "ordinal"
    assert distance < 0.3
    assert evaluate_run(run, data=data).score.metrics["distance"] == pytest.approx(distance)
    found = predict(run, data=data, out=tmp_path / "said")
    assert (found.task, found.count) == ("ordinal", 20)
    rows = list(csv.DictReader(found.files[0].read_text(encoding="utf-8").splitlines()))
    assert list(rows[0]) == ["example", "true", "predicted", "dark", "grey", "light"]
    names = data.class_names
    assert [row["true"] for row in rows] == [names[label] for label in data.test.labels.tolist()]
    for row in rows:
        assert row["predicted"] == names[round(sum(i * float(row[name]) for i, name in enumerate(names)))]


@pytest.mark.usefixtures("_ordinal")
def test_a_task_added_to_the_table_goes_through_the_command_line(tmp_path: Path) -> None:
    text = (
        'digraph g { graph [source=x, target=y]; x [input="2"]; x -> y [op=linear, features=3, fixed=true]; }'
    )
    fabric, run = written(text, tmp_path), tmp_path / "run"
    data = table(tmp_path, lines(lambda number: number // 7, 21))
    quick = ("--device", "cpu", "--threads", "1", "--quiet", "--epochs", "2")
    trained = invoke("train", fabric, "--data", data, "--task", "ordinal", "--out", run, *quick)
    assert trained.exit_code == 0, trained.output
    assert "test distance " in trained.stdout
    evaluated = invoke("evaluate", run, "--format", "json")
    assert list(json.loads(evaluated.stdout)["metrics"]["test"]) == ["distance", "loss"]
    said = invoke("predict", run, "--data", data, "-o", tmp_path / "said", "--format", "json")
    assert json.loads(said.stdout)["task"] == "ordinal"
    shown = invoke("data", f"{data},task=ordinal")
    assert shown.exit_code == 0, shown.output
    assert f"{data},task=ordinal: ordinal, 2 float32" in shown.stdout
    unknown = invoke("train", fabric, "--data", data, "--task", "ordinl", "--out", tmp_path / "no", *quick)
    assert unknown.exit_code == 2
    assert "there is no task 'ordinl': did you mean 'ordinal'?" in unknown.stderr


@pytest.mark.usefixtures("_ordinal")
def test_a_task_added_to_the_table_is_known_to_files_and_checks(tmp_path: Path) -> None:
    inputs, labels = np.zeros((20, 3), dtype=np.float32), np.arange(20) % 2
    assert load_data(npz(tmp_path, x_train=inputs, y_train=labels)).task == "classification"
    assert load_data(npz(tmp_path, x_train=inputs, y_train=labels, task="ordinal")).task == "ordinal"
    with pytest.raises(InputError, match=r"labels float64 of shape \(20,\) are not for ordinal"):
        load_data(npz(tmp_path, x_train=inputs, y_train=labels / 2, task="ordinal"))
    with pytest.raises(InputError, match="they can be used for regression and multi-label and ordinal"):
        as_task(stripes(), "segmentation")
    with pytest.raises(InputError, match="class weights are for classification and segmentation, but"):
        search(
            fabric_of(STRIPES, tmp_path),
            replace(stripes(), task="ordinal"),
            [],
            out=tmp_path / "run",
            recipe=recipe(class_weights="balanced"),
        )
    with pytest.raises(InputError, match="has the label 2 for example"):
        replace(brightness(), class_names=("dark", "light"))


# --- a data set


def load_stripes(request: Request) -> Dataset:
    count = request.number("count", 64)
    return replace(stripes(train=count or 64), name=request.text)


def test_a_data_set_added_to_the_table_goes_through_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = DataSource(
        summary="stripes of two kinds",
        size="192 images",
        licence="CC0",
        origin="made here",
        load=load_stripes,
        options={"count": "number of training images"},
        here=lambda: True,
    )
    monkeypatch.setitem(DATA_SOURCES, "stripes", row)
    assert "stripes: stripes of two kinds  [here]" in invoke("data").stdout
    assert "48 train, 64 validation" in invoke("data", "stripes,count=48").stdout
    fabric, run = written(STRIPES, tmp_path), tmp_path / "run"
    trained = invoke(
        "train", fabric, "--data", "stripes,count=48", "--out", run,
        "--device", "cpu", "--threads", "1", "--quiet", "--epochs", "2",
    )  # fmt: skip
    assert trained.exit_code == 0, trained.output
    assert json.loads(invoke("evaluate", run, "--format", "json").stdout)["data"] == "stripes,count=48"
    wrong = invoke("data", "stripes,cuont=48")
    assert "has no option 'cuont': did you mean 'count'?" in wrong.stderr
