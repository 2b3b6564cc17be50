"""Every kind of task: losses and metrics against slow references, and each one from a
search to its pictures.
"""

from __future__ import annotations

import csv
import itertools
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import load_file, save_file
from sklearn import metrics as reference
from sklearn.utils.class_weight import compute_class_weight
from tiny import STRIPES, fabric_of, no_pictures, recipe, settings, stripes, written
from torch import Tensor

from bsngraph.cli.main import cli
from bsngraph.data import Augmentation, Dataset, Split, as_task
from bsngraph.delivered import evaluate_run, load_net, predict, read_facts
from bsngraph.delivered.model_facts import facts_of
from bsngraph.draw.pixel_overlays import palette
from bsngraph.errors import InputError
from bsngraph.fabric import read_fabric
from bsngraph.profile import profile_fabric
from bsngraph.searching import prune_run, search, train
from bsngraph.settings import Recipe
from bsngraph.tasks import TASKS, LabelFacts, Task, check_fits, task_of
from bsngraph.tasks.metrics import Accuracy, Errors, LabelRanking, PixelOverlap

NAMES = ("background", "rows", "columns")

PIXELS = """\
digraph pixels {
  graph [source=image, target=scores, classes=3];
  edge  [op=conv, channels=4, kernel=3];
  image [input="1x6x4"];
  a     [activation=relu];
  image -> a [cost_price=2];
  image -> a [kernel=1, cost_price=1];
  a -> scores [op=segmentation_head, classes="$classes", fixed=true, cost_price=0];
}
"""

VECTORS = """\
digraph vectors {
  graph [source=vector, target=answer, outputs=2];
  edge  [op=linear, features=4];
  vector [input="3"];
  a      [activation=relu];
  vector -> a [cost_price=2];
  vector -> a [key=relu, activation=relu, cost_price=1];
  a -> answer [features="$outputs", fixed=true, cost_price=0];
}
"""


def split_of(inputs: Tensor, labels: Tensor) -> tuple[Split, Split, Split]:
    third = len(inputs) // 4
    return (
        Split(inputs[: 2 * third], labels[: 2 * third]),
        Split(inputs[2 * third : 3 * third], labels[2 * third : 3 * third]),
        Split(inputs[3 * third :], labels[3 * third :]),
    )


def made(task: Any, inputs: Tensor, labels: Tensor, names: tuple[str, ...], **more: Any) -> Dataset:
    channels = inputs.shape[1]
    train, validation, test = split_of(inputs, labels)
    return Dataset(
        f"tiny {task}",
        names,
        (0.0,) * channels,
        (1.0,) * channels,
        train,
        validation,
        test,
        Augmentation(),
        task=task,
        **more,
    )


def pixels(count: int = 64, **more: Any) -> Dataset:
    """Light pixels are rows or columns, by what is on their left; dark ones are
    background.
    """
    generator = torch.Generator().manual_seed(3)
    images = (torch.rand(count, 1, 6, 4, generator=generator) < 0.4).float()
    left = torch.nn.functional.pad(images, (1, 0))[..., :4]
    return made("segmentation", images, (images + (images * left)).long()[:, 0], NAMES, **more)


def vectors(count: int = 64) -> Dataset:
    generator = torch.Generator().manual_seed(4)
    inputs = torch.randn(count, 3, generator=generator)
    labels = torch.stack([100 + 20 * inputs[:, 0], inputs[:, 1] - inputs[:, 2]], dim=1)
    return made("regression", inputs, labels, ("weight", "height"))


def tags(count: int = 64) -> Dataset:
    data = vectors(count)
    changed = {
        name: Split(part.inputs, (part.inputs[:, :2] > 0).float()) for name, part in data.splits().items()
    }
    return replace(data, task="multi-label", class_names=("first", "second"), **changed)


def measured(meter: Any, outputs: Tensor, labels: Tensor, size: int = 7) -> Any:
    for some, true in zip(outputs.split(size), labels.split(size), strict=True):
        meter.update(some, true)
    return meter.measured()


# --- losses


def log_shares(scores: list[float]) -> list[float]:
    whole = math.log(math.fsum(math.exp(score) for score in scores))
    return [score - whole for score in scores]


