"""A run and the data it is used on fit: recorded examples are found again whatever
their order and file names, classes and features are matched by name, and what has
changed is told.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from image_folders import class_folder, mask_folder, random_image, save
from tiny import fabric_of, no_pictures, recipe, settings, stripes

from bsngraph.cli.main import cli
from bsngraph.data import Dataset, Split, load_data
from bsngraph.data.matching_names import with_classes, with_features
from bsngraph.data.recorded_splits import RecordedSplits, with_recorded_splits
from bsngraph.data.splits import PARTS
from bsngraph.delivered import evaluate_run, predict, read_facts
from bsngraph.errors import InputError
from bsngraph.runs import RunFolder
from bsngraph.searching import prune_run, search, train

PICTURES = """\
digraph pictures {
  graph [source=image, target=scores];
  edge  [op=conv, channels=3, kernel=1];
  image [input="3x6x5"];
  a     [activation=relu];
  image -> a [cost_price=2];
  image -> a [kernel=3, cost_price=3];
  a -> scores [op=classifier, classes=3, fixed=true, cost_price=0];
}
"""
TABLE = """\
digraph flowers {
  graph [source=vector, target=scores];
  edge  [op=linear, features=4];
  vector [input="3"];
  a      [activation=relu];
  vector -> a [cost_price=2];
  a -> scores [op=classifier, classes=3, fixed=true, cost_price=0];
}
"""
COUNTS = {"cat": 11, "cow": 9, "dog": 10}
FEATURES, KINDS = ("petal", "sepal", "stem"), ("iris", "rose", "tulip")

few = hypothesis_settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module", autouse=True)
def _no_pictures() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        yield


def invoke(*arguments: Any) -> Result:
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


def refused(call: Callable[[], Any]) -> str:
    with pytest.raises(InputError) as caught:
        call()
    return str(caught.value)


# --- image folders


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of images, and beside it the run of a search on them."""
    root = tmp_path_factory.mktemp("pets")
    class_folder(root / "data", COUNTS)
    search(
        fabric_of(PICTURES, root),
        f"folder:{root / 'data'}",
        ["price=4"],
        out=root / "run",
        recipe=recipe(epochs=2, batch_size=8),
        settings=settings(finetune_epochs=1),
        threads=1,
    )
    return root


@pytest.fixture
def changed(pets: Path, tmp_path: Path) -> Path:
    """A copy of both, to change; the copied run names the copied folder."""
    shutil.copytree(pets, tmp_path / "pets")
    config = tmp_path / "pets/run/config.json"
    config.write_text(config.read_text().replace(str(pets / "data"), str(tmp_path / "pets/data")))
    return tmp_path / "pets"


def evaluated(root: Path, *options: str) -> Any:
    result = invoke("evaluate", root / "run", "--threads", 1, "--format", "json", *options)
    assert result.exit_code == 0, result.output
    said = f"{root / 'run'}: its config.json names the data folder:{root / 'data'}; reading them\n"
    return json.loads(result.stdout)["metrics"]["test"], result.stderr.removeprefix(said)


def recorded_file(root: Path, part: str, which: int = 0) -> Path:
    """The file of an example that the run recorded."""
    files = RunFolder(root / "run").read_splits().files
    assert files is not None
    return root / "data" / getattr(files, part)[which]


def test_splits_json_names_the_file_and_the_content_of_every_example(pets: Path) -> None:
    record = json.loads((pets / "run/splits.json").read_text())
    files = [name for part in PARTS for name in record["files"][part]]
    assert sorted(files) == sorted(
        f"{name}/{n:03}.png" for name, count in COUNTS.items() for n in range(count)
    )
    digests = [digest for part in PARTS for digest in record["digests"][part]]
    assert len(set(digests)) == sum(COUNTS.values())
    assert all(len(digest) == 16 for digest in digests)
    streamed = load_data(f"folder:{pets / 'data'},memory=1,workers=0")
    assert streamed.train.inputs.is_meta
    again = json.loads(json.dumps(streamed.splits_record()))
    assert again == record


