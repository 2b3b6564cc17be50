"""`bsngraph data`: the list, one data set, exit codes, and that facts alone go to
standard output.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from image_folders import class_folder, mask_folder

from bsngraph.cli.main import cli
from bsngraph.data import DATA_SOURCES


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["data", *arguments])


def facts(*arguments: str) -> Any:
    result = run(*arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_list_says_of_every_source_what_it_is_its_size_licence_origin_and_whether_it_is_here() -> None:
    listed = facts()["data"]
    assert [row["name"] for row in listed] == list(DATA_SOURCES)
    for row in listed:
        assert set(row) == {"name", "argument", "summary", "size", "licence", "origin", "here", "options"}
        assert all(row[key] for key in ("summary", "size", "licence", "origin"))
    rows = {row["name"]: row for row in listed}
    assert rows["digits"]["here"] is True
    assert rows["mnist"]["here"] is None
    assert rows["fashion-mnist"]["here"] is Path("/usr/share/datasets/fashion-mnist").is_dir()
    text = run().stdout
    for name, row in rows.items():
        assert f"\n{name}" in f"\n{text}"
        assert row["licence"] in text
    assert "fashion-mnist[:DIR]: clothes" in text
    assert "mnist:DIR: handwritten digits, 28x28 grey, 10 classes (IDX files)  [give its DIR]" in text


def test_one_data_set_is_shown_with_shapes_counts_and_statistics() -> None:
    shown = facts("digits")
    assert shown["task"] == "classification"
    assert shown["input_shape"] == [1, 8, 8]
    assert shown["type"] == "uint8"
    assert shown["in_memory"] is True
    assert shown["augmentation"] == "shift=1"
    assert {part: split["examples"] for part, split in shown["splits"].items()} == {
        "train": 1150,
        "validation": 287,
        "test": 360,
    }
    assert sum(shown["splits"]["train"]["counts"].values()) == 1150
    text = run("digits").stdout
    assert text.startswith(
        "digits: classification, 1x8x8 uint8; 1,150 train, 287 validation, 360 test\nmean 4.88; deviation "
        "6.013;"
    )
    assert "116" in text


def test_every_task_is_shown(tmp_path: Path) -> None:
    outputs = facts("diabetes")["splits"]["train"]["outputs"]
    assert set(outputs) == {"progression"}
    assert "progression" in run("diabetes").stdout
    pixels = facts(f"folder:{mask_folder(tmp_path)}")
    assert pixels["ignore_label"] == 255
    assert sum(pixels["splits"]["test"]["counts"].values()) == 2 * (6 * 5 - 1)
    assert "pixels labelled 255 count nowhere" in run(f"folder:{tmp_path}").stdout
    labels = np.eye(4, dtype=int)[np.arange(40) % 4]
    np.savez(tmp_path / "a.npz", x_train=np.random.default_rng(0).random((40, 6)), y_train=labels)
    several = facts(f"npz:{tmp_path / 'a.npz'}")
    assert several["task"] == "multi-label"
    assert sum(sum(split["counts"].values()) for split in several["splits"].values()) == 40
    assert "6 channels" in run(f"npz:{tmp_path / 'a.npz'}").stdout


def test_many_classes_are_shown_in_part(tmp_path: Path) -> None:
    class_folder(tmp_path, {f"c{number:03}": 3 for number in range(45)})
    assert "… and 5 more" in run(f"folder:{tmp_path}").stdout
    assert len(facts(f"folder:{tmp_path}")["splits"]["train"]["counts"]) == 45


def test_streamed_data_are_shown_as_such(tmp_path: Path) -> None:
    name = f"folder:{class_folder(tmp_path, {'cat': 6, 'dog': 6})},memory=1kB,workers=0"
    assert facts(name)["in_memory"] is False
    assert "read while it is used" in run(name).stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["digitz"], "Error: there is no data set 'digitz': did you mean 'digits'?"),
        (["cifar10:/nowhere"], "Error: there is no data_batch_1.bin in /nowhere: get cifar-10-binary.tar.gz"),
        (["digits", "--data-code", "x.py:f"], "Error: NAME and --data-code exclude each other"),
        (["--data-code", "nowhere.py:f"], "Error: nowhere.py: cannot be read"),
    ],
)
def test_mistakes_end_with_a_message_and_2(arguments: list[str], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not result.stdout
    assert "Traceback" not in result.output


def test_bad_images_are_an_error_or_a_warning_on_standard_error(tmp_path: Path) -> None:
    class_folder(tmp_path, {"cat": 5, "dog": 5})
    (tmp_path / "dog/001.png").write_bytes(b"x")
    refused = run(f"folder:{tmp_path}")
    assert refused.exit_code == 2
    assert "dog/001.png: cannot be read as an image" in refused.stderr
    result = run(f"folder:{tmp_path}", "--skip-bad", "--format", "json")
    assert result.exit_code == 0
    assert "1 of 10 examples skipped" in result.stderr
    assert len(json.loads(result.stdout)["skipped"]) == 1


def test_code_named_on_the_command_line_gives_data(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "def data():\n    return {'x_train': [[float(n)] for n in range(20)], 'y_train': [n % 2 for n in "
        "range(20)]}\n"
    )
    shown = facts("--data-code", f"{tmp_path / 'mine.py'}:data")
    assert shown["input_shape"] == [1]
    assert shown["name"] == f"code:{tmp_path / 'mine.py'}:data"


def test_help_does_not_import_torch() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from bsngraph.cli.main import cli; cli(['data', '--help'], "
        "standalone_mode=False); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_slow_reading_is_announced_after_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    from bsngraph.data.request import announced

    monkeypatch.setattr("bsngraph.data.request._ANNOUNCED_SECONDS", 0.01)
    told: list[str] = []
    import time

    with announced("reading", told.append):
        while not told:
            time.sleep(0.005)
    with announced("quick", told.append):
        pass
    time.sleep(0.03)
    assert told == ["reading"]