@given(seed=st.integers(0, 10_000), ignored=st.sampled_from([None, 0, 2, 255]), weighted=st.booleans())
def test_pixel_loss_is_the_mean_over_pixels_that_count(
    seed: int, ignored: int | None, weighted: bool
) -> None:
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(3, 3, 2, 3, generator=generator, dtype=torch.float64)
    labels = torch.randint(3, (3, 2, 3), generator=generator)
    if ignored is not None:
        labels[torch.rand(labels.shape, generator=generator) < 0.3] = ignored
        labels[0] = ignored
    weights = torch.tensor([0.5, 1.0, 3.0], dtype=torch.float64) if weighted else None
    task = Task("segmentation", LabelFacts(NAMES, ignored, weights))
    expected = []
    for example in range(3):
        losses = []
        for row in range(2):
            for column in range(3):
                label = int(labels[example, row, column])
                if label != ignored:
                    weight = 1.0 if weights is None else float(weights[label])
                    losses.append(-weight * log_shares(scores[example, :, row, column].tolist())[label])
        expected.append(math.fsum(losses) / len(losses) if losses else 0.0)
    assert task.example_losses(scores, labels).tolist() == pytest.approx(expected)


def test_squared_error_is_of_standardised_outputs() -> None:
    facts = LabelFacts(("a", "b"), mean=torch.tensor([10.0, -1.0]), std=torch.tensor([2.0, 0.5]))
    task = Task("regression", facts)
    outputs, labels = torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.tensor([[12.0, -2.0], [8.0, 0.0]])
    by_hand = [((1 - 1) ** 2 + (0 + 2) ** 2) / 2, ((0 + 1) ** 2 + (2 - 2) ** 2) / 2]
    assert task.example_losses(outputs, labels).tolist() == pytest.approx(by_hand)
    assert task.predicted(outputs).tolist() == [[12.0, -1.0], [10.0, 0.0]]


def test_binary_cross_entropy_is_the_mean_over_classes() -> None:
    task = Task("multi-label", LabelFacts(("a", "b", "c")))
    logits, labels = torch.tensor([[2.0, -1.0, 0.5]]), torch.tensor([[1, 0, 0]])
    shares = [1 / (1 + math.exp(-logit)) for logit in logits[0].tolist()]
    by_hand = -(math.log(shares[0]) + math.log(1 - shares[1]) + math.log(1 - shares[2])) / 3
    assert task.example_losses(logits, labels).tolist() == pytest.approx([by_hand])
    assert task.predicted(logits).tolist() == [[True, False, True]]


def test_soft_labels_of_mixed_examples_weigh_their_classes() -> None:
    task = Task("classification", LabelFacts(("a", "b")))
    scores, soft = torch.tensor([[1.0, -1.0]]), torch.tensor([[0.25, 0.75]])
    first, second = log_shares([1.0, -1.0])
    assert task.example_losses(scores, soft).tolist() == pytest.approx([-(0.25 * first + 0.75 * second)])
    assert measured(Accuracy(), scores, soft).metrics == {"accuracy": 0.0}


def test_several_targets_share_the_loss_and_the_first_predicts() -> None:
    task = Task("classification", LabelFacts(("a", "b")))
    outputs = {"main": torch.tensor([[3.0, 0.0]]), "other": torch.tensor([[0.0, 1.0]])}
    losses = [float(task.example_losses(each, torch.tensor([1]))) for each in outputs.values()]
    assert float(task.example_losses(outputs, torch.tensor([1]))) == pytest.approx(sum(losses) / 2)
    assert task.predicted(outputs).tolist() == [0]


# --- class weights


def test_balanced_weights_are_those_of_scikit_learn_over_pixels_that_count() -> None:
    data = pixels(ignore_label=255)
    data.train.labels[:, 0] = 255
    counted = data.train.labels[data.train.labels != 255].numpy()
    expected = compute_class_weight("balanced", classes=np.arange(3), y=counted)
    weights = task_of(data, "balanced").facts.class_weights
    assert weights is not None
    assert weights.tolist() == pytest.approx(expected.tolist())


def test_balanced_weights_leave_out_an_ignored_class_and_one_that_does_not_occur() -> None:
    data = replace(stripes(train=12), class_names=("rows", "columns", "never"))
    weights = task_of(data, "balanced").facts.class_weights
    assert weights is not None
    assert weights.tolist() == [1.0, 1.0, 1.0]
    ignoring = task_of(pixels(ignore_label=0), "balanced").facts.class_weights
    assert ignoring is not None
    assert ignoring[0] == 1.0


