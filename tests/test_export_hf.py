"""Exports as a folder for the Hugging Face Hub: `from_pretrained` of huggingface_hub
reads it, offline and where bsngraph is not.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
import torch
import yaml
from huggingface_hub import ModelCard
from packed import TASK_FABRICS
from test_export_python import (
    HOSTILE,
    TOLERANCE,
    assert_all_read_well,
    assert_engine,
    module_of,
    packed_with_scores,
    raw_batch,
    run_without_name,
)
from tiny import fabric_of
from torch import nn

from bsngraph.errors import InputError
from bsngraph.exporting import ExportOptions, export
from bsngraph.exporting.hugging_face.front_matter import front_matter
from bsngraph.exporting.hugging_face.running import load_hub_folder
from bsngraph.exporting.hugging_face.writing import write_hub_folder
from bsngraph.exporting.package import ExportPackage, pack


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> ExportPackage:
    return pack(run_without_name(tmp_path_factory.mktemp("runs")))


def in_folder(package: ExportPackage, folder: Path) -> Path:
    folder.mkdir()
    write_hub_folder(package, folder, ExportOptions())
    return folder


def class_of(folder: Path) -> type[nn.Module]:
    """The class in a folder's model.py, by the name that its config.json gives."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    module = module_of("model", (folder / "model.py").read_text(encoding="utf-8"))
    found: type[nn.Module] = getattr(module, config["architectures"][0])
    return found


@pytest.mark.parametrize("name", TASK_FABRICS)
def test_from_pretrained_gives_the_run_s_network(
    name: str, template: ExportPackage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, task = TASK_FABRICS[name]
    package = packed_with_scores(fabric_of(text, tmp_path), task, template)
    folder = in_folder(package, tmp_path / "out")
    assert_all_read_well(folder)
    model = class_of(folder).from_pretrained(folder, strict=True)  # type: ignore[attr-defined]
    values = raw_batch(package.network, 3)
    with torch.no_grad():
        found, expected = model(values), package.reference(values)
    assert list(found) == list(expected)
    for name, value in expected.items():
        largest = float(value.double().abs().max())
        assert float((found[name].double() - value.double()).abs().max()) <= TOLERANCE * largest
    for trusted in (True, False):
        assert_engine(load_hub_folder(folder, package, trusted), package)


def test_what_from_pretrained_gives_is_saved_and_read_again(template: ExportPackage, tmp_path: Path) -> None:
    folder = in_folder(template, tmp_path / "out")
    kind = class_of(folder)
    kind.from_pretrained(folder, strict=True).save_pretrained(tmp_path / "again")  # type: ignore[attr-defined]
    (again, first) = (
        kind.from_pretrained(path, strict=True)  # type: ignore[attr-defined]
        for path in (tmp_path / "again", folder)
    )
    assert all(torch.equal(again.state_dict()[name], value) for name, value in first.state_dict().items())


def test_the_card_is_one_that_the_hub_reads(template: ExportPackage, tmp_path: Path) -> None:
    data = ModelCard.load(in_folder(template, tmp_path / "out") / "README.md").data
    assert (data.library_name, data.pipeline_tag, data.license) == (
        "pytorch",
        "image-classification",
        "other",
    )
    assert data.tags == ["bsngraph", "model_hub_mixin", "pytorch_model_hub_mixin"]
    (result,) = data.eval_results
    assert (result.dataset_name, result.metric_type) == ("digits", "accuracy")
    assert result.metric_value == template.result.metrics.test["accuracy"]


def test_config_says_what_goes_in_and_what_comes_out(template: ExportPackage, tmp_path: Path) -> None:
    folder = in_folder(template, tmp_path / "out")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert config["task"] == "classification"
    assert config["id2label"] == {str(number): str(number) for number in range(10)}
    assert config["inputs"] == [{"name": "image", "shape": [1, 8, 8], "dtype": "uint8", "layout": "NCHW"}]
    assert [each["name"] for each in config["outputs"]] == ["probabilities", "class"]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_text_to_yaml(name: str, template: ExportPackage) -> None:
    data = msgspec.structs.replace(template.config.data, name=name)
    config = msgspec.structs.replace(template.config, data=data)
    matter = front_matter(replace(template, name=name, config=config))
    begin, said, end = matter.split("---\n")[0], matter[4 : matter.rindex("---\n")], matter[-5:]
    assert (begin, end) == ("", "---\n\n")
    (index,) = yaml.safe_load(said)["model-index"]
    shown = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in name)
    assert (index["name"], index["results"][0]["dataset"]["name"]) == (shown, shown)


def test_the_code_of_a_stranger_s_folder_is_not_executed(template: ExportPackage, tmp_path: Path) -> None:
    folder, trace = in_folder(template, tmp_path / "out"), tmp_path / "trace"
    path = folder / "model.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text}\nopen({str(trace)!r}, 'w').close()\n", encoding="utf-8")
    with pytest.raises(
        InputError, match=r"model\.py: is not what this version of bsngraph writes for its run"
    ):
        load_hub_folder(folder, template, trusted=False)
    assert not trace.exists()
    assert_engine(load_hub_folder(folder, template, trusted=True), template)
    assert trace.exists()


def test_the_folder_is_read_offline_where_bsngraph_is_not(template: ExportPackage, tmp_path: Path) -> None:
    folder = export(template.run.path, "hf", tmp_path / "out").folder
    code = (
        "import pathlib, sys\n"
        f"sys.path[:0] = [{str(folder)!r}]\n"
        "sys.path[:] = [path for path in sys.path if not (pathlib.Path(path) / 'bsngraph').exists()]\n"
        "sys.modules['bsngraph'] = None\n"
        f"exec(open({str(folder / 'example.py')!r}).read())\n"
    )
    found = subprocess.run(
        [sys.executable, "-I", "-c", code],
        check=True,
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    assert len([line for line in found.stdout.splitlines() if line.endswith("%")]) == 4
