"""`predict --images`: the photographs that a run was made from give what its data give,
outputs bear the whole names of their inputs, and no file is lost.
"""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from image_folders import class_folder, mask_folder, random_image, save
from PIL import Image
from tiny import fabric_of, no_pictures, recipe

from bsngraph.cli.main import cli
from bsngraph.data import Dataset, load_data
from bsngraph.data.data_sources import picture_resizer
from bsngraph.data.sources import idx_files
from bsngraph.delivered import predict, read_facts
from bsngraph.errors import InputError
from bsngraph.runs import RunFolder
from bsngraph.searching import train

PETS = """\
digraph pets {
  graph [source=image, target=scores];
  image [input="1x6x8"];
  image -> a [op=conv, channels=4, stride=2];
  a -> scores [op=classifier, classes=2, fixed=true];
}
"""
PAINTER = """\
digraph painter {
  graph [source=image, target=scores];
  image [input="3x6x8"];
  image -> scores [op=conv, channels=3, kernel=1, norm=none, fixed=true];
}
"""


@pytest.fixture(scope="module", autouse=True)
def _no_pictures() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        yield


def invoke(*arguments: Any) -> Result:
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


def refused(*arguments: Any) -> str:
    result = invoke(*arguments)
    assert result.exit_code == 2, result.output
    return result.stderr


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "predictions.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def trained(text: str, data: str | Dataset, folder: Path) -> Path:
    train(fabric_of(text, folder), data, out=folder / "run", recipe=recipe(epochs=1), threads=1)
    return folder / "run"


def photographs(root: Path) -> Path:
    """24 dark photographs of two classes, grey and in colour, of any size; some are
    turned by EXIF, some are JPEGs with previews.
    """
    for number in range(24):
        kind = ("cat", "dog")[number % 2]
        (root / kind).mkdir(parents=True, exist_ok=True)
        pixels = random_image(number, 9 + number % 5, 12 + number % 3) // (2 + number % 2)
        image = Image.fromarray(pixels if number % 4 else pixels[:, :, 0])
        if number % 3 == 0:
            exif = image.getexif()
            exif[0x0112] = 1 + number % 8
            image.save(root / kind / f"{number:02}.png", exif=exif)
        elif number % 3 == 1:
            image.save(root / kind / f"{number:02}.jpg")
        else:
            more = image.convert("RGB").resize((3, 3))
            image.convert("RGB").save(
                root / kind / f"{number:02}.jpeg", format="MPO", save_all=True, append_images=[more]
            )
    return root


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs, and beside them the run of a training on them."""
    root = tmp_path_factory.mktemp("pets")
    trained(PETS, f"folder:{photographs(root / 'data')},size=6x8,channels=1", root)
    return root


@pytest.fixture(scope="module")
def painter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images with masks, and the run of a training on them."""
    root = tmp_path_factory.mktemp("painter")
    trained(PAINTER, f"folder:{mask_folder(root / 'data')},size=6x8", root)
    return root


# --- the loader's own rule


def test_the_photographs_of_a_run_give_what_its_data_give(pets: Path, tmp_path: Path) -> None:
    name = f"folder:{pets / 'data'},size=6x8,channels=1"
    predict(pets / "run", data=name, out=tmp_path / "data", threads=1)
    said = invoke("predict", pets / "run", "--images", pets / "data", "-o", tmp_path / "images")
    assert said.exit_code == 0, said.output
    files = RunFolder(pets / "run").read_splits().files
    assert files is not None
    of_images = {row["file"]: row for row in table(tmp_path / "images")}
    assert len(of_images) == 24
    assert list(of_images) == sorted(of_images)
    for file, row in zip(files.test, table(tmp_path / "data"), strict=True):
        for column in ("predicted", "cat", "dog"):
            assert of_images[file][column] == row[column], file


def test_white_is_255_for_dark_photographs(pets: Path) -> None:
    assert int(load_data(f"folder:{pets / 'data'},size=6x8,channels=1").train.inputs.max()) <= 127
    assert read_facts(pets / "run/model.safetensors").white == 255