def test_equal_examples_have_equal_hashes_and_each_is_used_once(tmp_path: Path) -> None:
    values, labels = np.repeat(np.eye(3), 4, axis=0), np.repeat(np.arange(3), 4)
    np.savez(tmp_path / "a.npz", x_train=values, y_train=labels)
    data = load_data(f"npz:{tmp_path / 'a.npz'}")
    record = data.splits_record()["digests"]
    assert len({digest for part in PARTS for digest in record[part]}) == 3
    recorded = RecordedSplits(data.numbered_rows(), record)
    np.savez(tmp_path / "b.npz", x_train=values[1:], y_train=labels[1:])
    _, changes = with_recorded_splits(load_data(f"npz:{tmp_path / 'b.npz'}"), recorded)
    assert sum(len(changes.missing[part]) + len(changes.changed[part]) for part in PARTS) == 1
    np.savez(tmp_path / "c.npz", x_train=np.vstack([values, values[:2]]), y_train=[*labels, 0, 0])
    more, changes = with_recorded_splits(load_data(f"npz:{tmp_path / 'c.npz'}"), recorded)
    assert changes.new == 2
    assert more.splits_record()["digests"] == record


def test_unchanged_data_give_the_same_bits_as_the_run(pets: Path) -> None:
    data = load_data(f"folder:{pets / 'data'}")
    record = data.splits_record()
    found, changes = with_recorded_splits(data, RecordedSplits(data.numbered_rows(), record["digests"]))
    assert found.test is data.test
    assert (changes.whole, changes.new, changes.told()) == (True, 0, "")
    result = json.loads((pets / "run/result.json").read_text())
    metrics, notes = evaluated(pets)
    assert metrics == result["metrics"]["test"]
    assert notes == ""


def test_renamed_files_in_another_order_are_the_same_examples(pets: Path, changed: Path) -> None:
    for path in sorted((changed / "data").rglob("*.png")):
        path.rename(path.with_name(f"z{999 - int(path.stem)}.png"))
    drawn = load_data(f"folder:{changed / 'data'}")
    before = json.loads((pets / "run/splits.json").read_text())["digests"]
    assert drawn.splits_record()["digests"] != before  # a new draw would be another one
    assert evaluated(changed) == evaluated(pets)


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (1, "1 example is new: it is in no split of the run and is left out"),
        (3, "3 examples are new: they are in no split of the run and are left out"),
    ],
)
def test_new_examples_enter_no_split(pets: Path, changed: Path, count: int, said: str) -> None:
    for number in range(count):
        save(changed / f"data/cat/new{number}.png", random_image(77 + number))
    metrics, notes = evaluated(changed)
    assert metrics == evaluated(pets)[0]
    assert said in notes


def test_missing_and_changed_examples_are_counted_and_refused(changed: Path) -> None:
    recorded_file(changed, "test").unlink()
    recorded_file(changed, "train").unlink()
    recorded_file(changed, "train", 1).unlink()
    other = recorded_file(changed, "validation")
    save(other, random_image(4321))
    save(changed / "data/cow/new.png", random_image(99))
    name = other.relative_to(changed / "data")
    result = invoke("evaluate", changed / "run")
    assert result.exit_code == 2
    assert "train: 2 missing (" in result.stderr
    assert "test: 1 missing (" in result.stderr
    assert f"validation: 1 changed ({name})" in result.stderr
    assert "1 new" in result.stderr
    assert "--as-new-test" in result.stderr
    for command in (
        ("predict", changed / "run", "--data", f"folder:{changed / 'data'}", "-o", changed / "said"),
        ("prune", changed / "run", "--budget", "price=2", "--out", changed / "smaller"),
    ):
        result = invoke(*command)
        assert (result.exit_code, "train: 2 missing (" in result.stderr) == (2, True)
        assert ("--as-new-test" in result.stderr) == (command[0] == "predict")
    assert not (changed / "smaller").exists()
    assert not (changed / "said").exists()


