"""Exports in 8 bits: what is quantised, which granularity is kept, what is refused."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import onnx
import pytest
from click.testing import CliRunner, Result
from tiny import DIGITS, no_pictures, written

from bsngraph.cli.main import cli
from bsngraph.errors import BsngraphError, InputError
from bsngraph.exporting import ExportOptions
from bsngraph.exporting.onnx import int8
from bsngraph.exporting.onnx.int8 import points_lost, quantise
from bsngraph.exporting.onnx.int8_record import int8_of
from bsngraph.exporting.onnx.writing import write_onnx
from bsngraph.exporting.package import ExportPackage, pack
from bsngraph.tasks import TASKS

FAST = ("--data", "digits", "--epochs", 2, "--batch-size", 64, "--finetune-epochs", 0, "--candidates", 2)
FAST += ("--finalists", 0, "--threads", 1, "--budget", "macs=100%")


def invoke(*arguments: Any) -> Result:
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two searches, `classes` and `amounts`, and their exports in 8 bits."""
    folder = tmp_path_factory.mktemp("runs")
    fabric = written(DIGITS, folder)
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        for name, more in (("classes", ()), ("amounts", ("--task", "regression", "--set", "classes=1"))):
            assert invoke("search", fabric, *FAST, *more, "--out", folder / name).exit_code == 0
            words = ("--format", "onnx", "--int8", "--int8-loss", 50, "-o", folder / f"{name}8")
            result = invoke("export", folder / name, *words)
            assert result.exit_code == 0, result.output
            assert "8 bits, one scale per " in result.stdout
    return folder