def test_a_folder_that_does_not_fit_into_memory_gives_the_same(
    pets: Path, painter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for root in (pets, painter):
        for kind in ("memory", "streamed"):
            if kind == "streamed":
                monkeypatch.setattr("bsngraph.data.reading.survey.MEMORY", 1)
            monkeypatch.setattr("bsngraph.data.reading.survey.os.cpu_count", lambda: 1)
            predict(root / "run", images=root / "data", out=tmp_path / root.name / kind, limit=5, threads=1)
        monkeypatch.undo()
        first, second = (
            sorted((tmp_path / root.name / kind).rglob("*.*")) for kind in ("memory", "streamed")
        )
        assert len(first) == len(second) == (1 if root is pets else 10)
        for one, other in zip(first, second, strict=True):
            assert one.read_bytes() == other.read_bytes()


def test_images_of_a_run_without_a_size_must_have_the_networks(tmp_path: Path) -> None:
    class_folder(tmp_path / "data", {"cat": 4, "dog": 4})
    run = trained(PETS.replace("1x6x8", "3x6x5"), f"folder:{tmp_path / 'data'}", tmp_path)
    save(tmp_path / "new/good.png", random_image(1))
    save(tmp_path / "new/sub/other.png", random_image(1, 7, 9))
    for more in ((), ("--skip-bad",)):
        said = refused("predict", run, "--images", tmp_path / "new", "-o", tmp_path / "out", *more)
        assert "sub/other.png: has 7x9 pixels (height x width), but the network takes 6x5: resize it" in said
    assert not (tmp_path / "out").exists()


def test_images_for_a_run_on_block_means_are_averaged_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resize = picture_resizer(f"mnist:{tmp_path},size=14")
    assert resize is not None
    pixels = random_image(1, 28, 28, 1)[None]
    means = pixels.reshape(1, 14, 2, 14, 2).astype(float).mean(axis=(2, 4))
    assert np.array_equal(resize(pixels), np.floor(means + 0.5).astype(np.uint8))
    assert np.array_equal(resize(resize(pixels)), resize(pixels))
    with pytest.raises(InputError, match="size=14x14 must divide 27x28"):
        resize(pixels[:, 1:])
    assert picture_resizer("digits") is picture_resizer("code:a.py:f") is picture_resizer("stripes") is None
    assert idx_files.FASHION_CLASSES  # the kind that this is about


# --- bad files


def test_skip_bad_leaves_out_what_cannot_be_used_and_says_so(pets: Path, tmp_path: Path) -> None:
    images = photographs(tmp_path / "images")
    (images / "cat/torn.png").write_bytes(b"\x89PNG\r\n\x1a\n torn")
    os.mkfifo(images / "pipe.png")
    (images / "zero.png").symlink_to("/dev/zero")
    (images / "gone.png").symlink_to("nowhere")
    (images / "notes.txt").write_text("left alone")
    os.rename(save(images / "x.png", random_image(1)), os.path.join(os.fsencode(images), b"\xff.png"))
    said = refused("predict", pets / "run", "--images", images, "-o", tmp_path / "out")
    assert "5 of 29 examples cannot be used (--skip-bad leaves them out)" in said
    assert not (tmp_path / "out").exists()
    how = ("--images", images, "-o", tmp_path / "out", "--skip-bad", "--format", "json")
    result = invoke("predict", pets / "run", *how)
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    assert (facts["count"], len(facts["skipped"])) == (24, 5)
    assert "5 of 29 examples skipped" in result.stderr
    for name in ("cat/torn.png", "pipe.png", "zero.png", "gone.png", "\\xff.png"):
        assert any(name in reason for reason in facts["skipped"]), name
    assert len(table(tmp_path / "out")) == 24


def test_skip_bad_does_not_accept_a_folder_of_other_things(pets: Path, tmp_path: Path) -> None:
    images = class_folder(tmp_path / "images", {"cat": 3})
    for number in range(4):
        (images / f"{number}.png").write_bytes(b"")
    said = refused("predict", pets / "run", "--images", images, "-o", tmp_path / "out", "--skip-bad")
    assert "only 3 of 7 examples can be used" in said


def test_skip_bad_leaves_out_lines_of_a_table_without_labels(tmp_path: Path) -> None:
    lines = [f"{number},{number % 5},{'ab'[number % 2]}" for number in range(20)]
    (tmp_path / "t.csv").write_text("\n".join(["x,y,kind", *lines]))
    text = PETS.replace('"1x6x8"', '"2"').replace("conv, channels=4, stride=2", "linear, features=3")
    run = trained(text, f"csv:{tmp_path / 't.csv'}", tmp_path)
    (tmp_path / "new.csv").write_text("y,x\n1,2\noops,3\n3,4\n")
    how = ("--data", f"csv:{tmp_path / 'new.csv'}", "-o", tmp_path / "out")
    assert "line 3: 'oops' in column 'y' is not a finite number" in refused("predict", run, *how)
    result = invoke("predict", run, *how, "--skip-bad")
    assert result.exit_code == 0, result.output
    assert "1 of 3 lines skipped" in result.stderr
    assert [row["line"] for row in table(tmp_path / "out")] == ["2", "4"]


# --- names


def test_outputs_bear_the_whole_names_of_their_inputs(painter: Path, tmp_path: Path) -> None:
    names = ["a.bmp", "a.png", "b.png", "deep/er/a.png", "deep/a.png"]
    for number, name in enumerate(names):
        save(tmp_path / "images" / name, random_image(number, 6, 8))
    save(tmp_path / "images/.hidden/a.png", random_image(1))
    found = predict(painter / "run", images=tmp_path / "images", out=tmp_path / "out", threads=1)
    expected = [f"{name}-{kind}.png" for name in names for kind in ("classes", "overlay")]
    assert sorted(str(file.relative_to(tmp_path / "out")) for file in found.files) == sorted(expected)
    assert found.count == 5
    for name in names:
        save(tmp_path / "alone/x.png", np.asarray(Image.open(tmp_path / "images" / name)))
        predict(painter / "run", images=tmp_path / "alone", out=tmp_path / "one", overwrite=True, threads=1)
        for kind in ("classes", "overlay"):
            alone = (tmp_path / f"one/x.png-{kind}.png").read_bytes()
            assert (tmp_path / f"out/{name}-{kind}.png").read_bytes() == alone


def test_masks_beside_images_are_not_predicted(painter: Path, tmp_path: Path) -> None:
    found = predict(painter / "run", images=painter / "data", out=tmp_path / "out", threads=1)
    assert found.count == 10
    assert all(file.parent == tmp_path / "out/images" for file in found.files)


def test_links_that_lead_back_are_followed_once(pets: Path, tmp_path: Path) -> None:
    class_folder(tmp_path / "images/sub", {"cat": 2})
    (tmp_path / "images/sub/up").symlink_to(tmp_path / "images")
    found = predict(pets / "run", images=tmp_path / "images", out=tmp_path / "out", threads=1)
    assert found.count == 2
    class_folder(tmp_path / "elsewhere", {"dog": 3})
    (tmp_path / "images/dogs").symlink_to(tmp_path / "elsewhere/dog")
    found = predict(pets / "run", images=tmp_path / "images", out=tmp_path / "out2", threads=1)
    assert found.count == 5


# --- the user's files


def test_no_file_is_replaced_unless_it_is_said(pets: Path, painter: Path, tmp_path: Path) -> None:
    images = tmp_path / "images"
    save(images / "a.png", random_image(1, 6, 8))
    for root, name in ((pets, "predictions.csv"), (painter, "a.png-overlay.png")):
        out = tmp_path / root.name
        out.mkdir()
        (out / name).write_text("mine")
        (out / "other.txt").write_text("mine")
        how = ("predict", root / "run", "--images", images, "-o", out)
        assert f"{out / name} is there already: give another --out, or replace it by --overwrite" in refused(
            *how
        )
        assert sorted(path.name for path in out.iterdir()) == sorted([name, "other.txt"])
        assert (out / name).read_text() == "mine"
        assert invoke(*how, "--overwrite").exit_code == 0
        assert (out / name).read_bytes() != b"mine"
        assert (out / "other.txt").read_text() == "mine"
        assert "is there already" in refused(*how)


def test_a_name_that_is_too_long_for_its_outputs_is_told_before_anything_is_written(
    painter: Path, tmp_path: Path
) -> None:
    save(tmp_path / "images/a.png", random_image(1, 6, 8))
    save(tmp_path / f"images/{'b' * 240}.png", random_image(1, 6, 8))
    said = refused("predict", painter / "run", "--images", tmp_path / "images", "-o", tmp_path / "out")
    assert "cannot be written (File name too long)" in said
    assert not (tmp_path / "out").exists()


def test_a_table_in_the_home_folder_is_not_replaced(
    pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "predictions.csv").write_text("a,b\n1,2\n")
    said = refused("predict", pets / "run", "--data", "csv:~/predictions.csv", "-o", tmp_path, "--overwrite")
    assert "holds the data that are predicted: give another --out" in said
