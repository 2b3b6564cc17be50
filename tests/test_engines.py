"""Exported folders in the place of runs: `evaluate` and `predict` give what they give
of the run, whatever engine answers.
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
from click.testing import CliRunner, Result
from tiny import DIGITS, no_pictures, written

from bsngraph.cli.main import cli
from bsngraph.delivered.answering import answering_of_net, score_of_answers
from bsngraph.errors import InputError
from bsngraph.exporting.asking.engine_answers import answering_of_engine
from bsngraph.exporting.engine import TorchEngine
from bsngraph.exporting.package import ExportPackage, pack
from bsngraph.training import evaluate_net

FAST = ("--data", "digits", "--epochs", 2, "--batch-size", 64, "--finetune-epochs", 0, "--candidates", 2)
FAST += ("--finalists", 0, "--threads", 1, "--budget", "macs=100%")

#: A second target, which the loss counts as well.
TWO_TARGETS = DIGITS.replace("target=scores", 'target="scores,more"').replace(
    "  b -> scores",
    '  a -> more [op=classifier, classes="$classes", fixed=true, cost_energy=1];\n  b -> scores',
)


def invoke(*arguments: Any) -> Result:
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def succeeded(*arguments: Any) -> Result:
    result = invoke(*arguments)
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs, and folders of the first: in ONNX, and a program of torch."""
    folder = tmp_path_factory.mktemp("runs")
    tiny, two = written(DIGITS, folder), written(TWO_TARGETS, folder, "two.dot")
    amounts = ("--task", "regression", "--set", "classes=1")
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        for name, fabric, more in (("run", tiny, ()), ("amounts", tiny, amounts), ("two", two, ())):
            succeeded("search", fabric, *FAST, *more, "--out", folder / name)
    for name, words in (("onnx", ()), ("torch-export", ("--logits",))):
        succeeded("export", folder / "run", "--format", name, *words, "-o", folder / name)
    return folder


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "predictions.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("folder", "words"), [("onnx", ()), ("onnx", ("--engine", "torch")), ("torch-export", ("--trust",))]
)
def test_an_exported_folder_is_measured_as_its_run(runs: Path, folder: str, words: Any) -> None:
    of_run = json.loads(succeeded("evaluate", runs / "run", "--format", "json").stdout)
    found = json.loads(succeeded("evaluate", runs / folder, *words, "--format", "json").stdout)
    assert found["metrics"]["test"].pop("loss") == pytest.approx(
        of_run["metrics"]["test"].pop("loss"), abs=1e-5
    )
    assert found == of_run
    shown = succeeded("evaluate", runs / folder, *words).stdout
    assert shown == succeeded("evaluate", runs / "run").stdout


@pytest.mark.parametrize(("folder", "words"), [("onnx", ("--threads", 1)), ("torch-export", ("--trust",))])
def test_an_exported_folder_answers_as_its_run(runs: Path, tmp_path: Path, folder: str, words: Any) -> None:
    succeeded("predict", runs / "run", "--data", "digits", "--limit", 300, "-o", tmp_path / "run")
    succeeded("predict", runs / folder, "--data", "digits", "--limit", 300, *words, "-o", tmp_path / "export")
    wanted, found = table(tmp_path / "run"), table(tmp_path / "export")
    assert len(found) == 300
    for one, other in zip(wanted, found, strict=True):
        for name in ("example", "true", "predicted"):
            assert one.pop(name) == other.pop(name)
        assert [float(each) for each in other.values()] == pytest.approx(
            [float(each) for each in one.values()], abs=1e-5
        )


def test_a_folder_needs_no_run_beside_it_and_takes_new_test_data(runs: Path, tmp_path: Path) -> None:
    (runs / "onnx").rename(tmp_path / "elsewhere")
    try:
        result = succeeded("evaluate", tmp_path / "elsewhere", "--data", "digits", "--as-new-test")
        assert "its test split is taken as new test data" in result.stderr
    finally:
        (tmp_path / "elsewhere").rename(runs / "onnx")


def package_and_scores(run: Path) -> tuple[ExportPackage, Any, Any]:
    """A run's package, what `evaluate_net` says of it, and what its engine's answers
    are worth.
    """
    package = pack(run)
    dataset, net = package.dataset, package.delivered.net
    assert dataset is not None
    task = package.facts.bound_task(torch.device("cpu"))
    wanted = evaluate_net(net, dataset, dataset.test, np.ones(len(net.fabric.edges), dtype=np.bool_), task)
    engine = TorchEngine(package.network, package.network.inputs)
    return (
        package,
        wanted,
        score_of_answers(answering_of_engine(engine, package, dataset), dataset.test, task),
    )


@pytest.mark.parametrize("name", ["amounts", "two"])
def test_losses_and_metrics_are_the_same_of_amounts_and_of_several_targets(runs: Path, name: str) -> None:
    package, wanted, found = package_and_scores(runs / name)
    assert found.loss == pytest.approx(wanted.loss, rel=1e-5)
    assert found.metrics == pytest.approx(wanted.metrics, rel=1e-5)
    assert package.dataset is not None
    raw = package.dataset.test.inputs[:5]
    outputs = answering_of_net(package.delivered.net, package.dataset)(raw)
    assert isinstance(outputs, torch.Tensor) == (name == "amounts")


def test_examples_in_other_units_are_brought_to_those_of_the_export(runs: Path) -> None:
    """As image files are, whose bytes stand for the 0 to 16 of the digits."""
    package = pack(runs / "run")
    assert package.dataset is not None
    dataset, engine = package.dataset, TorchEngine(package.network, package.network.inputs)
    scaled = replace(
        dataset, mean=tuple(15 * each for each in dataset.mean), std=tuple(15 * each for each in dataset.std)
    )
    raw = dataset.test.inputs[:5]
    with torch.no_grad():
        wanted = answering_of_engine(engine, package, dataset)(raw)
        answer = answering_of_engine(engine, package, scaled)
        assert torch.equal(answer(15 * raw.float()), wanted)
        for value in (7.0, 15 * 256.0, float("nan")):
            with pytest.raises(InputError, match=r"takes whole numbers \(uint8\) in the units of its data"):
                answer(torch.full((1, 1, 8, 8), value))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "--engine", "onnx"), "is a run, which torch runs: write `bsngraph export "),
        (("torch-export", "--engine", "onnx"), "holds an export to torch-export, which torch runs"),
        (("onnx", "--device", "cuda"), "an exported network runs on the CPU here, not on 'cuda'"),
    ],
)
@pytest.mark.parametrize("command", ["evaluate", "predict"])
def test_an_engine_that_does_not_run_the_folder_says_what_does(
    runs: Path, tmp_path: Path, command: str, words: tuple[str, ...], said: str
) -> None:
    more = () if command == "evaluate" else ("--data", "digits", "-o", tmp_path / "out")
    result = invoke(command, runs / words[0], *words[1:], *more)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_a_damaged_folder_is_said(runs: Path, tmp_path: Path) -> None:
    for name in ("export.json", "model.onnx"):
        file = runs / "onnx" / name
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2])
        try:
            result = invoke("evaluate", runs / "onnx")
        finally:
            file.write_bytes(content)
        assert (result.exit_code, result.stdout) == (2, "")
        assert name in result.stderr