@pytest.fixture(scope="module")
def floats(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[ExportPackage, bytes]:
    """What the network of `classes` is exported from, and its model in float."""
    package, folder = pack(runs / "classes"), tmp_path_factory.mktemp("float")
    write_onnx(package, folder, ExportOptions())
    return package, (folder / "model.onnx").read_bytes()


def record_of(folder: Path) -> Any:
    return json.loads((folder / "export.json").read_text(encoding="utf-8"))


def test_the_network_is_in_8_bits_and_what_is_around_it_in_float(runs: Path) -> None:
    graph = onnx.load(runs / "classes8" / "model.onnx").graph
    makers = {output: node for node in graph.node for output in node.output}
    for node in graph.node:
        if node.op_type in ("Conv", "Gemm"):
            assert {makers[name].op_type for name in node.input} == {"DequantizeLinear"}, node.name
    zeros = {tensor.name: tensor.data_type for tensor in graph.initializer}
    activations = [zeros[node.input[2]] for node in graph.node if node.op_type == "QuantizeLinear"]
    assert set(activations) == {onnx.TensorProto.UINT8}, "signed ones keep onnxruntime from its fast kernels"
    (softmax,) = (node for node in graph.node if node.op_type == "Softmax")
    assert makers[softmax.input[0]].op_type == "Gemm"
    assert [output.name for output in graph.output] == ["probabilities", "class"]
    kinds = {
        tensor.name: tensor.data_type for tensor in graph.initializer if tensor.name.endswith("_quantized")
    }
    weights = [kind for name, kind in kinds.items() if ".weight" in name]
    assert set(weights) == {onnx.TensorProto.INT8}
    assert len(weights) >= 2


def test_amounts_are_made_of_outputs_in_float(runs: Path) -> None:
    graph = onnx.load(runs / "amounts8" / "model.onnx").graph
    makers = {output: node for node in graph.node for output in node.output}
    (times,) = (node for node in graph.node if "label_std" in node.input)
    (plus,) = (node for node in graph.node if "label_mean" in node.input)
    assert makers["amounts"] is plus
    assert "QuantizeLinear" not in {makers[name].op_type for name in times.input if name in makers}


@pytest.mark.parametrize("name", ["classes", "amounts"])
def test_the_proof_says_what_was_tried_and_is_repeated(runs: Path, name: str) -> None:
    record = record_of(runs / f"{name}8")
    kept = record["int8"]
    assert set(kept["after"]) == {"per tensor", "per channel"}
    assert kept["calibrated_on"] == 512
    metric = TASKS[record["task"]].headline
    lost = {each: points_lost(metric, kept["before"], after) for each, after in kept["after"].items()}
    assert lost[kept["granularity"]] == min(lost.values())
    assert record["costs"]["macs"]["exported"] == record["costs"]["macs"]["run"]
    verified = invoke("verify", runs / f"{name}8", "--format", "json")
    assert verified.exit_code == 0, verified.output


def metrics(monkeypatch: pytest.MonkeyPatch, **found: float) -> None:
    """Stand in for measuring a file on validation data."""
    monkeypatch.setattr(int8, "_metric", lambda package, path, metric: found[path.stem.replace(" ", "_")])


@pytest.mark.parametrize(
    ("tensor", "channel", "kept"),
    [(0.90, 0.91, "per channel"), (0.91, 0.90, "per tensor"), (0.9, 0.9, "per tensor")],
)
def test_the_better_granularity_is_kept(
    floats: tuple[ExportPackage, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tensor: float,
    channel: float,
    kept: str,
) -> None:
    metrics(monkeypatch, model=0.905, per_tensor=tensor, per_channel=channel)
    package, model = floats
    (tmp_path / "model.onnx").write_bytes(model)
    quantise(package, tmp_path / "model.onnx", 1.0)
    found = onnx.load(tmp_path / "model.onnx")
    said = int8_of({each.key: each.value for each in found.metadata_props}, "model.onnx")
    assert said is not None
    assert (said.granularity, said.before) == (kept, 0.905)
    assert said.after == {"per tensor": tensor, "per channel": channel}
    by_channel = [
        scale
        for scale in found.graph.initializer
        if scale.name.endswith("conv.weight_scale") and len(scale.dims) == 1
    ]
    assert bool(by_channel) == (kept == "per channel")


def test_what_loses_too_much_is_refused_with_the_figures_and_leaves_nothing(
    runs: Path, floats: tuple[ExportPackage, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics(monkeypatch, model=0.95, per_tensor=0.7, per_channel=0.93)
    result = invoke("export", runs / "classes", "--format", "onnx", "--int8", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert (
        "in 8 bits the network loses more than 1 point of accuracy 95.00 % on validation data: per tensor "
        "70.00 %, per channel 93.00 %; leave out --int8, or allow more by --int8-loss"
    ) in result.stderr
    assert not list(tmp_path.iterdir())
    package, model = floats
    (tmp_path / "model.onnx").write_bytes(model)
    quantise(package, tmp_path / "model.onnx", 2.5)
    metrics(monkeypatch, model=0.95, per_tensor=math.nan, per_channel=math.nan)
    (tmp_path / "model.onnx").write_bytes(model)
    with pytest.raises(BsngraphError, match="loses more than 99 points"):
        quantise(package, tmp_path / "model.onnx", 99.0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--format", "torch-export", "--int8"), "--int8 is for --format onnx, not for torch-export"),
        (("--format", "onnx", "--int8-loss", "2"), "give --int8 too"),
        (("--format", "onnx", "--int8", "--int8-loss", "-1"), "--int8-loss -1 must be a number of points"),
        (("--format", "onnx", "--int8", "--int8-loss", "nan"), "--int8-loss nan must be a number of points"),
    ],
)
def test_options_that_mean_nothing_are_refused(runs: Path, tmp_path: Path, words: Any, said: str) -> None:
    result = invoke("export", runs / "classes", *words, "-o", tmp_path / "out")
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_points_are_per_cents_of_a_share_and_of_an_error_of_itself() -> None:
    accuracy, rmse = TASKS["classification"].headline, TASKS["regression"].headline
    assert points_lost(accuracy, 0.95, 0.93) == pytest.approx(2)
    assert points_lost(accuracy, 0.93, 0.95) == pytest.approx(-2)
    assert points_lost(rmse, 50.0, 51.0) == pytest.approx(2)
    assert points_lost(rmse, 50.0, 49.0) == pytest.approx(-2)


def test_metadata_that_are_damaged_are_said() -> None:
    assert int8_of({}, "model.onnx") is None
    with pytest.raises(InputError, match=r"model\.onnx, \$\.int8: .* at \$\.granularity"):
        int8_of({"int8": '{"granularity": "per cent"}'}, "model.onnx")
    with pytest.raises(InputError, match="from 0 on"):
        ExportOptions(int8=True, int8_loss=float("inf"))