def test_class_weights_that_do_not_fit_are_refused() -> None:
    with pytest.raises(
        InputError,
        match="2 class weights are given, but tiny segmentation has 3 classes: give one for each, or "
        "balanced",
    ):
        task_of(pixels(), (1.0, 2.0))
    with pytest.raises(
        InputError,
        match="class weights are for classification and segmentation, but tiny regression is for regression",
    ):
        task_of(vectors(), "balanced")
    for wrong in ((1.0, -1.0), (float("nan"),), "even"):
        with pytest.raises(InputError, match="class-weights"):
            Recipe(class_weights=wrong)  # type: ignore[arg-type]


def test_class_weights_shift_what_a_network_predicts(tmp_path: Path) -> None:
    """Pure noise with few of one class: weighted enough, the rare class is predicted
    everywhere, unweighted nowhere.
    """
    data = stripes(train=64, noise=0.0)
    data.train.inputs.normal_(generator=torch.Generator().manual_seed(0))
    data.train.labels[:] = (torch.arange(64) % 8 == 0).long()
    text = (
        'digraph g { graph [source=a, target=b]; a [input="1x4x4"]; a -> b [op=classifier, classes=2, '
        "fixed=true]; }"
    )
    shares = []
    for number, weights in enumerate([None, "balanced", (0.01, 100.0)]):
        how = recipe(epochs=8, batch_size=8, augment=False, class_weights=weights)
        net = train(fabric_of(text, tmp_path), data, out=tmp_path / str(number), recipe=how).net
        shares.append(float(net(data.train.inputs).argmax(dim=1).float().mean()))
    assert shares[0] < 0.05 < shares[1] < 0.95 < shares[2]


# --- metrics


@given(seed=st.integers(0, 10_000), ignored=st.sampled_from([None, 1, 255]))
def test_confusion_iou_and_pixel_accuracy_are_those_of_scikit_learn(seed: int, ignored: int | None) -> None:
    generator = torch.Generator().manual_seed(seed)
    classes = 4
    names = tuple("abcd")
    scores = torch.randn(10, classes, 3, 5, generator=generator)
    scores[:, 3] -= 100 * (seed % 2)  # never predicted
    labels = torch.randint(3, (10, 3, 5), generator=generator)
    if ignored == 255:
        labels[torch.rand(labels.shape, generator=generator) < 0.2] = 255
    meter = PixelOverlap(names, ignored)
    found = measured(meter, scores, labels)
    counts = labels != ignored if ignored is not None else torch.ones_like(labels, dtype=torch.bool)
    true, said = labels[counts].numpy(), scores.argmax(dim=1)[counts].numpy()
    assert (
        meter.confusion().tolist() == reference.confusion_matrix(true, said, labels=range(classes)).tolist()
    )
    there = sorted({*true.tolist(), *said.tolist()})
    overlaps = reference.jaccard_score(true, said, labels=there, average=None)
    for one, overlap in enumerate(found.per_class["iou"].values()):
        assert overlap == (pytest.approx(overlaps[there.index(one)]) if one in there else None)
    assert found.metrics["mean_iou"] == pytest.approx(overlaps.mean())
    assert found.metrics["pixel_accuracy"] == pytest.approx(reference.accuracy_score(true, said))


def test_a_split_of_ignored_pixels_has_no_overlap_and_no_nan() -> None:
    found = measured(PixelOverlap(NAMES, 255), torch.randn(2, 3, 2, 2), torch.full((2, 2, 2), 255))
    assert found.metrics == {"mean_iou": 0.0, "pixel_accuracy": 0.0}
    assert set(found.per_class["iou"].values()) == {None}


@given(seed=st.integers(0, 10_000), outputs=st.integers(1, 3), far=st.sampled_from([0.0, 1e6]))
def test_errors_are_those_of_scikit_learn_in_the_outputs_units(seed: int, outputs: int, far: float) -> None:
    random = np.random.default_rng(seed)
    labels = far + random.normal(size=(20, outputs)) * 10
    said = random.normal(size=(20, outputs))
    mean, std = torch.full((outputs,), far), torch.full((outputs,), 8.0)
    names = tuple(map(str, range(outputs)))
    found = measured(Errors(names, mean, std), torch.from_numpy(said), torch.from_numpy(labels))
    predicted = said * 8 + far
    assert found.metrics["rmse"] == pytest.approx(math.sqrt(reference.mean_squared_error(labels, predicted)))
    assert found.metrics["mae"] == pytest.approx(reference.mean_absolute_error(labels, predicted))
    assert found.metrics["r2"] == pytest.approx(reference.r2_score(labels, predicted), abs=1e-6)
    if outputs > 1:
        assert list(found.per_class["r2_each"].values()) == pytest.approx(
            reference.r2_score(labels, predicted, multioutput="raw_values").tolist(), abs=1e-6
        )


