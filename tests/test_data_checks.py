"""A `Split` and a `Dataset` that make no sense cannot be constructed: every error names
the field, the value and the cure, and all of them come at once.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from image_folders import mask_folder
from tiny import stripes

from bsngraph.data import Augmentation, Dataset, Split, load_data
from bsngraph.errors import InputError
from bsngraph.tasks import TASKS

IMAGES = torch.zeros(4, 1, 6, 5)


def split_of(labels: Any, inputs: torch.Tensor = IMAGES) -> Split:
    return Split(inputs, torch.as_tensor(labels))


#: A data set of each task, of which every part is right.
RIGHT: dict[str, Dataset] = {
    task: Dataset(
        name="mine",
        class_names=("a", "b", "c"),
        mean=(0.0,),
        std=(1.0,),
        train=split_of(labels),
        validation=split_of(labels),
        test=split_of(labels),
        augmentation=Augmentation(),
        task=task,
    )
    for task, labels in {
        "classification": torch.tensor([0, 1, 2, 0]),
        "segmentation": torch.ones(4, 6, 5, dtype=torch.uint8),
        "regression": torch.full((4, 3), -1e30),
        "multi-label": torch.eye(4, 3),
    }.items()
}
CLASSES = RIGHT["classification"]


def problems(build: Any) -> list[str]:
    with pytest.raises(InputError) as caught:
        build()
    first, *listed = str(caught.value).splitlines()
    assert first.endswith(f": {len(listed)} problem{'s' if len(listed) > 1 else ''}")
    return [line.removeprefix("  - ") for line in listed]


@pytest.mark.parametrize(
    ("inputs", "labels", "said"),
    [
        (np.zeros((4, 3)), torch.zeros(4), "is ndarray @ inputs: give a tensor: torch.as_tensor(…)"),
        (torch.zeros(4, 3), [0, 1], "is list @ labels: give a tensor: torch.as_tensor(…)"),
        (
            torch.zeros(4),
            torch.zeros(4),
            "has the shape (4,) @ inputs: make it (examples, features), or more",
        ),
        (torch.zeros(1, 3), torch.tensor(0), "has the shape () @ labels: make it (examples, …)"),
        (torch.zeros(4, 3), torch.zeros(3), "holds 3 labels for 4 inputs @ labels: give one label for each"),
        (torch.zeros(0, 3), torch.zeros(0), "holds no example @ inputs: give at least one"),
        (torch.ones(4, 3) > 0, torch.zeros(4), "has values of type bool @ inputs: convert them"),
        (torch.ones(4, 3) * 1j, torch.zeros(4), "has values of type complex64 @ inputs: convert them"),
    ],
)
def test_a_split_without_a_row_for_each_example_is_refused(inputs: Any, labels: Any, said: str) -> None:
    assert said in "\n".join(problems(lambda: Split(inputs, labels)))


@pytest.mark.parametrize(
    ("task", "wrong", "said"),
    [
        (
            "classification",
            {"test": split_of([0, 1], torch.zeros(2, 1, 6, 6))},
            "has examples of 1x6x6 @ test.inputs: give them the shape of train, 1x6x5",
        ),
        (
            "classification",
            {"validation": split_of([0, 1, 1, 1], IMAGES.byte())},
            "has values of type uint8, train of float32 @ validation.inputs: use whole numbers",
        ),
        (
            "classification",
            {"task": "clasification"},
            "is 'clasification' @ task: did you mean 'classification'?",
        ),
        (
            "classification",
            {"class_names": ("a", "b", "a")},
            "has 'a' 2 times @ class_names: give every class",
        ),
        (
            "classification",
            {"class_names": ("a",)},
            "names one class @ class_names: classification needs two",
        ),
        (
            "classification",
            {"class_names": ("a", "b")},
            "has the label 2 for example 2 @ train.labels: labels are 0 to 1; name more classes",
        ),
        (
            "classification",
            {"test": split_of([0, -1, 0, 0])},
            "has the label -1 for example 1 @ test.labels:",
        ),
        (
            "classification",
            {"mean": (0.0, 0.0)},
            "has 2 values for 1 channel @ mean: give one for each channel",
        ),
        ("classification", {"std": ()}, "has 0 values for 1 channel @ std: give one for each channel"),
        ("classification", {"mean": (float("nan"),)}, "is nan @ mean[0]: give a finite number"),
        ("classification", {"std": (float("inf"),)}, "is inf @ std[0]: give a finite number"),
        ("classification", {"std": (0.0,)}, "is 0.0 @ std[0]: give a number above 0; 1 for a channel that"),
        (
            "classification",
            {"ignore_label": 255},
            "is 255 @ ignore_label: leave it out: classification has no",
        ),
        (
            "classification",
            {"train": split_of([0.0, 1.0, 2.0, 0.0])},
            "has values of type float32 @ train.labels: classification takes int64: use .to(torch.int64)",
        ),
        (
            "classification",
            {"train": split_of(torch.zeros(4, 1).long())},
            "has the shape (4, 1) @ train.labels: classification takes (examples,)",
        ),
        (
            "segmentation",
            {"train": split_of(torch.zeros(4, 6, 6).long())},
            "has the shape (4, 6, 6) @ train.labels: segmentation takes (examples, 6, 5)",
        ),
        (
            "segmentation",
            {"train": split_of(torch.full((4, 6, 5), 7)), "ignore_label": 255},
            "has the label 7 for example 0 @ train.labels: labels are 0 to 2, or 255 for ignored pixels",
        ),
        (
            "regression",
            {"test": split_of(torch.zeros(4, 3).long())},
            "has values of type int64 @ test.labels: regression takes float32: use .to(torch.float32)",
        ),
        (
            "regression",
            {"test": split_of(torch.zeros(4, 2))},
            "has the shape (4, 2) @ test.labels: regression takes (examples, 3), a column for each of",
        ),
        (
            "regression",
            {"test": split_of(torch.full((4, 3), float("nan")))},
            "has the label nan for example 0 @ test.labels: labels are finite numbers",
        ),
        (
            "multi-label",
            {"test": split_of(torch.full((4, 3), 0.5))},
            "has the label 0.5 for example 0 @ test.labels: labels are 0 or 1",
        ),
    ],
)
def test_parts_of_a_data_set_that_do_not_fit_are_refused(task: str, wrong: dict[str, Any], said: str) -> None:
    found = problems(lambda: replace(RIGHT[task], **wrong))
    assert any(said in problem for problem in found), found


def test_all_that_is_wrong_is_told_at_once() -> None:
    found = problems(
        lambda: replace(CLASSES, mean=(0.0, 0.0), std=(-1.0,), class_names=("a", "a"), ignore_label=3)
    )
    assert len(found) == 7
    assert [problem.split(" @ ")[1].split(":")[0] for problem in found] == [
        "mean",
        "std[0]",
        "class_names",
        "ignore_label",
        "train.labels",
        "validation.labels",
        "test.labels",
    ]


def test_every_task_has_a_data_set_that_is_right() -> None:
    assert set(RIGHT) == set(TASKS)


def test_ignored_labels_are_right_in_maps() -> None:
    ignoring = split_of(torch.full((4, 6, 5), 255, dtype=torch.uint8))
    assert replace(RIGHT["segmentation"], ignore_label=255, train=ignoring).ignore_label == 255


def test_features_of_sequences_and_vectors_are_their_channels() -> None:
    sequences = split_of([0, 1], torch.zeros(2, 7, 3))
    parts = {"train": sequences, "validation": sequences, "test": sequences}
    assert replace(CLASSES, **parts, mean=(0.0,) * 3, std=(1.0,) * 3).input_shape == (7, 3)
    found = problems(lambda: replace(CLASSES, **parts, mean=(0.0,) * 7, std=(1.0,) * 3))
    assert found == [
        "has 7 values for 3 channels @ mean: give one for each channel (feature, for sequences and vectors)"
    ]


def test_labels_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    form = TASKS["classification"].labels

    def allowed(labels: Any, classes: int, ignore_label: int | None) -> Any:
        looked.append(len(labels))
        return form.allowed(labels, classes, ignore_label)

    row = replace(TASKS["classification"], labels=replace(form, allowed=allowed))
    monkeypatch.setitem(TASKS, "classification", row)
    data = stripes(train=5, validation=3, test=2)
    assert looked == [5, 3, 2]
    replace(data, name="other").with_augmentation(Augmentation()).to(torch.device("cpu"))
    assert looked == [5, 3, 2]


def test_a_replaced_data_set_costs_nothing_noticeable() -> None:
    many = Split(torch.zeros(400_000, 1, 4, 4), torch.arange(400_000) % 2)
    data = replace(stripes(), train=many)
    start = time.process_time()
    for _ in range(100):
        replace(data, name="other")
    assert time.process_time() - start < 0.2


def test_a_streamed_data_set_is_checked_without_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = load_data(f"folder:{mask_folder(tmp_path, 20)},memory=1kB,workers=0")
    assert data.train.inputs.is_meta
    monkeypatch.setattr(
        "bsngraph.data.reading.images.image_files.ImageFiles.read", lambda *given: pytest.fail("read")
    )
    assert replace(data, name="other").with_augmentation(Augmentation()).name == "other"
    found = problems(lambda: replace(data, class_names=("a", "b")))
    assert "has the label 2 in a label map @ train.labels: labels are 0 to 1, or 255" in "\n".join(found)
    assert "has 2 values" in problems(lambda: replace(data, mean=(0.0, 0.0)))[0]