def test_an_image_that_moved_to_another_class_is_not_the_same_example(changed: Path) -> None:
    path = recorded_file(changed, "test")
    there = {"cat": "cow", "cow": "dog", "dog": "cat"}[path.parent.name]
    path.rename(changed / "data" / there / "moved.png")
    said = refused(lambda: evaluate_run(changed / "run"))
    assert f"test: 1 missing ({path.parent.name}/{path.name})" in said
    assert "1 new" in said


def test_new_test_data_leave_out_what_the_run_trained_or_chose_on(changed: Path) -> None:
    new = class_folder(changed / "new/test", {"cat": 3, "cow": 1, "dog": 2}, seed=8)
    class_folder(changed / "new/train", {"cat": 2, "cow": 2, "dog": 2}, seed=9)
    for part in ("train", "validation"):
        seen = recorded_file(changed, part)
        shutil.copy(seen, new / seen.parent.name / f"{part}.png")
    name = f"folder:{changed / 'new'}"
    result = invoke("evaluate", changed / "run", "--data", name)
    assert (result.exit_code, "--as-new-test" in result.stderr) == (2, True)
    assert evaluated(changed, "--data", name, "--as-new-test")[1].endswith(
        "as new test data: 6 examples; 2 that the run trained or chose on are left out\n"
    )
    both = evaluate_run(changed / "run", data=name, as_new_test=True, threads=1)
    predict(changed / "run", data=name, as_new_test=True, out=changed / "said")
    assert len((changed / "said/predictions.csv").read_text().splitlines()) == 7
    for part in ("train", "validation"):
        (new / recorded_file(changed, part).parent.name / f"{part}.png").unlink()
    alone = evaluate_run(changed / "run", data=name, as_new_test=True, threads=1)
    assert alone.score == both.score
    assert alone.notes[0].endswith("its test split is taken as new test data: 6 examples")


def test_test_data_that_the_run_trained_on_are_no_new_test(changed: Path) -> None:
    name = f"folder:{changed / 'again'}"
    for part in ("train", "test"):
        for number in range(17):
            path = recorded_file(changed, "train", number)
            (changed / "again" / part / path.parent.name).mkdir(parents=True, exist_ok=True)
            shutil.copy(path, changed / "again" / part / path.parent.name / f"{number}.png")
    said = refused(lambda: evaluate_run(changed / "run", data=name, as_new_test=True))
    assert "trained or chose on all of its 17 test examples" in said


def test_a_relabelled_training_example_is_no_new_test_example(changed: Path) -> None:
    new = class_folder(changed / "new/test", {"cat": 3, "cow": 1, "dog": 2}, seed=8)
    class_folder(changed / "new/train", {"cat": 2, "cow": 2, "dog": 2}, seed=9)
    for part in ("train", "validation"):
        seen = recorded_file(changed, part)
        other = {"cat": "cow", "cow": "dog", "dog": "cat"}[seen.parent.name]
        shutil.copy(seen, new / other / f"{part}.png")
    for memory in ("", ",memory=1,workers=0"):
        name = f"folder:{changed / 'new'}{memory}"
        notes = evaluate_run(changed / "run", data=name, as_new_test=True, threads=1).notes
        assert notes[0].endswith("6 examples; 2 that the run trained or chose on are left out")
    record = json.loads((changed / "run/splits.json").read_text())
    del record["contents"]  # as older versions wrote it
    (changed / "run/splits.json").write_text(json.dumps(record))
    notes = evaluate_run(changed / "run", data=name, as_new_test=True, threads=1).notes
    assert notes[0].endswith(
        "8 examples; one with the inputs of such an example but another label counts as new"
    )