@pytest.mark.parametrize(("said", "r2"), [(0.0, 1.0), (0.5, 0.0)])
def test_r2_of_labels_that_are_all_the_same_is_one_or_zero_as_in_scikit_learn(said: float, r2: float) -> None:
    labels = torch.full((5, 1), 7.0)
    found = measured(Errors(("a",), torch.tensor([7.0]), torch.ones(1)), torch.full((5, 1), said), labels)
    assert found.metrics["r2"] == r2 == reference.r2_score(labels.numpy(), 7.0 + np.full((5, 1), said))


@given(seed=st.integers(0, 10_000))
def test_average_precision_and_f1_are_those_of_scikit_learn(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(30, 3, generator=generator)
    labels = (torch.rand(30, 3, generator=generator) < 0.3).float()
    labels[0] = 1
    found = measured(LabelRanking(("a", "b", "c")), logits, labels).metrics
    true, said = labels.numpy(), (logits > 0).numpy()
    assert found["mean_average_precision"] == pytest.approx(
        reference.average_precision_score(true, logits.numpy(), average="macro")
    )
    assert found["f1_micro"] == pytest.approx(
        reference.f1_score(true, said, average="micro", zero_division=0)
    )
    assert found["f1_macro"] == pytest.approx(
        reference.f1_score(true, said, average="macro", zero_division=0)
    )


def test_a_class_that_no_example_has_is_left_out_of_mean_average_precision() -> None:
    found = measured(
        LabelRanking(("a", "never")), torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), torch.tensor([[1, 0], [0, 0]])
    )
    assert found.metrics["mean_average_precision"] == 1.0
    assert found.per_class["average_precision"] == {"a": 1.0, "never": None}


def test_every_task_has_its_headline_among_its_metrics() -> None:
    for data in (stripes(), pixels(), vectors(), tags()):
        task = task_of(data)
        classes = len(data.class_names)
        shape = (8, classes, 6, 4) if data.task == "segmentation" else (8, classes)
        found = measured(task.meter(), torch.randn(shape), data.train.labels[:8])
        assert task.row.headline.name in found.metrics


# --- what fits


def test_fabric_that_gives_something_else_is_refused_with_the_cure(tmp_path: Path) -> None:
    four = profile_fabric(fabric_of(PIXELS, tmp_path, {"classes": 4}))
    with pytest.raises(InputError) as caught:
        check_fits(four, pixels())
    assert str(caught.value) == (
        "the fabric's target scores gives 4x6x4, but tiny segmentation has 3 classes for each of 6x4 pixels: "
        "use --set classes=3, if the fabric has that parameter, or change its head: write classes=3 on "
        "a->scores#0; evaluate and predict take data with a part of a network's classes as they are"
    )
    flat = fabric_of(PIXELS.replace("segmentation_head", "classifier"), tmp_path)
    with pytest.raises(
        InputError, match=r"gives 3, but .*: end it in op=segmentation_head with classes=3, height=6, width=4"
    ):
        check_fits(profile_fabric(flat), pixels())
    with pytest.raises(InputError, match=r"gives 5, but tiny regression has 2 outputs: use --set outputs=2"):
        check_fits(profile_fabric(fabric_of(VECTORS, tmp_path, {"outputs": 5})), vectors())


# --- --task


def test_labels_serve_other_tasks_where_they_can() -> None:
    numbers = as_task(stripes(), "regression")
    assert (numbers.task, numbers.class_names) == ("regression", ("label",))
    assert numbers.test.labels[:4].tolist() == [[0.0], [1.0], [0.0], [1.0]]
    assert as_task(numbers, "classification").test.labels.tolist() == stripes().test.labels.tolist()
    hot = as_task(stripes(), "multi-label")
    assert hot.test.labels[:2].tolist() == [[1, 0], [0, 1]]
    assert hot.class_names == ("rows", "columns")
    assert as_task(tags(), "regression").train.labels.dtype == torch.float32
    assert (
        as_task(as_task(tags(), "regression"), "multi-label").train.labels.tolist()
        == tags().train.labels.tolist()
    )
    assert as_task(pixels(), "segmentation").task == "segmentation"


