"""Examples that belong together stay in one split: the pattern that names of files are
read by, the drawing, and what says groups: folders, arrays, tables.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from image_folders import class_folder, mask_folder, random_image, save
from PIL import Image

from bsngraph.cli.main import cli
from bsngraph.data import Dataset, load_data
from bsngraph.data.grouping.assigning import assign_groups
from bsngraph.data.grouping.group_pattern import parse_group_pattern
from bsngraph.data.request import Request
from bsngraph.data.sources.csv_table import read_unlabelled
from bsngraph.data.splits import PARTS
from bsngraph.errors import InputError

SHARES = np.array([0.64, 0.2, 0.16])


def group_of(pattern: str, name: str) -> str | None:
    return parse_group_pattern("groups", pattern).group_of(name)


def patients(root: Path, images: int = 3) -> Path:
    """Ten patients, each with images of a cat and of a dog or of one of them."""
    for patient in range(10):
        for number in range(images):
            pixels = random_image(100 * patient + number)
            for name in ("cat", "dog")[: 1 + patient % 2] if patient < 8 else ("dog",):
                save(root / name / f"p{patient}_{number:03}.png", pixels)
    return root


def groups_in(data: Dataset, pattern: str) -> list[set[str | None]]:
    """The groups of each split, by the names of its files."""
    assert data.rows is not None
    assert data.rows.files is not None
    return [{group_of(pattern, Path(file).stem) for file in data.rows.files[part]} for part in PARTS]


def apart(sets: Sequence[set[Any]]) -> bool:
    return len(set.union(*sets)) == sum(map(len, sets))


# --- patterns


@pytest.mark.parametrize(
    ("pattern", "name", "group"),
    [
        ("{group}_{any}", "p7_001", "p7"),
        ("{group}_{any}", "p7_left_001", "p7"),
        ("{group}_{number}", "p7_left_001", "p7_left"),
        ("{group}_{number}_{number}", "old_town_3_12", "old_town"),
        ("{group}_{group}_{any}", "site_p7_001", "site/p7"),
        ("{any}-{group}", "2024-p7", "p7"),
        ("scene{number}-{group}", "scene12-a", "a"),
        ("{group}", "alone", "alone"),
        ("{group}_{any}", "p7_", "p7"),
        ("{group}_{any}", "_001", None),
        ("{group}_{any}", "p7", None),
        ("{group}_{number}", "p7_", None),
        ("{group}_{number}", "p7_0a", None),
        ("{group}_{number}", "p7_٣", None),
        ("x{group}", "p7", None),
    ],
)
def test_a_pattern_reads_the_group_of_a_name(pattern: str, name: str, group: str | None) -> None:
    assert group_of(pattern, name) == group


@given(
    st.lists(st.sampled_from(["{group}", "{any}", "{number}"]), max_size=3),
    st.lists(st.sampled_from(["_", "a", "1_"]), min_size=4, max_size=4),
    st.text("a1_", max_size=12),
)
def test_a_pattern_reads_names_as_the_regular_expression_that_it_stands_for(
    pieces: list[str], plain: list[str], name: str
) -> None:
    parts = [part for pair in zip(["{group}", *pieces], plain, strict=False) for part in pair][:-1]
    regular = {"{group}": "(.+?)", "{any}": ".*?", "{number}": "[0-9]+?"}
    expected = re.fullmatch("".join(regular.get(part, re.escape(part)) for part in parts), name)
    assert group_of("".join(parts), name) == (None if expected is None else "/".join(expected.groups()))


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("", "{group} must stand for what names the group"),
        ("{any}_{number}", "{group} must stand for what names the group"),
        ("{patient}_{any}", "there is no piece {patient}"),
        ("{grup}_{any}", "did you mean 'group'"),
        ("{}_{any}", "there is no piece {}"),
        ("{group_1", "the brace { is open"),
        ("group}_1", "the brace } is open"),
        ("{group}{number}", "{group} and {number} need text between them, e.g. {group}_{number}"),
        ("{group}_{any}_{any}_{any}_{any}", "has 5 pieces in braces: 4 at most"),
    ],
)
def test_a_pattern_that_is_none_is_refused(pattern: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        group_of(pattern, "p7_001")
    assert said in str(caught.value)


def test_no_name_makes_matching_slow() -> None:
    """A regular expression of this kind takes minutes for it."""
    began = time.perf_counter()
    assert group_of("{any}a{any}a{group}a{number}b", "a" * 255) is None
    assert time.perf_counter() - began < 5


# --- drawing

EXAMPLES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), min_size=3, max_size=30)


def has_a_way(cells: set[tuple[int, int]], parts: int) -> bool:
    """Whether some choice of a split for each group gives every split every class: by
    looking at all of them.
    """
    groups, classes = sorted({group for group, _ in cells}), {kind for _, kind in cells}
    for owners in product(range(parts), repeat=len(groups)):
        owner = dict(zip(groups, owners, strict=True))
        if len({(owner[group], kind) for group, kind in cells}) == parts * len(classes):
            return True
    return False


@settings(max_examples=100)
@given(EXAMPLES, st.integers(0, 3))
def test_groups_are_assigned_whole_with_every_class_in_every_split_if_that_can_be(
    examples: list[tuple[int, int]], seed: int
) -> None:
    groups, kinds = (
        np.unique(np.array(each), return_inverse=True)[1] for each in zip(*examples, strict=True)
    )
    found = assign_groups(groups, kinds, SHARES, np.random.default_rng(seed))
    assert (found is not None) == has_a_way(set(examples), len(SHARES))
    if found is None:
        return
    assert len(found) == groups.max() + 1
    assert {*zip(found[groups], kinds, strict=True)} == {*product(range(3), range(kinds.max() + 1))}
    again = assign_groups(groups, kinds, SHARES, np.random.default_rng(seed))
    assert again is not None
    assert (found == again).all()


@given(st.data())
def test_no_group_is_in_two_splits_and_every_example_is_used_once(data: st.DataObject) -> None:
    count = data.draw(st.integers(9, 40))
    values = np.array(data.draw(st.lists(st.integers(0, 8), min_size=count, max_size=count)))
    labels = np.array(data.draw(st.lists(st.integers(0, 1), min_size=count, max_size=count)))
    x = np.arange(count, dtype=np.float64)[:, None]
    try:
        found = Dataset.from_arrays(x, labels, groups=values, split_seed=data.draw(st.integers(0, 3)))
    except InputError:
        assume(False)
    assert found.rows is not None
    rows = [getattr(found.rows, part) for part in PARTS]
    assert sorted(np.concatenate(rows).tolist()) == list(range(count))
    assert apart([set(values[some].tolist()) for some in rows])
    assert all(set(labels[some]) == set(labels) for some in rows)


def test_many_groups_give_each_class_its_share_and_single_images_give_the_usual_sizes() -> None:
    generator = np.random.default_rng(0)
    labels = generator.choice(4, size=2000, p=[0.6, 0.25, 0.1, 0.05])
    x = np.zeros((2000, 1))
    for groups in (generator.integers(60, size=2000), np.arange(2000)):
        rows = Dataset.from_arrays(x, labels, groups=groups).rows
        assert rows is not None
        whole = np.bincount(labels)
        for share, part in ((0.64, rows.train), (0.16, rows.validation), (0.2, rows.test)):
            assert np.abs(np.bincount(labels[part]) / whole - share).max() < 0.04
    other = Dataset.from_arrays(x, labels, groups=groups, split_seed=1).rows
    assert other is not None
    assert set(other.test) != set(rows.test)


def test_sizes_and_shares_that_are_asked_for_are_met_as_nearly_as_groups_allow(tmp_path: Path) -> None:
    patients(tmp_path, images=4)
    data = load_data(f"folder:{tmp_path},groups={{group}}_{{any}},test=12,validation=12")
    assert apart(groups_in(data, "{group}_{any}"))
    assert all(8 <= len(each) <= 16 for each in (data.validation, data.test))
    fewer = load_data(f"folder:{tmp_path},groups={{group}}_{{any}},train=20")
    assert len(fewer.train) == 20
    assert apart(groups_in(fewer, "{group}_{any}"))
    with pytest.raises(InputError, match="test=500 cannot be drawn from 56 training examples: say less"):
        load_data(f"folder:{tmp_path},groups={{group}}_{{any}},test=500")


# --- folders


def test_images_of_a_patient_stay_in_one_split_whatever_their_class(tmp_path: Path) -> None:
    name = f"folder:{patients(tmp_path)},groups={{group}}_{{any}}"
    said: list[str] = []
    data = load_data(name, notify=said.append)
    assert data.rows is not None
    assert apart(groups_in(data, "{group}_{any}"))
    assert sum(map(len, data.splits().values())) == 42
    assert all(set(split.labels.tolist()) == {0, 1} for split in data.splits().values())
    assert load_data(name).fingerprint() == data.fingerprint()
    streamed = load_data(f"{name},memory=1kB,workers=0")
    assert streamed.rows is not None
    assert streamed.rows.as_dict() == data.rows.as_dict()
    (line,) = said
    assert line.startswith(f"{name}: 10 groups (p0, p1, p2, …), 3 to 6 examples each: train ")
    assert not apart(groups_in(load_data(f"folder:{tmp_path}"), "{group}_{any}"))


def test_masks_are_drawn_by_groups_too(tmp_path: Path) -> None:
    for scene in range(6):
        mask_folder(tmp_path / "made" / str(scene), 3, seed=10 * scene)
        for kind in ("images", "masks"):
            (tmp_path / kind).mkdir(exist_ok=True)
            for file in (tmp_path / "made" / str(scene) / kind).iterdir():
                file.rename(tmp_path / kind / f"scene{scene}-{file.name}")
    data = load_data(f"folder:{tmp_path},groups={{group}}-{{number}}")
    assert data.task == "segmentation"
    assert apart(groups_in(data, "{group}-{number}"))
    assert [len(each) for each in data.splits().values()] == [12, 3, 3]


def test_val_is_the_validation_split_and_groups_hold_for_what_is_drawn(tmp_path: Path) -> None:
    patients(tmp_path / "train")
    class_folder(tmp_path / "val", {"cat": 2, "dog": 3}, seed=50)
    for file in list(tmp_path.glob("val/*/*.png")):
        file.rename(file.with_name(f"q{file.stem}_1.png"))
    data = load_data(f"folder:{tmp_path},groups={{group}}_{{any}}")
    assert data.rows is not None
    assert data.rows.files is not None
    assert {Path(file).parts[0] for file in data.rows.files["validation"]} == {"val"}
    assert len(data.validation) == 5
    assert apart(groups_in(data, "{group}_{any}"))
    assert len(data.train) + len(data.test) == 42


def test_two_folders_of_one_split_are_an_error_and_neither_is_passed_over(tmp_path: Path) -> None:
    for part in ("train", "val", "validation"):
        class_folder(tmp_path / part, {"cat": 6, "dog": 6}, seed=len(part))
    with pytest.raises(InputError, match="val/ and validation/ are both names of the validation split"):
        load_data(f"folder:{tmp_path}")


def test_a_group_in_two_given_splits_is_an_error_that_names_it(tmp_path: Path) -> None:
    for part in ("train", "test"):
        class_folder(tmp_path / part, {"cat": 6, "dog": 6}, seed=len(part))
    for file in list(tmp_path.glob("*/*/*.png")):
        file.rename(file.with_name(f"{file.parts[-3][1]}{int(file.stem) // 2}_{file.name}"))
    name = f"folder:{tmp_path},groups={{group}}_{{any}}"
    load_data(name)
    (tmp_path / "train/cat/r2_005.png").rename(tmp_path / "train/cat/e0_005.png")
    with pytest.raises(InputError) as caught:
        load_data(name)
    said = "1 group of groups={group}_{any} (e0) in both train and test: move the examples of each to one"
    assert said in str(caught.value)
    class_folder(tmp_path / "val", {"cat": 2, "dog": 2})
    for file in list(tmp_path.glob("val/*/*.png")):
        file.rename(file.with_name(f"v{file.stem}_1.png"))
    with pytest.raises(InputError, match="in both train and test"):
        load_data(name)  # also if nothing is drawn


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("{group}-{any}", "42 of 42 names do not read {group}-{any}, suffix aside"),
        ("{group}_{number}_{any}", "42 of 42 names do not read"),
        ("p7{group}", "36 of 42 names"),
        ("{any}_{any}_{group}", "class 'cat' is in 1 group of groups={any}_{any}_{group} (0)"),
        ("{patient}_{any}", "there is no piece {patient}"),
    ],
)
def test_a_pattern_that_does_not_fit_the_names_is_refused(pattern: str, said: str, tmp_path: Path) -> None:
    patients(tmp_path)
    if pattern == "{any}_{any}_{group}":
        for file in list(tmp_path.glob("*/*.png")):
            file.rename(file.with_name(f"{file.stem}_0.png"))
    with pytest.raises(InputError) as caught:
        load_data(f"folder:{tmp_path},groups={pattern}")
    assert said in str(caught.value)


def test_a_class_in_too_few_groups_is_refused_by_name(tmp_path: Path) -> None:
    patients(tmp_path)
    for number in range(9):
        save(tmp_path / "eel" / f"p{number % 2}_e{number}.png", random_image(5000 + number))
    name = f"folder:{tmp_path},groups={{group}}_{{any}}"
    with pytest.raises(InputError) as caught:
        load_data(name)
    said = "class 'eel' is in 2 groups of groups={group}_{any} (p0, p1), but each split needs one of its own"
    assert said in str(caught.value)
    assert ": 3 at least" in str(caught.value)


def test_the_command_line_takes_a_pattern_and_says_what_it_found(tmp_path: Path) -> None:
    name = f"folder:{patients(tmp_path)},groups={{group}}_{{any}}"
    result = CliRunner().invoke(cli, ["data", name])
    assert result.exit_code == 0, result.output
    assert "10 groups (p0, p1, p2, …)" in result.stderr
    result = CliRunner().invoke(cli, ["data", name.replace("}_{", "}-{")])
    assert result.exit_code == 2
    assert "names do not read" in result.stderr


# --- arrays and tables


def test_groups_of_arrays_come_from_python_and_from_an_archive(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    x, y = generator.normal(size=(60, 3)), generator.integers(2, size=60)
    groups = np.array([f"p{number}" for number in generator.integers(12, size=60)])
    data = Dataset.from_arrays(x, y, groups=groups.tolist())
    np.savez(tmp_path / "it.npz", x_train=x, y_train=y, groups=groups)
    assert load_data(f"npz:{tmp_path / 'it.npz'}").fingerprint() == data.fingerprint()
    assert Dataset.from_torch(list(zip(x, y, strict=True)), groups=groups).fingerprint() == data.fingerprint()
    assert data.rows is not None
    assert apart([set(groups[getattr(data.rows, part)]) for part in PARTS])
    given = Dataset.from_arrays(x, y, x_test=x[:5] + 9, y_test=y[:5], groups=groups)
    assert len(given.test) == 5
    assert given.rows is not None
    assert apart([set(groups[some]) for some in (given.rows.train, given.rows.validation)])


def test_a_column_of_a_hugging_face_table_says_groups() -> None:
    datasets = pytest.importorskip("datasets")
    pictures = [Image.fromarray(random_image(number)) for number in range(36)]
    names = [f"p{number % 9}" for number in range(36)]
    columns = {"image": pictures, "label": [number % 2 for number in range(36)], "patient": names}
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "label": datasets.ClassLabel(names=["cat", "dog"]),
            "patient": datasets.Value("string"),
        }
    )
    table = datasets.Dataset.from_dict(columns, features=features)
    data = Dataset.from_hugging_face(table, groups="patient")
    assert data.rows is not None
    assert apart([{names[row] for row in getattr(data.rows, part)} for part in PARTS])
    with pytest.raises(InputError, match="there is no column 'patent'"):
        Dataset.from_hugging_face(table, groups="patent")


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        (np.arange(59), "groups is (59,) for 60 examples: it needs a value for each"),
        (np.zeros((60, 2), dtype=int), "groups is (60, 2) for 60 examples"),
        (np.linspace(0, 1, 60), "groups has values of type float64: a group is a word or a whole number"),
        ([None, *["a"] * 59], "groups has values of type object"),
        (np.zeros(60, dtype=int), "is in 1 group of groups (0), but each split needs one of its own"),
    ],
)
def test_groups_that_are_none_are_refused(groups: Any, said: str) -> None:
    with pytest.raises(InputError) as caught:
        Dataset.from_arrays(np.ones((60, 2)), np.arange(60) % 2, groups=groups)
    assert said in str(caught.value)


def test_a_column_of_groups_is_no_feature_and_keeps_rows_together(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    generator = np.random.default_rng(2)
    frame = pandas.DataFrame(
        {
            "a": generator.normal(size=80),
            "patient": [f"p{number}" for number in generator.integers(15, size=80)],
            "b": generator.normal(size=80),
            "kind": generator.choice(["x", "y"], size=80),
        }
    )
    data = Dataset.from_frame(frame, target="kind", groups="patient")
    assert data.feature_names == ("a", "b")
    assert data.rows is not None
    assert apart([set(frame.patient[getattr(data.rows, part)]) for part in PARTS])
    frame.to_csv(tmp_path / "it.csv", index=False)
    read = load_data(f"csv:{tmp_path / 'it.csv'},groups=patient")
    assert read.fingerprint() == data.fingerprint()
    request = Request("csv:x", "csv", str(tmp_path / "new.csv"), {"groups": "patient"})
    frame.drop(columns="kind").to_csv(tmp_path / "new.csv", index=False)
    found = read_unlabelled(request, ["b", "a"])
    assert found is not None
    assert found.features.shape == (80, 2)
    for wrong, said in (
        ({"groups": "patent"}, "there is no column 'patent': did you mean 'patient'"),
        ({"groups": "kind"}, "'kind' is a feature or a target too"),
        ({"groups": "a", "features": ["a", "b"]}, "'a' is a feature or a target too"),
        ({"groups": "a", "features": ["b"]}, "values of type float64"),
    ):
        with pytest.raises(InputError, match=re.escape(said)):
            Dataset.from_frame(frame, target="kind", **wrong)
    for name, said in (("patent", "there is no column 'patent'"), ("kind", "column 'kind' is the label")):
        with pytest.raises(InputError, match=re.escape(said)):
            load_data(f"csv:{tmp_path / 'it.csv'},groups={name}")
    (tmp_path / "gap.csv").write_text("a,patient,kind\n1,p1,x\n2,,y\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 3: '' in column 'patient' is not a group"):
        load_data(f"csv:{tmp_path / 'gap.csv'},groups=patient")