def test_inputs_that_many_examples_share_tell_no_examples_apart(tmp_path: Path) -> None:
    generator = np.random.default_rng(5)

    def recorded(inputs: np.ndarray, labels: np.ndarray, name: str) -> tuple[RecordedSplits, Dataset]:
        np.savez(tmp_path / f"{name}.npz", x_train=inputs, y_train=labels)
        data = load_data(f"npz:{tmp_path / name}.npz")
        record = data.splits_record()
        return RecordedSplits(data.numbered_rows(), record["digests"], record["contents"]), data

    words, labels = generator.integers(0, 2, size=(60, 3)), generator.integers(0, 2, size=60)
    found, data = recorded(words, labels, "words")
    assert not found.told_by_inputs
    pairs = [{(*x, y) for x, y in zip(split.inputs.tolist(), split.labels.tolist(), strict=True)}
             for split in (data.train, data.validation)]  # fmt: skip
    for row, seen in enumerate(found.which_seen(data.test, "train", "validation")):
        assert seen == ((*data.test.inputs[row].tolist(), int(data.test.labels[row])) in pairs[0] | pairs[1])
    measured = generator.normal(size=(60, 3))
    measured[1], labels[:2] = measured[0], (0, 1)  # one of them was labelled twice, and otherwise
    found, data = recorded(measured, labels, "measured")
    assert found.told_by_inputs
    other = replace(data, test=data.train.labelled(1 - data.train.labels))
    assert found.which_seen(other.test, "train").all()
    assert not found.which_seen(data.test, "train", "validation")[2:].any() or len(data.test) < 3


def test_a_resumed_search_finds_its_examples_again(pets: Path, changed: Path) -> None:
    for path in sorted((changed / "data").rglob("*.png")):
        path.rename(path.with_name(f"z{999 - int(path.stem)}.png"))
    save(changed / "data/cat/new.png", random_image(5))
    run = changed / "run"
    (run / "result.json").unlink()
    (run / "model.safetensors").unlink()

    def resumed() -> None:
        search(
            fabric_of(PICTURES, changed),
            f"folder:{changed / 'data'}",
            ["price=4"],
            out=run,
            recipe=recipe(epochs=2, batch_size=8),
            settings=settings(finetune_epochs=1),
            threads=1,
            mode="resume",
        )

    resumed()
    for name in ("splits.json", "model.safetensors", "architecture.dot"):
        assert (run / name).read_bytes() == (pets / "run" / name).read_bytes(), name
    (run / "result.json").unlink()
    next(iter((changed / "data/dog").iterdir())).unlink()
    assert "1 missing" in refused(resumed)


def test_a_choice_from_a_search_keeps_its_splits(pets: Path, changed: Path) -> None:
    how: dict[str, Any] = {"threads": 1, "device": "cpu"}
    prune_run(pets / "run", ["price=2"], out=changed / "first", **how)
    for path in sorted((changed / "data").rglob("*.png")):
        path.rename(path.with_name(f"z{999 - int(path.stem)}.png"))
    prune_run(changed / "run", ["price=2"], out=changed / "second", **how)
    for name in ("splits.json", "model.safetensors"):
        assert (changed / "first" / name).read_bytes() == (changed / "second" / name).read_bytes(), name
    assert (changed / "first/splits.json").read_bytes() == (pets / "run/splits.json").read_bytes()


def test_a_renamed_class_folder_is_refused_with_both_lists(changed: Path) -> None:
    (changed / "data/cow").rename(changed / "data/zebra")
    result = invoke("evaluate", changed / "run", "--as-new-test")
    assert result.exit_code == 2
    assert "its classes are cat, dog, zebra, but the network's are cat, cow, dog" in result.stderr


def test_a_streamed_folder_is_matched_as_one_in_memory(changed: Path) -> None:
    for path in sorted((changed / "data").rglob("*.png")):
        path.rename(path.with_name(f"z{999 - int(path.stem)}.png"))
    name = f"folder:{changed / 'data'}"
    streamed = evaluate_run(changed / "run", data=f"{name},memory=1,workers=0", threads=1)
    assert streamed.score == evaluate_run(changed / "run", data=name, threads=1).score