@pytest.mark.parametrize(
    ("data", "task", "said"),
    [
        (
            pixels(),
            "regression",
            "for segmentation, and its labels cannot be used for regression: leave out --task",
        ),
        (
            stripes(),
            "segmentation",
            "cannot be used for segmentation: they can be used for regression and multi-label",
        ),
        (
            vectors(),
            "classification",
            "its labels are not classes: each example needs one whole number, 0 or more",
        ),
        (vectors(), "multi-label", "its labels are not yes or no: all must be 0 or 1"),
        (stripes(), "regresion", "there is no task 'regresion': did you mean 'regression'?"),
    ],
)
def test_labels_that_cannot_serve_a_task_are_refused(data: Dataset, task: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        as_task(data, task)
    assert said in str(caught.value)


# --- every task, from a search to its pictures


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Graphviz and matplotlib take longer than a whole search here; test_search.py
    draws.
    """
    no_pictures(monkeypatch)


KINDS = {"segmentation": (PIXELS, pixels), "regression": (VECTORS, vectors), "multi-label": (VECTORS, tags)}


@pytest.mark.parametrize("kind", KINDS)
def test_task_goes_through_search_evaluate_prune_train_and_resume(kind: str, tmp_path: Path) -> None:
    text, data_of = KINDS[kind]
    data, run = data_of(), tmp_path / "run"
    fabric = fabric_of(text, tmp_path)
    how: dict[str, Any] = {"recipe": recipe(epochs=15), "settings": settings(finetune_epochs=3), "threads": 1}
    result = search(fabric, data, ["price=2"], out=run, **how)
    headline = TASKS[data.task].headline
    summary = json.loads((run / "result.json").read_text(encoding="utf-8"))
    assert summary["task"] == kind
    assert summary["metrics"]["test"][headline.name] == result.test_score
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    for split in ("train", "validation"):
        first, last = rows[0][f"{split}_{headline.name}"], rows[-1][f"{split}_{headline.name}"]
        assert last > first if headline.higher_is_better else last < first
    again = evaluate_run(run, data=data)
    assert again.score.summary() == summary["metrics"]["test"]
    assert f"{headline.title} " in again.score.shown()
    smaller = prune_run(run, ["price=1"], out=tmp_path / "smaller", data=data)
    assert smaller.summary["task"] == kind
    assert smaller.summary["budgets"][0]["met"]
    alone = train(read_fabric(run / "architecture.dot"), data, out=tmp_path / "alone", recipe=recipe())
    assert headline.name in alone.summary["metrics"]["validation"]
    (run / "result.json").unlink()
    resumed = search(fabric, data, ["price=2"], out=run, mode="resume", **how)
    assert resumed.summary["metrics"] == summary["metrics"]


def test_model_file_remembers_what_the_network_is_for(tmp_path: Path) -> None:
    data = vectors()
    train(fabric_of(VECTORS, tmp_path), data, out=tmp_path / "run", recipe=recipe(epochs=1))
    facts = read_facts(tmp_path / "run" / "model.safetensors")
    assert facts == facts_of(data)
    assert facts.label_mean == pytest.approx(data.train.labels.mean(dim=0).tolist())
    config = json.loads((tmp_path / "run/config.json").read_text(encoding="utf-8"))
    assert (config["data"]["task"], config["data"]["ignore_label"]) == ("regression", None)
    train(
        fabric_of(PIXELS, tmp_path), pixels(ignore_label=255), out=tmp_path / "maps", recipe=recipe(epochs=1)
    )
    kept = read_facts(tmp_path / "maps" / "model.safetensors")
    assert (kept.task, kept.ignore_label, kept.white, kept.classes) == ("segmentation", 255, 1.0, NAMES)


def test_regression_is_measured_with_the_spread_of_its_own_training_labels(tmp_path: Path) -> None:
    """Other data has other means: the delivered network's amounts are still in the
    units it was trained on.
    """
    data = vectors()
    train(fabric_of(VECTORS, tmp_path), data, out=tmp_path / "run", recipe=recipe(epochs=10))
    other = replace(
        data, train=Split(data.train.inputs, data.train.labels * 50 + 7), mean=(5.0,) * 3, std=(9.0,) * 3
    )
    found = evaluate_run(tmp_path / "run", data=other, as_new_test=True)
    assert found.score == evaluate_run(tmp_path / "run", data=data).score


def test_ignored_pixels_change_nothing_that_is_measured_or_learned(tmp_path: Path) -> None:
    data = pixels(ignore_label=255)
    for split in (data.train, data.validation, data.test):
        split.labels[:, :2] = 255
    changed = {}
    for name, split in data.splits().items():
        labels = split.labels.clone()
        labels[:, :2] = 7
        changed[name] = Split(split.inputs, labels)
    other = replace(data, ignore_label=7, **changed)
    found = [
        train(
            fabric_of(PIXELS, tmp_path), each, out=tmp_path / str(number), recipe=recipe(augment=False)
        ).summary["metrics"]
        for number, each in enumerate([data, other])
    ]
    assert found[0] == found[1]


# --- the command line


def invoke(*arguments: str | Path) -> Any:
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


SCENES = PIXELS.replace("1x6x4", "1x32x32").replace("classes=3", "classes=11")
PATIENTS = VECTORS.replace('"3"', '"10"').replace("outputs=2", "outputs=1")
STEPS = """\
digraph steps {
  graph [source=steps, target=scores];
  steps [input="8x8"];
  steps -> a  [op=token_linear, features=4, fixed=true];
  a -> b      [op=attention, heads=2];
  a -> b      [op=identity, fixed=true];
  b -> scores [op=classifier, classes=10, fixed=true];
}
"""
QUICK = (
    "--epochs",
    "1",
    "--finetune-epochs",
    "1",
    "--candidates",
    "2",
    "--batch-size",
    "64",
    "--quiet",
    "--threads",
    "1",
)


@pytest.mark.parametrize(
    ("text", "data", "headline", "more"),
    [
        (SCENES, "digit-scenes,train=64,validation=16,test=16", "mean IoU", ("--class-weights", "balanced")),
        (PATIENTS, "diabetes", "RMSE", ()),
        (STEPS, "digit-sequences", "accuracy", ()),
        (STEPS, "digit-sequences", "mean average precision", ("--task", "multi-label")),
    ],
)
def test_task_goes_through_every_command(
    text: str, data: str, headline: str, more: tuple[str, ...], tmp_path: Path
) -> None:
    fabric, run = written(text, tmp_path), tmp_path / "run"
    searched = invoke("search", fabric, "--data", data, "--budget", "macs=99%", "--out", run, *QUICK, *more)
    assert searched.exit_code == 0, searched.output
    assert f"test {headline} " in searched.stdout
    assert f"test {headline} " in (run / "overlay.dot").read_text(encoding="utf-8")
    measured_again = invoke("evaluate", run)
    assert f": test {headline} " in measured_again.stdout
    again = json.loads(invoke("evaluate", run, "--format", "json").stdout)["metrics"]
    assert again["test"] == json.loads((run / "result.json").read_text(encoding="utf-8"))["metrics"]["test"]
    assert invoke("render", run, "-o", tmp_path / "picture.dot").exit_code == 0
    said = invoke("predict", run, "--data", data, "-o", tmp_path / "said", "--limit", "5", "--format", "json")
    assert said.exit_code == 0, said.output
    facts = json.loads(said.stdout)
    assert facts["count"] == 5
    assert all(Path(file).exists() for file in facts["files"])


# --- predictions


@pytest.fixture(scope="module")
def painter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that segments 6x4 images, whose pixels were 0 to 1."""
    return trained(PIXELS, pixels(), tmp_path_factory.mktemp("painter"))


@pytest.fixture(scope="module")
def striper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that classifies 4x4 images of bytes."""
    data = stripes(noise=0.0)
    for split in (data.train, data.validation, data.test):
        split.inputs[:] = split.inputs * 127.5 + 127.5
    parts = {
        name: replace(getattr(data, name), inputs=getattr(data, name).inputs.byte())
        for name in ("train", "validation", "test")
    }
    return trained(
        STRIPES, replace(data, **parts, mean=(127.5,), std=(127.5,)), tmp_path_factory.mktemp("striper")
    )


def trained(text: str, data: Dataset, folder: Path) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        train(
            fabric_of(text, folder),
            data,
            out=folder / "run",
            recipe=recipe(epochs=12, augment=False),
            threads=1,
        )
    return folder / "run"


def painted(folder: Path, name: str, values: Any) -> Path:
    folder.mkdir(exist_ok=True)
    Image.fromarray(np.asarray(values, dtype=np.uint8)).save(folder / name)
    return folder


def test_class_maps_hold_what_the_network_says_of_the_image_as_it_was_trained(
    painter: Path, tmp_path: Path
) -> None:
    data = pixels()
    example = data.test.inputs[3, 0].numpy()
    images = painted(tmp_path / "images", "one.png", example * 255)
    said = invoke("predict", painter, "--images", images, "-o", tmp_path / "out")
    assert said.stdout.strip() == f"1 examples, {tmp_path / 'out'}: 2 files"
    with Image.open(tmp_path / "out/one.png-classes.png") as picture:
        assert picture.mode == "P"
        found = np.array(picture)
        shown = np.array(picture.convert("RGB"))
    expected = load_net(painter)(data.test.inputs[3:4]).argmax(dim=1)[0].numpy()
    assert found.tolist() == expected.tolist()
    assert len(set(found.ravel().tolist())) > 1
    assert shown.tolist() == palette(NAMES)[found].tolist()
    with Image.open(tmp_path / "out/one.png-overlay.png") as picture:
        assert picture.format == "PNG"
        assert picture.height >= 6 * 64, "each pixel is a square of 64"


def test_overlays_of_data_show_the_truth_beside_the_prediction(painter: Path, tmp_path: Path) -> None:
    found = predict(painter, data=pixels(), out=tmp_path / "out", limit=3)
    assert (found.task, found.count) == ("segmentation", 3)
    assert [file.name for file in found.files] == [
        f"{number}-{kind}.png" for number in range(3) for kind in ("classes", "overlay")
    ]
    alone = invoke(
        "predict",
        painter,
        "--images",
        painted(tmp_path / "images", "0.png", np.zeros((6, 4))),
        "-o",
        tmp_path / "alone",
    )
    assert alone.exit_code == 0
    with (
        Image.open(tmp_path / "out/0-overlay.png") as three,
        Image.open(tmp_path / "alone/0.png-overlay.png") as two,
    ):
        assert three.width > two.width


def test_a_table_of_images_has_a_probability_for_each_class(striper: Path, tmp_path: Path) -> None:
    rows = np.array([[255] * 4, [0] * 4] * 2)
    images = painted(tmp_path / "images", "rows.png", rows)
    painted(images, "columns.bmp", rows.T)
    (images / "notes.txt").write_text("left alone")
    assert invoke("predict", striper, "--images", images, "-o", tmp_path / "out").exit_code == 0
    table = rows_of(tmp_path / "out/predictions.csv")
    assert [(row["file"], row["predicted"]) for row in table] == [
        ("columns.bmp", "columns"),
        ("rows.png", "rows"),
    ]
    for row in table:
        shares = {name: float(row[name]) for name in ("rows", "columns")}
        assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
        assert max(shares, key=lambda name: shares[name]) == row["predicted"]
    colour = painted(tmp_path / "colour", "rows.png", np.repeat(rows[..., None], 3, axis=2))
    assert invoke("predict", striper, "--images", colour, "-o", tmp_path / "grey").exit_code == 0
    assert rows_of(tmp_path / "grey/predictions.csv") == [row for row in table if row["file"] == "rows.png"]


def test_a_table_of_amounts_is_in_the_outputs_units(tmp_path: Path) -> None:
    data = vectors()
    run = trained(VECTORS, data, tmp_path)
    predict(run, data=data, out=tmp_path / "out")
    table = rows_of(tmp_path / "out/predictions.csv")
    assert list(table[0]) == ["example", "true weight", "true height", "predicted weight", "predicted height"]
    assert [float(row["true weight"]) for row in table] == pytest.approx(
        data.test.labels[:, 0].tolist(), rel=1e-5
    )
    errors = [float(row["predicted weight"]) - float(row["true weight"]) for row in table]
    heights = [float(row["predicted height"]) - float(row["true height"]) for row in table]
    rmse = evaluate_run(run, data=data).score.metrics["rmse"]
    assert math.sqrt(np.mean(np.square([errors, heights]))) == pytest.approx(rmse, rel=1e-4)


def test_a_table_of_labels_names_those_that_apply(tmp_path: Path) -> None:
    data = tags()
    run = trained(VECTORS, data, tmp_path)
    predict(run, data=data, out=tmp_path / "out")
    for row, true in zip(rows_of(tmp_path / "out/predictions.csv"), data.test.labels.tolist(), strict=True):
        assert row["true"] == ";".join(
            name for name, applies in zip(data.class_names, true, strict=True) if applies
        )
        assert row["predicted"] == ";".join(name for name in data.class_names if float(row[name]) > 0.5)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("big.png", (7, 4), "big.png: has 7x4 pixels (height x width), but the network takes 6x4: resize it"),
        ("torn.png", b"\x89PNG\r\n\x1a\n torn", "torn.png: cannot be read as an image"),
        ("notes.txt", b"text", "there is no image in it: known are .bmp, .gif"),
    ],
)
def test_an_image_that_cannot_be_used_is_named_and_nothing_is_written(
    painter: Path, tmp_path: Path, name: str, content: Any, said: str
) -> None:
    images = tmp_path / "images"
    images.mkdir()
    if isinstance(content, bytes):
        (images / name).write_bytes(content)
    else:
        painted(images, "a good one.png", np.zeros((6, 4)))
        painted(images, name, np.zeros(content))
    result = invoke("predict", painter, "--images", images, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (tmp_path / "out").exists()


def test_wrong_usage_of_predict_is_said(painter: Path, tmp_path: Path) -> None:
    for arguments, said in (
        ((), "give either a folder of images or a data set: --images DIR, or --data NAME"),
        (("--images", tmp_path, "--data", "digits"), "give either a folder of images or a data set"),
        (
            ("--images", tmp_path / "nowhere"),
            "cannot be read as a folder (No such file or directory): --images takes a folder of image files",
        ),
        (("--data", "digits"), "is for classification, and its labels cannot be used for segmentation"),
    ):
        result = invoke("predict", painter, *arguments, "-o", tmp_path / "out")
        assert result.exit_code == 2
        assert said in result.stderr
    blocked = written("a file", tmp_path, "blocked")
    result = invoke(
        "predict", painter, "--images", painted(tmp_path / "i", "a.png", np.zeros((6, 4))), "-o", blocked
    )
    assert result.exit_code == 2
    assert "blocked: cannot be made (File exists): give another --out" in result.stderr
    run = trained(VECTORS, vectors(), tmp_path)
    result = invoke("predict", run, "--images", tmp_path / "i", "-o", tmp_path / "out")
    assert (
        "the network takes 3, which image files are not: predict a data set's examples by --data"
        in result.stderr
    )


@pytest.mark.parametrize(
    "metadata",
    [{}, {"task": "cooking"}, {"mean": "{"}, {"mean": "[1, 2, 3]"}, {"classes": "3"}, {"white": "[]"}],
)
def test_damaged_facts_of_a_model_are_an_input_error(
    painter: Path, tmp_path: Path, metadata: dict[str, str]
) -> None:
    shutil.copytree(painter, tmp_path / "run")
    model = tmp_path / "run/model.safetensors"
    facts = facts_of(pixels()).metadata() | metadata if metadata else {}
    save_file(load_file(model), model, metadata=facts)
    images = painted(tmp_path / "images", "a.png", np.zeros((6, 4)))
    result = invoke("predict", tmp_path / "run", "--images", images, "-o", tmp_path / "out")
    assert result.exit_code == 2, result.output
    assert not (tmp_path / "out").exists()


# --- colours

_SEEN_AS = {  # Machado, Oliveira & Fernandes 2009, severity 1, on linear RGB
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def cielab(colour: Any) -> Any:
    """Linear RGB → CIELAB under D65."""
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    xyz = to_xyz @ np.clip(colour, 0, 1) / np.array([0.95047, 1.0, 1.08883])
    cube = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * cube[1] - 16, 500 * (cube[0] - cube[1]), 200 * (cube[1] - cube[2])])


@pytest.mark.parametrize("vision", _SEEN_AS)
def test_colours_of_classes_lie_apart_to_every_vision(vision: str) -> None:
    colours = palette(["background", *"0123456789"]) / 255
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    places = [cielab(_SEEN_AS[vision] @ colour) for colour in linear]
    apart = [float(np.linalg.norm(a - b)) for a, b in itertools.combinations(places, 2)]
    assert min(apart) > 20


def test_further_classes_have_colours_of_their_own() -> None:
    colours = palette([f"class {number}" for number in range(60)])
    assert len({tuple(colour) for colour in colours.tolist()}) == 60
    assert palette(["a", "background", "b"]).tolist()[1] == [0, 0, 0]
    assert palette(["a", "background", "b"]).tolist()[::2] == palette(["a", "b"]).tolist()
