"""Splits: disjoint, reproducible, stratified, with every class in each (hypothesis),
and recorded in the run folder.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import STRIPES, recipe, stripes

import bsngraph
from bsngraph.data import load_data
from bsngraph.data.splits import PARTS, SplitRows, split_rows, stratified
from bsngraph.errors import InputError

LABELS = st.lists(st.integers(3, 25), min_size=1, max_size=6).map(
    lambda sizes: np.repeat(np.arange(len(sizes)), sizes)
)


def split(labels: np.ndarray, seed: int = 0, **more: object) -> SplitRows:
    names = [f"c{number}" for number in range(int(labels.max()) + 1)]
    return split_rows(labels, names, seed, origin="x", numbering="rows", **more)  # type: ignore[arg-type]


@given(LABELS, st.integers(0, 1000))
def test_splits_are_disjoint_whole_reproducible_and_hold_every_class(labels: np.ndarray, seed: int) -> None:
    rows = split(labels, seed)
    together = np.concatenate([getattr(rows, part) for part in PARTS])
    assert sorted(together.tolist()) == list(range(len(labels)))
    for part in PARTS:
        found = getattr(rows, part)
        assert found.tolist() == sorted(found.tolist())
        assert set(labels[found].tolist()) == set(labels.tolist())
    again = split(labels, seed)
    assert all(np.array_equal(getattr(rows, part), getattr(again, part)) for part in PARTS)


@given(LABELS, st.integers(0, 1000), st.floats(0.05, 0.95))
def test_stratified_draws_within_one_of_each_class_share(labels: np.ndarray, seed: int, share: float) -> None:
    count = max(round(share * len(labels)), 1)
    rows = stratified(labels, count, np.random.default_rng(seed), least=0, leave=0)
    assert len(rows) == len(set(rows.tolist())) == count
    sizes, drawn = Counter(labels.tolist()), Counter(labels[rows].tolist())
    for label, size in sizes.items():
        assert abs(drawn[label] - size * count / len(labels)) <= 1


def test_another_seed_gives_other_splits_of_the_same_sizes() -> None:
    labels = np.repeat(np.arange(4), 25)
    first, second = split(labels, 0), split(labels, 1)
    assert [len(getattr(first, part)) for part in PARTS] == [64, 16, 20]
    assert [len(getattr(second, part)) for part in PARTS] == [64, 16, 20]
    assert not np.array_equal(first.test, second.test)


def test_given_splits_stay_and_what_is_missing_is_drawn_from_the_training_examples() -> None:
    labels = np.tile(np.arange(2), 50)
    rows = split(labels, given={"test": np.arange(80, 100)}, counts={"validation": 10, "train": 30})
    assert rows.test.tolist() == list(range(80, 100))
    assert Counter(labels[rows.validation].tolist()) == {0: 5, 1: 5}
    assert Counter(labels[rows.train].tolist()) == {0: 15, 1: 15}
    assert not set(rows.train.tolist()) & set(rows.validation.tolist())
    assert max(*rows.train, *rows.validation) < 80


def test_validation_split_does_not_depend_on_how_many_training_examples_are_used() -> None:
    labels = np.tile(np.arange(2), 50)
    whole, fewer = split(labels), split(labels, counts={"train": 20})
    assert np.array_equal(whole.validation, fewer.validation)
    assert set(fewer.train.tolist()) < set(whole.train.tolist())


@pytest.mark.parametrize(
    ("labels", "more", "said"),
    [
        ([0, 0, 0, 0, 1], {}, "class 'c1' has 1 example, but each split needs one: 3 at least"),
        (
            [0, 0, 1, 1],
            {},
            "class 'c0' has 2 examples (and 1 other class has too few), but each split needs one: 3 at least",
        ),
        ([0, 0], {}, "there are only 2 examples, but each split needs one"),
        (
            [0] * 10,
            {"counts": {"train": 9}},
            "train=9 cannot be drawn from 6 training examples: say at most 6",
        ),
        (
            [0] * 10,
            {"counts": {"test": 10}},
            "test=10 cannot be drawn from 10 training examples: say at most 9",
        ),
        (
            [0] * 5 + [1] * 5,
            {"counts": {"test": 1}},
            "test=1 cannot be drawn from 10 training examples: say from 2 to 8",
        ),
        (
            [0] * 5 + [1] * 5,
            {"counts": {"test": 9}},
            "test=9 cannot be drawn from 10 training examples: say from 2 to 8",
        ),
        (
            [0] * 10,
            {"given": {"test": np.arange(3)}, "counts": {"test": 2}},
            "test=2 has no meaning: the source has a test split of its own",
        ),
        ([0] * 10, {"given": {"test": np.zeros(0, dtype=np.int64)}}, "the test split is empty"),
    ],
)
def test_too_few_examples_are_refused(labels: list[int], more: dict[str, object], said: str) -> None:
    with pytest.raises(InputError) as caught:
        split(np.array(labels), **more)
    assert said in str(caught.value)


def test_rows_of_digits_name_the_examples_of_scikit_learn() -> None:
    from sklearn import datasets

    images = datasets.load_digits().images
    digits = load_data("digits")
    assert digits.rows is not None
    for part in PARTS:
        rows = getattr(digits.rows, part)
        assert np.array_equal(getattr(digits, part).inputs[:, 0].numpy(), images[rows])


def test_run_folder_records_the_splits(tmp_path: Path) -> None:
    (tmp_path / "f.dot").write_text(STRIPES)
    fabric = bsngraph.read_fabric(tmp_path / "f.dot")
    bsngraph.train(
        fabric, stripes(train=16, validation=8, test=8), out=tmp_path / "run", recipe=recipe(epochs=1)
    )
    record = json.loads((tmp_path / "run/splits.json").read_text())
    for hashes in (record.pop("digests"), record.pop("contents")):
        assert {part: len(set(found)) for part, found in hashes.items()} == {
            "train": 16,
            "validation": 8,
            "test": 8,
        }
    assert record == {
        "numbering": "each split's own order, as it was given",
        "train": list(range(16)),
        "validation": list(range(8)),
        "test": list(range(8)),
    }
    digits = load_data("digits")
    assert digits.rows is not None
    assert digits.splits_record()["test"] == digits.rows.test.tolist()
    assert (
        json.loads(json.dumps(digits.splits_record()))["numbering"]
        == "images of sklearn.datasets.load_digits"
    )