def test_a_streamed_folder_of_which_some_is_left_out_is_matched(changed: Path) -> None:
    name = f"folder:{changed / 'data'},train=6"
    first = load_data(name)
    for path in sorted((changed / "data").rglob("*.png")):
        path.rename(path.with_name(f"z{999 - int(path.stem)}.png"))
    recorded = RecordedSplits(first.numbered_rows(), first.splits_record()["digests"])
    found, changes = with_recorded_splits(load_data(f"{name},memory=1,workers=0"), recorded)
    assert changes.whole
    (images, labels), *_ = found.train.batches([torch.arange(6)])
    assert torch.equal(images, first.train.inputs)
    assert torch.equal(labels, first.train.labels)


def test_streamed_images_of_a_class_left_out_keep_their_labels(tmp_path: Path) -> None:
    class_folder(tmp_path, {"ant": 1, **COUNTS})
    name = f"folder:{tmp_path},bad=skip"
    memory, streamed = load_data(name), load_data(f"{name},memory=1,workers=0")
    assert memory.class_names == streamed.class_names == ("cat", "cow", "dog")
    (_, labels), *_ = streamed.evaluation_batches(streamed.test)
    assert labels.tolist() == memory.test.labels.tolist()


def test_streamed_label_maps_are_found_again_and_keep_their_numbers(tmp_path: Path) -> None:
    mask_folder(tmp_path)
    memory, streamed = load_data(f"folder:{tmp_path}"), load_data(f"folder:{tmp_path},memory=1,workers=0")
    record = memory.splits_record()
    assert record == streamed.splits_record()
    reversed_order = {part: record["digests"][part][::-1] for part in PARTS}
    found, changes = with_recorded_splits(streamed, RecordedSplits(memory.numbered_rows(), reversed_order))
    assert changes.whole
    (images, maps), *_ = found.test.batches([torch.arange(len(found.test))])
    assert torch.equal(images, memory.test.inputs.flip(0))
    assert torch.equal(maps, memory.test.labels.flip(0))
    assert torch.equal(found.train.label_counts(3), memory.train.label_counts(3))
    assert "memory=" in refused(lambda: with_classes(streamed, ("2", "1", "0")))


# --- tables and arrays


def flowers(seed: int = 0, count: int = 45) -> list[dict[str, Any]]:
    """Lines of a table: a kind, and three measures that depend on it."""
    values = np.random.default_rng(seed).normal(size=(count, 3)) + 3 * np.eye(3)[np.arange(count) % 3]
    return [
        {"kind": KINDS[number % 3], **dict(zip(FEATURES, map(float, row.round(6)), strict=True))}
        for number, row in enumerate(values)
    ]


def table(path: Path, lines: list[dict[str, Any]], columns: tuple[str, ...] = (*FEATURES, "kind")) -> str:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(lines)
    return f"csv:{path},label=kind" if "kind" in columns else f"csv:{path}"


@pytest.fixture(scope="module")
def garden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table, and beside it the run of a training on it."""
    root = tmp_path_factory.mktemp("garden")
    train(
        fabric_of(TABLE, root),
        table(root / "data.csv", flowers()),
        out=root / "run",
        recipe=recipe(epochs=3),
        threads=1,
    )
    return root


def score_on(root: Path, name: str, **more: Any) -> Any:
    return evaluate_run(root / "run", data=name, threads=1, **more)


def test_the_model_and_the_config_name_the_features(garden: Path) -> None:
    assert read_facts(garden / "run/model.safetensors").features == FEATURES
    assert RunFolder(garden / "run").read_config().data.features == FEATURES
    assert load_data("diabetes").feature_names is not None


@few
@given(lines=st.permutations(range(45)), columns=st.permutations((*FEATURES, "kind")))
def test_lines_and_columns_in_any_order_give_the_same_result(
    garden: Path, tmp_path: Path, lines: list[int], columns: list[str]
) -> None:
    every = flowers()
    name = table(tmp_path / "other.csv", [every[number] for number in lines], tuple(columns))
    found, first = score_on(garden, name), score_on(garden, f"csv:{garden / 'data.csv'}")
    assert found.score == first.score
    assert found.notes == ()


@few
@given(lines=st.permutations(range(45)), more=st.integers(1, 5), seed=st.integers(1, 100))
def test_new_lines_among_the_others_change_nothing(
    garden: Path, tmp_path: Path, lines: list[int], more: int, seed: int
) -> None:
    every = flowers()
    some = [every[number] for number in lines]
    some[seed % 45 : seed % 45] = flowers(seed, more)
    found = score_on(garden, table(tmp_path / "other.csv", some))
    assert found.score == score_on(garden, f"csv:{garden / 'data.csv'}").score
    assert f"{more} example{'s are' if more > 1 else ' is'} new" in found.notes[0]


def test_a_line_that_is_gone_or_has_another_label_is_told(garden: Path, tmp_path: Path) -> None:
    every = flowers()
    tested = RunFolder(garden / "run").read_splits().test[0]
    gone = table(tmp_path / "gone.csv", every[:tested] + every[tested + 1 :])
    said = refused(lambda: score_on(garden, gone))
    assert f"is not the data of {garden / 'run'} (fingerprint " in said
    assert "test: 1 missing" in said
    other = next(kind for kind in KINDS if kind != every[tested]["kind"])
    every[tested]["kind"] = other
    relabelled = table(tmp_path / "relabelled.csv", every)
    assert f"test: 1 changed ({tested})" in refused(lambda: score_on(garden, relabelled))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (("petal", "sepal", "kind"), "(missing: stem)"),
        (("petal", "sepal", "stem", "leaf", "kind"), "(unknown: leaf)"),
        (("petal", "leaf", "stem", "kind"), "(missing: sepal; unknown: leaf)"),
    ],
)
def test_other_features_are_refused_with_both_lists(
    garden: Path, tmp_path: Path, columns: tuple[str, ...], said: str
) -> None:
    name = table(tmp_path / "other.csv", [line | {"leaf": 1.5} for line in flowers()], columns)
    for options in ((), ("--as-new-test",)):
        result = invoke("evaluate", garden / "run", "--data", name, *options)
        assert result.exit_code == 2
        assert said in result.stderr
        assert f"its features are {', '.join(columns[:-1])}, but the network's are petal, sepal, stem" in (
            result.stderr
        )


def test_a_label_that_is_not_last_is_named(garden: Path, tmp_path: Path) -> None:
    columns, path = ("kind", *FEATURES), tmp_path / "other.csv"
    name = table(path, flowers(), columns).removesuffix(",label=kind")
    assert "'iris' in column 'kind' is not a finite number" in refused(lambda: score_on(garden, name))
    table(path, [line | {"kind": KINDS.index(line["kind"])} for line in flowers()], columns)
    said = refused(lambda: score_on(garden, name))
    assert "its features are kind, petal, sepal, but the network's are petal, sepal, stem" in said
    assert "(missing: stem; unknown: kind)" in said
    assert "say which is the label by label=COLUMN" in said


def told_in(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@few
@given(columns=st.permutations(FEATURES))
def test_a_table_without_a_label_is_predicted_line_by_line(
    garden: Path, tmp_path: Path, columns: list[str]
) -> None:
    labelled = f"csv:{garden / 'data.csv'}"
    predict(garden / "run", data=labelled, out=tmp_path / "known", overwrite=True)
    new = table(tmp_path / "new.csv", flowers(), tuple(columns))
    predict(garden / "run", data=new, out=tmp_path / "said", overwrite=True)
    known, said = told_in(tmp_path / "known/predictions.csv"), told_in(tmp_path / "said/predictions.csv")
    assert list(said[0]) == ["line", "predicted", *KINDS]
    assert [row["line"] for row in said] == [str(number) for number in range(2, 47)]
    tested = RunFolder(garden / "run").read_splits().test
    assert len(known) == len(tested)
    for row, number in zip(known, tested, strict=True):
        assert {key: row[key] for key in ("predicted", *KINDS)} == {
            key: said[number][key] for key in ("predicted", *KINDS)
        }


def test_images_have_no_new_test(pets: Path, tmp_path: Path) -> None:
    images = ("--images", pets / "data/cat", "-o", tmp_path / "said")
    result = invoke("predict", pets / "run", *images, "--as-new-test")
    assert (result.exit_code, "--as-new-test is for --data" in result.stderr) == (2, True)
    assert invoke("predict", pets / "run", *images).exit_code == 0
    assert [row["file"] for row in told_in(tmp_path / "said/predictions.csv")][:2] == ["000.png", "001.png"]


@few
@given(rows=st.permutations(range(24)))
def test_arrays_in_any_order_give_the_same_splits(tmp_path: Path, rows: list[int]) -> None:
    generator = np.random.default_rng(3)
    inputs, labels = generator.normal(size=(24, 3)), np.arange(24) % 3
    np.savez(tmp_path / "a.npz", x_train=inputs, y_train=labels)
    np.savez(tmp_path / "b.npz", x_train=inputs[rows], y_train=labels[rows])
    first = load_data(f"npz:{tmp_path / 'a.npz'}")
    recorded = RecordedSplits(first.numbered_rows(), first.splits_record()["digests"])
    found, changes = with_recorded_splits(load_data(f"npz:{tmp_path / 'b.npz'}"), recorded)
    assert (changes.whole, changes.new) == (True, 0)
    assert found.fingerprint() == first.fingerprint()
    assert found.splits_record() == first.splits_record()


def test_examples_that_the_name_leaves_out_are_looked_through_too(tmp_path: Path) -> None:
    generator = np.random.default_rng(3)
    inputs, labels, rows = generator.normal(size=(60, 3)), np.arange(60) % 3, generator.permutation(60)
    np.savez(tmp_path / "a.npz", x_train=inputs, y_train=labels)
    np.savez(tmp_path / "b.npz", x_train=inputs[rows], y_train=labels[rows])
    first, other = (load_data(f"npz:{tmp_path / name}.npz,train=12") for name in "ab")
    assert first.unused is not None
    assert (len(first.train), len(first.unused)) == (12, 26)
    recorded = RecordedSplits(first.numbered_rows(), first.splits_record()["digests"])
    assert other.fingerprint() != first.fingerprint()
    found, changes = with_recorded_splits(other, recorded)
    assert (changes.whole, changes.new) == (True, 0)
    assert found.fingerprint() == first.fingerprint()


# --- classes


def labelled(dataset: Dataset, names: tuple[str, ...]) -> Dataset:
    """`dataset` with its classes numbered in the order of `names`."""
    place = torch.tensor([names.index(name) for name in dataset.class_names])

    def other(split: Split) -> Split:
        return Split(split.inputs, place[split.labels])

    splits = {part: other(split) for part, split in dataset.splits().items()}
    return replace(dataset, class_names=names, **splits)  # type: ignore[arg-type]


@few
@given(names=st.permutations(KINDS))
def test_classes_in_any_order_are_matched_by_name(garden: Path, names: list[str]) -> None:
    data = load_data(f"csv:{garden / 'data.csv'}")
    other = labelled(data, tuple(names))
    assert torch.equal(with_classes(other, KINDS).test.labels, data.test.labels)
    found = evaluate_run(garden / "run", data=other, threads=1)
    assert found.score == evaluate_run(garden / "run", data=data, threads=1).score


def test_some_of_the_classes_are_enough_for_new_test_data(garden: Path, tmp_path: Path) -> None:
    two = [line for line in flowers(9) if line["kind"] != "iris"]
    name = table(tmp_path / "two.csv", two)
    found = evaluate_run(garden / "run", data=name, as_new_test=True, threads=1)
    predict(garden / "run", data=name, as_new_test=True, out=tmp_path / "said")
    rows = told_in(tmp_path / "said/predictions.csv")
    assert {row["true"] for row in rows} == {"rose", "tulip"}
    right = sum(row["true"] == row["predicted"] for row in rows) / len(rows)
    assert found.score.accuracy == pytest.approx(right)


def test_an_unknown_class_is_refused_with_both_lists(garden: Path, tmp_path: Path) -> None:
    name = table(tmp_path / "other.csv", [line | {"kind": f"{line['kind']}s"} for line in flowers()])
    said = refused(lambda: score_on(garden, name, as_new_test=True))
    assert "its classes are irises" not in said
    assert "its classes are iriss, roses, tulips, but the network's are iris, rose, tulip" in said


def several(task: str, names: tuple[str, ...], labels: torch.Tensor) -> Dataset:
    split = Split(torch.zeros(len(labels), 2), labels)
    return replace(stripes(), name="x", class_names=names, mean=(0.0, 0.0), std=(1.0, 1.0), train=split,
                   validation=split, test=split, task=task)  # fmt: skip


def test_columns_of_labels_are_matched_by_name() -> None:
    tags = several("multi-label", ("b", "a"), torch.tensor([[1.0, 0.0], [1.0, 1.0]]))
    assert with_classes(tags, ("a", "b", "c")).test.labels.tolist() == [[0, 1, 0], [1, 1, 0]]
    amounts = several("regression", ("b", "a"), torch.tensor([[1.5, 0.0], [2.5, 1.0]]))
    assert with_classes(amounts, ("a", "b")).test.labels.tolist() == [[0, 1.5], [1, 2.5]]
    said = refused(lambda: with_classes(amounts, ("a", "b", "c")))
    assert "its outputs are b, a, but the network's are a, b, c" in said


def test_label_maps_are_renumbered_but_for_ignored_pixels(tmp_path: Path) -> None:
    mask_folder(tmp_path)
    data = load_data(f"folder:{tmp_path}")
    labels = with_classes(data, ("2", "0", "1")).test.labels
    assert labels.dtype == data.test.labels.dtype
    for before, after in ((0, 1), (1, 2), (2, 0), (255, 255)):
        assert torch.equal(labels == after, data.test.labels == before)


def test_features_take_their_statistics_along(garden: Path) -> None:
    data = load_data(f"csv:{garden / 'data.csv'}")
    other = with_features(data, ("stem", "petal", "sepal"))
    assert torch.equal(other.test.inputs, data.test.inputs[:, [2, 0, 1]])
    assert other.mean == tuple(data.mean[column] for column in (2, 0, 1))
    assert other.std == tuple(data.std[column] for column in (2, 0, 1))
    assert with_features(replace(data, feature_names=None), ("a", "b", "c")).feature_names is None


# --- runs of older versions


@pytest.fixture
def older(garden: Path, tmp_path: Path) -> Path:
    """The run on the table as older versions wrote it."""
    shutil.copytree(garden / "run", tmp_path / "older/run")
    path = tmp_path / "older/run/splits.json"
    record = json.loads(path.read_text())
    del record["digests"]
    path.write_text(json.dumps(record))
    return tmp_path / "older"


def test_a_run_without_hashes_works_on_the_very_same_data_alone(garden: Path, older: Path) -> None:
    data = f"csv:{garden / 'data.csv'}"
    assert score_on(older, data).score == score_on(garden, data).score
    other = table(older / "other.csv", [*flowers(), *flowers(5, 1)])
    assert "give the data as they were, or search again" in refused(lambda: score_on(older, other))
    assert "search again" in refused(lambda: score_on(older, other, as_new_test=True))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"digests": {"train": [], "validation": [], "test": []}}, "not one hash and one file"),
        ({"contents": {"train": [], "validation": [], "test": []}}, "not one hash and one file"),
        ({"digests": {"train": ["xyz"], "validation": [], "test": []}}, "at $.digests.train[0]"),
        ({"digests": 3}, "at $.digests"),
    ],
)
def test_damaged_hashes_are_refused_where_they_are_read(
    older: Path, change: dict[str, Any], said: str
) -> None:
    path = older / "run/splits.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert said in refused(RunFolder(older / "run").read_splits)
